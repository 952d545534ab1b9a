"""A training step of this library's biLM, as `recipes/pretrain_elmo.py` does.

Rows carry their states from step to step; each distinct word's characters are
computed once. Variants: the softmax over all words, or "sampled" ones.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from harness.sizes import NEGATIVES
from keras_ctx import convert, data, models, text, training

from .keras_steps import use_threads
from .step import Step, Task, distinct_words


def stream_model(task: Task, negatives: int | None, rows: int) -> keras.Model:
    folder = Path(task["folder"])
    kernel = np.load(folder / "softmax.npy")
    encoder = convert.load_elmo(
        folder / "options.json", folder / "weights.hdf5", dropout=0.0
    )
    language_model = models.elmo_language_model(
        encoder, len(kernel), dropout=0.0
    )
    language_model.get_layer("softmax").kernel.assign(kernel)
    return models.elmo_stream_model(language_model, rows, negatives)


def language_model(task: Task) -> Step:
    """Returns a step of Adagrad, which returns the loss before it."""
    use_threads(task)
    keras.config.set_dtype_policy(task["policy"])
    negatives = NEGATIVES if task["variant"] == "sampled" else None
    model = stream_model(task, negatives, task["rows"])
    softmax = model.get_layer("softmax")
    softmax.sparse_gradient = negatives is not None  # as pretrain_elmo.py
    words = softmax.vocabulary_size
    share = 0.5 * task["max_length"]
    model.compile(
        training.elmo_optimizer(),
        training.elmo_pretraining_losses(),
        loss_weights={"forward": share, "backward": share},
        jit_compile=False,
    )
    characters = text.ElmoInputs()
    seeds = iter(range(2**31))

    def feed(inputs):
        distinct, (forward, backward) = distinct_words(
            inputs["rows"], inputs["backward_rows"]
        )
        targets = np.array(inputs["targets"], "int32")
        return {
            "distinct_char_ids": characters([" ".join(distinct)])["char_ids"][
                0
            ].numpy(),
            "forward_word_ids": forward,
            "backward_word_ids": backward,
            "forward_targets": targets[0],
            "backward_targets": targets[1],
        }

    @tf.function
    def draw(seed):
        return tf.stack(
            [
                data.log_uniform_negatives((seed, k), NEGATIVES, words)
                for k in range(2)
            ]
        )

    def compute(fed):
        shape = fed["forward_targets"].shape
        if negatives:
            drawn = draw(tf.constant(next(seeds)))
            fed["negative_ids"] = np.repeat(drawn.numpy()[None], shape[0], 0)
        zeros = np.zeros(shape, "float32")
        weights = zeros + 1 / zeros.size
        # Without the reset it would be the mean loss of all steps.
        model.reset_metrics()
        return model.train_on_batch(
            fed,
            {"forward": zeros, "backward": zeros},
            {"forward": weights, "backward": weights},
            return_dict=True,
        )["loss"]

    return Step(feed, compute, lambda loss: np.array([loss], "float32"))
