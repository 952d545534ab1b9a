"""This library, as a user would run it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from keras_ctx.command_line.packed_weights import keep_weights_packed

import keras
import numpy as np
import tensorflow as tf

import keras_ctx
from keras_ctx import convert, data, models, text, training

from .keras_steps import (
    as_float32,
    features,
    inference_step,
    training_step,
    use_threads,
    with_classes,
)
from .our_awd_lstm import awd_lstm, awd_lstm_training
from .our_generation import beam_translation, greedy, next_token
from .our_language_model import language_model
from .step import Step, Task

PACKAGES = ("keras", "keras_ctx", "tensorflow")
HEADS = "heads.npz"


def prepared(task: Task) -> Path:
    """Sets threads and policy, and returns the folder of the model."""
    use_threads(task)
    keras.config.set_dtype_policy(task["policy"])
    return Path(task["folder"])


def load_bert(task: Task, heads: bool = False) -> keras.Model:
    rate = task["dropout"]
    folder = prepared(task)
    return convert.load_bert(folder, heads, rate, rate)


def inference(task: Task) -> Step:
    keep_weights_packed()
    return inference_step(load_bert(task), "sequence")


def classes(task: Task) -> Step:
    encoder = load_bert(task)
    with np.load(Path(task["folder"]) / HEADS) as heads:
        model = with_classes(
            encoder.input, encoder.output["pooled"], heads["classes"]
        )

    def feed(inputs):
        return features(inputs), np.array(inputs["labels"])

    return training_step(model, feed, training.LayerwiseAdamW)


def masked_lm(task: Task) -> Step:
    pretrainer = load_bert(task, heads=True)
    with np.load(Path(task["folder"]) / HEADS) as heads:
        dense = pretrainer.get_layer("masked_lm_dense")
        dense.kernel.assign(heads["dense"])
    model = keras.Model(pretrainer.input, pretrainer.output["masked_lm"])

    def feed(inputs):
        positions = np.array(inputs["positions"], "int32")
        fed = {**features(inputs), "masked_positions": positions}
        return fed, np.array(inputs["targets"])

    return training_step(model, feed, training.LayerwiseAdamW)


def embedder(task: Task) -> keras_ctx.TextModel:
    model = keras_ctx.TextModel(
        *convert.load_embedder(Path(task["folder"]), task["max_length"])
    )
    if task["policy"] == "float32":
        return model
    return model.with_dtype(task["policy"])


def texts(task: Task) -> Step:
    keep_weights_packed()
    use_threads(task)
    model = embedder(task)
    return Step(
        lambda inputs: inputs["texts"],
        model.predict,
        lambda vectors: np.asarray(vectors, "float32"),
    )


def request(task: Task) -> Step:
    """Returns the step of an exported version, with TensorFlow alone."""
    # As recipes/serve.py and deploy/.
    keep_weights_packed()
    use_threads(task)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    model = embedder(task)
    version = model.export(Path(task["scratch"]) / "versions")
    call = tf.saved_model.load(str(version)).signatures["serving_default"]
    return Step(
        lambda inputs: tf.constant(inputs["texts"]),
        lambda text: call(text=text),
        lambda answer: as_float32(answer["embedding"]),
    )


def fine_tuning(task: Task) -> Step:
    """Returns the step of one epoch, in batches of similar length."""
    folder, batch_size = prepared(task), 32
    encoder = convert.load_encoder(folder)
    inputs = convert.load_text_inputs(folder, task["max_length"])
    model = models.classifier(encoder, 2)
    epoch = 0

    def compute(fed):
        nonlocal epoch
        steps = len(fed["texts"]) // batch_size
        if not epoch:
            model.compile(
                training.bert_optimizer(5e-5, 10 * steps),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                jit_compile=False,
            )
        rows = data.classification_dataset(
            fed["texts"],
            fed["labels"],
            inputs,
            batch_size=batch_size,
            training=True,
            seed=epoch,
            bucket_batches=8,
        )
        model.fit(rows, steps_per_epoch=steps, shuffle=False, verbose=0)
        epoch += 1
        return fed

    def accuracy(fed):
        held = data.classification_dataset(
            fed["held_texts"],
            fed["held_labels"],
            inputs,
            batch_size=64,
            training=False,
        )
        best = model.predict(held, verbose=0)["logits"].argmax(-1)
        return np.array([np.mean(best == fed["held_labels"])])

    return Step(dict, compute, accuracy)


def elmo_call(task: Task, gradients: bool):
    """Returns a compiled function of sentences, from texts to layers."""
    folder = prepared(task)
    encoder = convert.load_elmo(
        folder / "options.json", folder / "weights.hdf5", dropout=0.0
    )
    model = models.distinct_words(encoder)
    inputs = text.ElmoInputs(distinct=True)
    table = encoder.get_layer("char_cnn").char_embedding.embeddings
    lowest = encoder.get_layer("bilm").forward_cells[0].projection_kernel
    spec = tf.TensorSpec([None], tf.string)  # pyright: ignore

    @tf.function(input_signature=[spec])
    def forward(sentences):
        layers = model(inputs(sentences), training=False)["layers"]
        return tf.stack([tf.cast(layer, tf.float32) for layer in layers])

    @tf.function(input_signature=[spec])
    def forward_and_backward(sentences):
        with tf.GradientTape() as tape:
            layers = model(inputs(sentences), training=True)["layers"]
            loss = tf.add_n(
                [tf.reduce_sum(tf.cast(layer, "float32")) for layer in layers]
            )
        weights = model.trainable_weights
        found = tape.gradient(loss, [weight.value for weight in weights])
        return {
            weight.path: tf.convert_to_tensor(gradient)
            for weight, gradient in zip(weights, found, strict=True)
        }

    def fetch(found):
        if not gradients:
            return found.numpy()
        # Row 0 is padding.
        parts = found[table.path][1:], found[lowest.path]
        return np.concatenate([part.numpy().ravel() for part in parts])

    return (forward_and_backward if gradients else forward), fetch


def elmo(task: Task, gradients: bool = False) -> Step:
    if not gradients:  # as recipes/embed_corpus.py
        keep_weights_packed()
    call, fetch = elmo_call(task, gradients)

    def compute(rows):
        return call(tf.constant([" ".join(row) for row in rows]))

    return Step(lambda inputs: inputs["rows"], compute, fetch)


def tokens(task: Task) -> Step:
    """Returns the step of one compiled function, with a thread for each core.

    As in a long pipeline: a `tf.data` one takes 80 ms to start, as long as the
    sentences.
    """
    folder, most = prepared(task), task["max_length"]
    if (folder / "model.safetensors").is_file():
        inputs = convert.load_text_inputs(folder, most)
    else:
        inputs = text.BertInputs(folder / "vocab.txt", most)
    spec = tf.TensorSpec([None], tf.string)  # pyright: ignore
    call = tf.function(lambda rows: inputs(rows), input_signature=[spec])
    pool = ThreadPoolExecutor(task["threads"])

    def compute(sentences):
        starts = range(0, len(sentences), 512)
        return list(pool.map(lambda k: call(sentences[k : k + 512]), starts))

    def fetch(batches):
        return np.concatenate(
            [batch["token_ids"][batch["padding_mask"]] for batch in batches]
        )

    return Step(lambda given: tf.constant(given["texts"]), compute, fetch)


STEPS = {
    "inference": inference,
    "training": classes,
    "masked_lm": masked_lm,
    "texts": texts,
    "request": request,
    "fine_tuning": fine_tuning,
    "elmo": elmo,
    "elmo_gradients": partial(elmo, gradients=True),
    "tokens": tokens,
    "language_model": language_model,
    "awd_lstm": awd_lstm,
    "awd_lstm_training": awd_lstm_training,
    "greedy": greedy,
    "next_token": next_token,
    "beam_translation": beam_translation,
}
