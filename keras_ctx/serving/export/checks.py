"""Checks before an export that refuse what cannot be exported."""

import math
import numbers
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.models.family import encoder_part, family_of
from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.sublayers import all_layers
from keras_ctx.serving.signatures.text_windows import (
    TextWindows,
    text_positions,
)
from keras_ctx.text import ContextInputs, TextInputs

# Extra rows that an embedding table may have: published ones are padded to a
# multiple of at most 128 rows.
_TABLE_PADDING = 128
# Inputs of a head, which the signatures fill in.
_NOT_OF_TEXTS = (
    PREDICATE,
    "masked_positions",
    "decoder_token_ids",
    "decoder_padding_mask",
)
_UNPACK = (
    " The model reads packed texts: make the same head on the encoder for rows "
    "of one text, and give it these weights by `set_weights`."
)


def check_backend() -> None:
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "`export` needs the TensorFlow backend; save the model as .keras "
            "and export it under KERAS_BACKEND=tensorflow. "
            f"Received: backend={keras.backend.backend()!r}"
        )


def check_model(model: keras.Model) -> None:
    if not getattr(model, "built", True):
        raise ValueError(
            "`model` must be built: call it once, or create it from inputs and "
            f"outputs. Received: model={model!r}, which has no weights yet"
        )
    dicts = [getattr(model, name, None) for name in ("input", "output")]
    if not all(isinstance(tensors, dict) for tensors in dicts):
        raise ValueError(
            "`model` must be a functional model with a dict of inputs and a "
            "dict of outputs: their keys are the served names. "
            f"Received: model={model!r}"
        )
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.Lambda):
            raise ValueError(
                "`model` must have no Lambda layer: it holds Python code, "
                "which is unsafe to load from a file. Write your own "
                "layer, registered with "
                "`keras.saving.register_keras_serializable`. Received: "
                f"layer {layer.name!r}"
            )
        if getattr(layer, "stateful", False):
            raise ValueError(
                "`model` must be stateless: with a layer that carries state "
                "from call to call, an answer depends on earlier requests of "
                "any client. Create or load the model with "
                f"stateful=False. Received: layer {layer.name!r}"
            )


def check_inputs(
    model: keras.Model, text_inputs: TextInputs, pair: bool
) -> None:
    """Checks that the text inputs return what the model takes."""
    sizes = _sizes(model)
    if pair or "start_logits" in model.output:
        _check_pairs(sizes, text_inputs)
    second = tf.constant(["a"]) if pair else None
    features = text_inputs(tf.constant(["a"]), second)
    wanted = {k: x for k, x in model.input.items() if k not in _NOT_OF_TEXTS}
    missing = sorted(wanted.keys() - features.keys())
    surplus = sorted(features.keys() - wanted.keys())
    if missing or surplus:
        raise ValueError(
            "`text_inputs` must give the inputs of `model`, no more and no "
            f"fewer. Missing: {missing}. Unknown to `model`: {surplus}."
            + (_UNPACK if "text_ids" in missing else "")
        )
    for key, taken in wanted.items():
        given = features[key]
        if given.dtype != taken.dtype or not given.shape.is_compatible_with(
            taken.shape
        ):
            raise ValueError(
                f"`text_inputs` must give `{key}` as `model` takes it: "
                f"{taken.dtype} {taken.shape}. Received: "
                f"{given.dtype.name} of shape {tuple(given.shape)} for one "
                "text."
            )
    _check_vocabulary(sizes, text_inputs)


def _sizes(model: keras.Model) -> Mapping[str, Any]:
    """Returns the sizes of the encoder; empty for an unknown family."""
    try:
        family = family_of(model)
    except ValueError:
        return {}
    return family.sizes(encoder_part(model))


