"""Runs a signature of a model on rows of texts, to NumPy arrays."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops of the text function)

from keras_ctx import models
from keras_ctx.files.json_text import load_object_file
from keras_ctx.predictions.model_rows import check_finite
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.serving.signatures.writing import WRITERS
from keras_ctx.serving.text_pair import SECOND_TEXT

Ask = Callable[[Sequence[tuple[Any, ...]]], dict[str, np.ndarray]]

_ORDER = ("text", SECOND_TEXT, "question", "context", "tokens")
SIGNATURES = {
    "classification": "classify",
    "multi_label": "classify",
    "regression": "regress",
    "tagging": "tag",
    "question_answering": "answer",
    "embedding": "embed",
    "encoder": "embed",
    "fill_mask": "fill_mask",
}
"""Signature name by kind of task."""


class ServedVersion:
    """A version written by `serving.export`, run by TensorFlow alone.

    Args:
        folder: Folder of the version, with its `signature.json`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = load_object_file(folder / "signature.json")
        self._served = tf.saved_model.load(str(folder))

    def ask(self, name: str) -> Ask:
        """Returns the function of a signature.

        Raises:
            ValueError: The version has no signature of this name.
        """
        found: Mapping[str, Any] = self._served.signatures
        if name not in found:
            raise ValueError(
                f"{self.folder}: the version has no signature {name!r}. "
                f"Received: one with {sorted(found)}"
            )
        inputs = self.card["signatures"][name]["inputs"]
        keys = [key for key in _ORDER if key in inputs]
        function = found[name]
        return _ask(lambda *x: function(**dict(zip(keys, x, strict=True))))

    @property
    def kind(self) -> str:
        """The kind of its task; see `TextModel`."""
        signature = self.card["task"]
        if signature == "classify" and self.card.get("multi_label"):
            return "multi_label"
        outputs = self.card["signatures"].get(signature, {}).get("outputs", {})
        if signature == "embed" and "embedding" not in outputs:
            return "encoder"
        for kind, name in SIGNATURES.items():
            if name == signature:
                return kind
        if signature in WRITERS:
            raise ValueError(
                f"{self.folder}: the version writes texts, which a TextModel "
                "does not do. Ask it by `serving.answers(folder, texts)`. "
                f"Received: task={signature!r}"
            )
        if signature == "roles":
            raise ValueError(
                f"{self.folder}: the version reads a predicate beside each "
                "text, which a TextModel does not do. Ask it by "
                "`serving.answers(folder, {'text': ..., 'predicate': ...})`. "
                f"Received: task={signature!r}"
            )
        raise ValueError(
            f"{self.folder}: the version must be of a task, one of "
            f"{', '.join(sorted(set(SIGNATURES.values())))}; this one returns "
            "numbers without names. Export it with `labels`. Received: "
            f"task={signature!r}"
        )

    def size(self, output: str) -> int:
        """Returns the number of features of an output of its task."""
        outputs = self.card["signatures"][self.card["task"]]["outputs"]
        return outputs[output]["shape"][-1]

    def __reduce__(self) -> tuple[Any, ...]:
        return ServedVersion, (self.folder,)

    def __repr__(self) -> str:
        return f"ServedVersion({str(self.folder)!r})"


def ask_model(task: RunTask, name: str | None = None) -> Ask:
    """Returns the function of a signature, as an export would have it.

    Args:
        task: The model and its task.
        name: Name of the signature. Defaults to that of the task.
    """
    labels = task.labels or None
    windows = None
    if task.kind == "question_answering":
        windows = answer_windows(task)
    made = signatures(
        task.model,
        task.text_inputs,
        labels,
        bool(task.settings.get("pair")),
        top_k=5,
        windows=windows,
        multi_label=task.kind == "multi_label",
    )
    if name is not None and name not in made:
        raise ValueError(
            "`model` must have an encoder of this library in it. Received: "
            f"{task.model.name!r}, with {sorted(made)}"
        )
    signature = made[name or SIGNATURES[task.kind]]
    function = tf.function(
        signature.function, input_signature=list(signature.inputs.values())
    )
    return _ask(function)


def ask_attention(encoder: keras.Model, text_inputs: Any) -> Ask:
    """Returns a function for the attention `(B, L, H, T, T)` of all blocks."""
    scores = models.attention_scores(encoder)

    def attention(text: tf.Tensor) -> dict[str, tf.Tensor]:
        features = text_inputs(text)
        given = {name: features[name] for name in scores.input}
        found = scores(given, training=False)["attention_scores"]
        return {
            "attention": tf.cast(tf.stack(found, axis=1), tf.float32),
            "tokens": text_inputs.tokens(text),
            "num_tokens": text_inputs.num_tokens(text),
        }

    spec = tf.TensorSpec([None], tf.string)
    return _ask(tf.function(attention, input_signature=[spec]))


def answer_windows(task: RunTask) -> AnswerWindows:
    """Returns the windows with which the figures of a run were measured."""
    names = ("stride", "max_question", "max_answer")
    told = {
        name: task.settings[name] for name in names if name in task.settings
    }
    return AnswerWindows(**told)


def _ask(function: Callable[..., Any]) -> Ask:
    def ask(rows: Sequence[tuple[Any, ...]]) -> dict[str, np.ndarray]:
        columns = (_column(column) for column in zip(*rows, strict=True))
        outputs = {k: x.numpy() for k, x in function(*columns).items()}
        check_finite(outputs)
        return outputs

    return ask


def _column(texts: Sequence[str | list[str]]) -> tf.Tensor:
    """Returns texts `(B,)`, or words `(B, W)` padded with ""."""
    if isinstance(texts[0], str):
        return tf.constant(texts, tf.string)
    width = max(1, *map(len, texts))
    rows = [[*words, *[""] * (width - len(words))] for words in texts]
    return tf.constant(rows, tf.string)
