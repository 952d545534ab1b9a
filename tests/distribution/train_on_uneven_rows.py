"""Trains small models on batches of 4, 4 and 1 rows.

It trains on one device without a strategy, and on two, one of which gets no row
of the last batch; and writes figures, predictions and weights. Run in its own
process, for two logical devices, or as one of the workers of TF_CONFIG.

    python train_on_uneven_rows.py FILE.npz [CASE ...]
    TF_CONFIG=... python train_on_uneven_rows.py FILE.npz workers [CASE ...]
"""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf
from train_on_devices import two_devices

from keras_ctx import data, models, text, training

ROWS, BATCH = 9, 4
TEXTS = ["a b", "c", "d e f", "g", "h i", "j k l", "m", "n o", "p"]
LABELS = [0, 1, 0, 1, 1, 0, 1, 0, 0]
CrossEntropy = keras.losses.SparseCategoricalCrossentropy


@dataclass(frozen=True)
class Trial:
    """A model with its data and training arguments."""

    model: Callable[[], keras.Model]
    batches: Callable[[], Any]
    loss: Any
    compiled: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def ids(high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, high, shape).astype("int32")


def batched(*parts: Any) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)


def dense() -> keras.Model:
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Dense(2, name="logits")(x))


def two_outputs() -> keras.Model:
    x = keras.Input((3,), name="x")
    kernel = keras.regularizers.L2(0.1)
    return keras.Model(
        {"x": x},
        {
            "sort": keras.layers.Dense(2, kernel_regularizer=kernel)(x),
            "number": keras.layers.Dense(1)(x),
        },
    )


def masked() -> keras.Model:
    """Returns a model whose Keras masks reach the loss; 0 is padding."""
    x = keras.Input((None,), dtype="int32")
    y = keras.layers.Embedding(7, 4, mask_zero=True)(x)
    y = keras.layers.LSTM(3, return_sequences=True)(y)
    return keras.Model(x, keras.layers.Dense(2)(y))


def synchronized() -> keras.Model:
    x = keras.Input((3,))
    y = keras.layers.BatchNormalization(synchronized=True)(x)
    return keras.Model(x, keras.layers.Dense(2)(y))


def bert_inputs() -> text.BertInputs:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnop"]
    return text.BertInputs(
        pieces, max_length=8, split="character", padding="longest"
    )


def bert() -> keras.Model:
    return models.bert_encoder(
        21, 1, 2, 8, 16, 8, dropout=0.0, attention_dropout=0.0
    )


def elmo() -> keras.Model:
    return models.elmo_encoder(
        [(1, 4)], 8, 4, max_characters=8, dropout=0.0, num_highways=1
    )


def labelled(inputs: Callable, **options: Any) -> Callable:
    return lambda: data.classification_dataset(
        TEXTS, LABELS, inputs(), batch_size=BATCH, training=False, **options
    )


def tagged() -> tf.data.Dataset:
    words = [line.split() for line in TEXTS]
    tags = [[ord(word) % 2 for word in line] for line in words]
    inputs = text.ElmoInputs(max_characters=8)
    return data.tagging_dataset(
        words, tags, inputs, batch_size=BATCH, training=False
    )


