"""Export: a model and its text function as the next version to serve."""

from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from keras_ctx.serving.agreement import check_agreement
from keras_ctx.serving.endpoints import (
    TextInputs,
    features_endpoint,
    features_signature,
    is_crf,
    text_endpoint,
)
from keras_ctx.serving.new_version import new_version

CHECK_TEXTS = (
    "",
    "A short text, and its 2nd part.",
    "这本书很好，我在北京读了三遍。",
    "Ünïcode: naïve Öl, 東京 🙂 [SEP] привет",
)


def export(
    model: keras.Model,
    text_inputs: TextInputs,
    path: str | Path,
    labels: Sequence[str] | None = None,
    check_texts: Sequence[str] = CHECK_TEXTS,
) -> Path:
    """Writes model and text function together as the next SavedModel version.

    The version is written under another name beside its destination, reloaded
    by raw TensorFlow, compared with `model`, and renamed only if the two
    agree; so every version that is there is whole and right, and a server
    that watches `path` never sees a part of one. A version is never
    overwritten: exports at the same time get a number each.

    Signature `serving_default`, from `text`, strings `(B,)`: the outputs of
    the model by name, a list `layers` as `layer_0`, `layer_1`, ..., floats as
    float32. With `labels` and logits `(B, N)` also `label`, strings `(B,)`,
    and `scores` `(B, N)`, their softmax. With `labels` and logits `(B, T, N)`
    also `tokens` and `tags`, strings `(B, T)`, and `scores` `(B, T, N)`;
    `tags` is "" at padding, at special tokens such as [CLS], and at the
    pieces of a word after its first. With `labels` and a tagger with
    `crf=True` the same, `tags` being the most probable path and `scores` the
    probability of each tag over all paths; `logits` is left out there.
    Signature `features`, from the inputs of the model by name: its outputs.

    Args:
        model: A functional model with a dict of inputs and one of outputs,
            such as those of `keras_ctx.models`.
        text_inputs: The text function that the model was trained with.
        path: Folder of this model; its versions are `path/1`, `path/2`, ...
        labels: N names, in the order of the logits; also written, one a line,
            to `assets/labels.txt` in the version.
        check_texts: Texts on which the export must agree with `model`, to
            1e-5 (absolute below 1, relative above), or 2e-2 if `model`
            computes in half precision. One more is as long as `text_inputs`
            allows.

    Returns:
        The folder of the new version.

    Raises:
        ValueError: `text_inputs` does not give the inputs of `model`,
            `labels` does not fit its logits, or a text of
            `text_inputs.max_length` is too long for it.
        OSError: `path` cannot be written to.
        RuntimeError: the export does not answer as `model` does (nothing is
            published then), or another backend than TensorFlow is active.

    Example:
        >>> from keras_ctx import models, text
        >>> inputs = text.BertInputs(
        ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "好", "坏"],
        ...     max_length=16, split="character")
        >>> encoder = models.bert_encoder(7, 1, 2, 8, 16, 16)
        >>> model = models.classifier(encoder, 2)
        >>> export(model, inputs, "reviews", labels=["bad", "good"]).name
        '1'
        >>> Path("reviews/1/assets/labels.txt").read_text(encoding="utf-8")
        'bad\\ngood\\n'

    Source: https://www.tensorflow.org/guide/saved_model; version folders of
    https://www.tensorflow.org/tfx/serving/serving_basic.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "`export` needs the TensorFlow backend; save the model as .keras "
            "and export it under KERAS_BACKEND=tensorflow. "
            f"Received: backend={keras.backend.backend()!r}"
        )
    if labels is not None:
        labels = tuple(labels)
    _check_model(model)
    _check_inputs(model, text_inputs(tf.constant(["a"])))
    if labels is not None:
        _check_labels(model, labels)

    with new_version(Path(path)) as (folder, publish):
        # Nothing to track: the archive finds the variables of its endpoints by
        # itself, and the text functions hold neither tables nor files.
        archive = keras.export.ExportArchive()
        archive.add_endpoint(
            "serving_default",
            text_endpoint(model, text_inputs, labels),
            [tf.TensorSpec((None,), tf.string, name="text")],
        )
        archive.add_endpoint(
            "features", features_endpoint(model), [features_signature(model)]
        )
        archive.write_out(folder, verbose=False)
        if labels is not None:
            lines = "".join(f"{label}\n" for label in labels)
            assets = folder / "assets"
            assets.mkdir(exist_ok=True)
            (assets / "labels.txt").write_text(lines, encoding="utf-8")
        check_agreement(folder, model, text_inputs, labels, tuple(check_texts))
        return publish()


def _check_model(model: keras.Model) -> None:
    dicts = [getattr(model, name, None) for name in ("input", "output")]
    if not all(isinstance(tensors, dict) for tensors in dicts):
        raise ValueError(
            "`model` must be a functional model with a dict of inputs and a "
            "dict of outputs: their keys name what is served. "
            f"Received: model={model!r}"
        )


def _check_inputs(model: keras.Model, features: dict[str, tf.Tensor]) -> None:
    missing = sorted(model.input.keys() - features.keys())
    surplus = sorted(features.keys() - model.input.keys())
    if missing or surplus:
        raise ValueError(
            "`text_inputs` must give the inputs of `model`, no more and no "
            f"fewer. Missing: {missing}. Unknown to `model`: {surplus}."
        )
    for key, wanted in model.input.items():
        given = features[key]
        if given.dtype != wanted.dtype or not given.shape.is_compatible_with(
            wanted.shape
        ):
            raise ValueError(
                f"`text_inputs` must give `{key}` as `model` takes it: "
                f"{wanted.dtype} {wanted.shape}. Received: "
                f"{given.dtype.name} of shape {tuple(given.shape)} for one "
                "text."
            )


def _check_labels(model: keras.Model, labels: tuple[str, ...]) -> None:
    logits = model.output.get("logits")
    if logits is None or (
        len(logits.shape) not in (2, 3) and not is_crf(model)
    ):
        raise ValueError(
            "`labels` is for a model with an output `logits` of shape (B, N) "
            "or (B, T, N), or a tagger with a CRF; leave it out for another. "
            f"Received a model with outputs {sorted(model.output)}"
        )
    if len(labels) != logits.shape[-1]:
        raise ValueError(
            f"`labels` must name each of the {logits.shape[-1]} classes of "
            f"`model`. Received: {len(labels)} labels, {labels!r}"
        )
    wrong = [x for x in labels if not x or x.splitlines() != [x]]
    if wrong or len(set(labels)) != len(labels):
        raise ValueError(
            "`labels` must be different from each other, of one line each "
            f"and not empty. Received: labels={labels!r}"
        )