def _check_pairs(sizes: Mapping[str, Any], text_inputs: TextInputs) -> None:
    """Checks that the model has the segment ids of text pairs."""
    if not text_inputs.takes_pairs:
        raise ValueError(
            "`text_inputs` must take pairs of texts for this model. Received: "
            f"{type(text_inputs).__name__}, which take single texts"
        )
    segments = sizes.get("num_segments", 2)
    if segments < 2:
        raise ValueError(
            "`model` must have two segments to read pairs of texts. "
            f"Received: num_segments={segments}"
        )


def _check_vocabulary(
    sizes: Mapping[str, Any], text_inputs: TextInputs
) -> None:
    size = text_inputs.vocabulary_size
    rows = sizes.get("vocabulary_size")
    if size is None or rows is None:
        return
    if not size <= rows < size + _TABLE_PADDING:
        raise ValueError(
            "`text_inputs` must have the vocabulary that `model` was trained "
            f"with. Received: {size} tokens, and a model with {rows}"
        )


def listed(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns labels as a tuple, one name for each class, in order."""
    if isinstance(labels, str | bytes | set | frozenset):
        raise ValueError(
            "`labels` must be a list of names in the order of the logits; "
            f"a {type(labels).__name__} has none. Received: labels={labels!r}"
        )
    labels = tuple(labels)
    if not all(isinstance(label, str) for label in labels):
        raise ValueError(
            "`labels` must be strings: write numbers as text, such as "
            f"{tuple(map(str, labels))}. Received: labels={labels!r}"
        )
    return labels


def check_labels(
    model: keras.Model,
    labels: tuple[str, ...] | None,
    multi_label: bool = False,
) -> None:
    if labels is None:
        if multi_label:
            raise ValueError(
                "`multi_label` needs `labels`, the names of the logits. "
                "Received: labels=None"
            )
        return
    logits = model.output.get("logits")
    is_crf = model.output.keys() >= {"logits", "scores", "tags"}
    if logits is None or (
        len(logits.shape) not in (2, 3)
        and not (is_crf and len(logits.shape) == 4)
    ):
        raise ValueError(
            "`labels` is for a model with an output `logits` of shape (B, N) "
            "or (B, T, N), or a tagger with a CRF; leave it out for another. "
            f"Received a model with outputs {sorted(model.output)}"
        )
    if len(labels) == 1 and not (is_crf or multi_label):
        raise ValueError(
            "`labels` must be two or more: a single one always has the "
            "probability 1. Leave it out for a model with one output, which "
            "is served as a number, or give `multi_label=True`, which serves "
            f"yes or no. Received: labels={labels!r}"
        )
    if len(labels) != logits.shape[-1]:
        raise ValueError(
            f"`labels` must name each of the {logits.shape[-1]} classes of "
            f"`model`. Received: {len(labels)} labels, {labels!r}"
        )
    wrong = [x for x in labels if x.splitlines() != [x] or not _is_unicode(x)]
    if wrong or len(set(labels)) != len(labels):
        raise ValueError(
            "`labels` must be different from each other, Unicode of one line "
            f"each and not empty. Received: labels={labels!r}"
        )


def _is_unicode(text: str) -> bool:
    """Returns whether UTF-8 can encode it: it has no lone surrogate."""
    return text.encode("utf-8", "ignore").decode("utf-8") == text


def check_texts_and_figures(
    check_texts: Sequence[str], metrics: Mapping[str, float]
) -> None:
    if isinstance(check_texts, str) or not check_texts:
        raise ValueError(
            "`check_texts` must be a list of texts, one at least. "
            f"Received: {check_texts!r}"
        )
    for name, value in metrics.items():
        if not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise ValueError(
                "`metrics` must be finite numbers by name. "
                f"Received: {name}={value!r}"
            )


def check_version(version: int | None) -> None:
    # TF Serving reads the name of a folder as an int64.
    if version is None or (type(version) is int and 0 <= version < 2**63):
        return
    raise ValueError(
        "`version` must be an integer from 0 to 2**63 - 1, as TF Serving "
        f"reads it, or None. Received: version={version!r}"
    )


def check_origin(
    measured_on: str | None, training_data: Mapping[str, str]
) -> None:
    if measured_on is not None and not (
        isinstance(measured_on, str)
        and measured_on.splitlines() == [measured_on]
    ):
        raise ValueError(
            "`measured_on` must be a line of text, or None. "
            f"Received: measured_on={measured_on!r}"
        )
    for name, digest in training_data.items():
        if not isinstance(digest, str) or not re.fullmatch(
            "[0-9a-f]{64}", digest
        ):
            raise ValueError(
                "`training_data` must be SHA-256 digests by name, of 64 "
                "hexadecimal digits each, as `sha256sum FILE` prints them. "
                f"Received: {name}={digest!r}"
            )


def check_notes(notes: Sequence[str]) -> None:
    if isinstance(notes, str) or not all(
        isinstance(note, str) and note.strip() for note in notes
    ):
        raise ValueError(
            f"`notes` must be a list of sentences. Received: notes={notes!r}"
        )


def check_options(
    task: str,
    model: keras.Model,
    text_inputs: TextInputs,
    pair: bool,
    top_k: int,
    multi_label: bool = False,
) -> None:
    if multi_label and task != "classify":
        raise ValueError(
            "`multi_label` is for a model that classifies texts. Received: "
            f"multi_label=True for a model whose task is {task!r}"
        )
    if pair and task not in ("classify", "regress", "serving_default"):
        raise ValueError(
            "`pair` is for a model that classifies or scores texts. Received: "
            f"pair=True for a model whose task is {task!r}"
        )
    if type(top_k) is not int or top_k < 1:
        raise ValueError(
            f"`top_k` must be an integer of at least 1. Received: {top_k!r}"
        )
    if task == "fill_mask":
        check_mask(text_inputs)
        size = model.output["masked_lm"].shape[-1]
        if top_k > size:
            raise ValueError(
                f"`top_k` must be at most {size}, the tokens of `model`. "
                f"Received: top_k={top_k}"
            )


def check_mask(text_inputs: TextInputs) -> None:
    """Refuses text inputs without [MASK], for a model that fills masks."""
    if text_inputs.mask_id is None:
        raise ValueError(
            "`text_inputs` must have a mask token, such as [MASK] of "
            "BERT, for a model that fills masks. "
            f"Received: {type(text_inputs).__name__} without one"
        )


def check_windows(
    task: str,
    text_inputs: TextInputs,
    pair: bool,
    windows: AnswerWindows | TextWindows | None,
) -> None:
    if windows is None:
        return
    takes: Any = None
    if task == "answer":
        takes = AnswerWindows
    elif task in ("classify", "regress", "tag") and not pair:
        takes = TextWindows
    if takes is None or not isinstance(windows, takes):
        raise ValueError(
            "`windows` must be AnswerWindows for a model that answers "
            "questions, TextWindows for one that classifies, scores or tags "
            "single texts, and left out for others. Received: "
            f"windows={windows} for a model whose task is {task!r}"
            f"{' with pairs' if pair else ''}"
        )
    if isinstance(windows, AnswerWindows):
        return
    if text_inputs.max_length is None:
        raise ValueError(
            "`windows` is for text inputs with a `max_length`; without one a "
            "text of any length is read whole. "
            f"Received: windows={windows}, text_inputs.max_length=None"
        )
    if isinstance(text_inputs, ContextInputs) and (
        text_inputs.context_inputs.max_length is not None
    ):
        raise ValueError(
            "`windows` is for text inputs with one limit. Leave it out: the "
            "second encoder may read fewer words than a window has. Received: "
            f"windows={windows} for ContextInputs"
        )
    most = text_positions(text_inputs)
    if windows.overlap >= most:
        raise ValueError(
            "`windows.overlap` must be below the positions that "
            f"`text_inputs` leaves to a text, {most}. "
            f"Received: overlap={windows.overlap}"
        )