X, TOKENS = numbers(ROWS, 3), ids(7, ROWS, 5)
Y, PLACES = np.array(LABELS), ids(2, ROWS, 5)
WEIGHTS = np.array([1, 0, 3, 1, 0.5, 2, 0, 1, 5], "float32")
ACCURACY = {"metrics": ["accuracy"]}
TRIALS = {
    "means": Trial(dense, lambda: batched(X, Y), CrossEntropy(True), ACCURACY),
    "arrays": Trial(
        dense,
        lambda: (X, Y),
        CrossEntropy(True),
        ACCURACY,
        {"batch_size": BATCH, "validation_data": (X[:5], Y[:5])},
    ),
    "function": Trial(
        dense,
        lambda: batched(X, numbers(ROWS, 2, seed=1)),
        "mean_absolute_error",
    ),
    "class weights": Trial(
        dense,
        lambda: batched(X, Y),
        CrossEntropy(True),
        {"weighted_metrics": ["accuracy"]},
        {"class_weight": {0: 1.0, 1: 3.0}},
    ),
    "sample weights": Trial(
        dense,
        lambda: batched(X, Y, WEIGHTS),
        CrossEntropy(True),
        {"weighted_metrics": ["accuracy"], **ACCURACY},
    ),
    "means of weights": Trial(
        dense,
        lambda: batched(X, Y, WEIGHTS),
        CrossEntropy(True, reduction="mean_with_sample_weight"),
    ),
    "sums": Trial(
        dense, lambda: batched(X, Y), CrossEntropy(True, reduction="sum")
    ),
    "two outputs": Trial(
        two_outputs,
        lambda: batched({"x": X}, {"sort": Y, "number": numbers(ROWS, 1)}),
        {"sort": CrossEntropy(True), "number": "mse"},
        {
            "loss_weights": {"sort": 0.3, "number": 0.1},
            "metrics": {"number": ["mae"]},
        },
    ),
    "masks": Trial(
        masked, lambda: batched(TOKENS, PLACES), CrossEntropy(True), ACCURACY
    ),
    "ignored": Trial(
        masked,
        lambda: batched(TOKENS, PLACES - (TOKENS == 3)),
        CrossEntropy(True, ignore_class=-1),
    ),
    "synchronized": Trial(
        synchronized, lambda: batched(X, Y), CrossEntropy(True)
    ),
    "bert": Trial(
        lambda: models.classifier(bert(), 2, dropout=0.0),
        labelled(bert_inputs),
        {"logits": CrossEntropy(True)},
        {"metrics": {"logits": ["accuracy"]}},
    ),
    "weighted bert": Trial(
        lambda: models.classifier(bert(), 2, "scalar_mix", dropout=0.0),
        labelled(bert_inputs, class_weights=[1.0, 3.0]),
        {"logits": CrossEntropy(True, reduction="sum")},
    ),
    "elmo": Trial(
        lambda: models.classifier(elmo(), 2, dropout=0.0),
        labelled(lambda: text.ElmoInputs(max_characters=8)),
        {"logits": CrossEntropy(True)},
    ),
    "frozen elmo": Trial(
        lambda: models.classifier(elmo(), 2, dropout=0.0, frozen=True),
        labelled(lambda: text.ElmoInputs(max_characters=8)),
        {"logits": CrossEntropy(True)},
    ),
    "crf": Trial(
        lambda: models.tagger(elmo(), 2, dropout=0.0, crf=True),
        tagged,
        {"logits": training.CRFLoss()},
    ),
}


class Steps(keras.callbacks.Callback):
    """Records Keras's logs after each step, of the epoch so far."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.losses.append(float((logs or {})["loss"]))


def train(trial: Trial, scope: Any, predict: bool) -> dict[str, np.ndarray]:
    keras.utils.set_random_seed(1)
    with scope:
        model = training.distributed(trial.model())
        model.compile(
            keras.optimizers.SGD(0.5),
            trial.loss,
            **trial.compiled,
            jit_compile=False,
        )
    batches, steps = trial.batches(), Steps()
    given = batches if isinstance(batches, tuple) else (batches,)
    options = {"verbose": 0, "batch_size": trial.fit.get("batch_size")}
    history = model.fit(
        *given,
        epochs=2,
        shuffle=False,
        callbacks=[steps],
        **options | trial.fit,
    ).history
    found = {f"history/{k}": np.array(v) for k, v in history.items()}
    found["steps"] = np.array(steps.losses)
    evaluated = model.evaluate(*given, return_dict=True, **options)
    found |= {f"evaluated/{k}": np.array(v) for k, v in evaluated.items()}
    if predict:
        answers = model.predict(given[0], **options)
        for path, answer in keras.tree.flatten_with_path(answers):
            name = "/".join(map(str, path))
            # Batches of unequal lengths are one ragged tensor.
            if isinstance(answer, tf.RaggedTensor):
                answer = cast(Any, answer).to_tensor()
            found[f"predicted/{name}"] = np.asarray(answer)
    for i, weight in enumerate(model.get_weights()):
        found[f"weight/{i}"] = weight
    return found


def main(path: str, *names: str) -> None:
    workers = names[:1] == ("workers",)
    names = names[1:] if workers else names
    if workers:
        scopes = {"workers": training.strategy("multi_worker")}
    else:
        scopes = dict(zip(("one", "two"), two_devices(), strict=True))
    results = {}
    for name in names or TRIALS:
        for devices, strategy in scopes.items():
            alone = devices == "one"
            scope = contextlib.nullcontext() if alone else strategy.scope()
            found = train(TRIALS[name], scope, True)
            results |= {f"{name}/{devices}/{k}": v for k, v in found.items()}
    np.savez(path, allow_pickle=False, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
