"""Exports a model with its text inputs as the next version to serve."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

from keras_ctx.data.roles.dataset import PredicatePlace
from keras_ctx.files.whole_file import write_text
from keras_ctx.serving.card.model_card import write_card
from keras_ctx.serving.export.check_roles import check_roles
from keras_ctx.serving.export.check_writing import check_writing
from keras_ctx.serving.export.checks import (
    check_backend,
    check_inputs,
    check_labels,
    check_model,
    check_notes,
    check_options,
    check_origin,
    check_texts_and_figures,
    check_version,
    check_windows,
    listed,
)
from keras_ctx.serving.export.sample_requests import sample_requests
from keras_ctx.serving.export.version_folder import new_version, writing_to
from keras_ctx.serving.export.warm_up import write_warm_up
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.build import signatures, task_of
from keras_ctx.serving.signatures.generate import GenerateSettings
from keras_ctx.serving.signatures.model_outputs import ModelOutputs
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.sublayers import without_cudnn
from keras_ctx.serving.signatures.text_windows import TextWindows
from keras_ctx.serving.signatures.translate import TranslateSettings
from keras_ctx.serving.verify.expectation import expectation
from keras_ctx.serving.verify.verify import check_agreement
from keras_ctx.serving.verify.witness import Witness
from keras_ctx.serving.weights.quantized import stored_weights
from keras_ctx.text import TextInputs

CHECK_TEXTS = (
    "A short text, and its 2nd part.",
    "",
    "这本书很好，我在北京读了三遍。",
    "Ünïcode: naïve Öl, 東京 🙂 [SEP] привет",
)


def export(
    model: keras.Model,
    text_inputs: TextInputs,
    path: str | Path,
    labels: Sequence[str] | None = None,
    *,
    pair: bool = False,
    multi_label: bool = False,
    top_k: int = 5,
    windows: AnswerWindows | TextWindows | None = None,
    writing: GenerateSettings | TranslateSettings | None = None,
    predicate: PredicatePlace | None = None,
    metrics: Mapping[str, float] | None = None,
    measured_on: str | None = None,
    training_data: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    version: int | None = None,
    weights: Literal["float32", "bfloat16", "int8"] = "float32",
    check_texts: Sequence[str] = CHECK_TEXTS,
) -> Path:
    """Writes a model with its text inputs as the next SavedModel version.

    The version is written under a temporary name and loaded in a fresh process
    with raw TensorFlow. Every signature is compared with `model`, and the
    version is renamed only if they agree. So every existing version is complete
    and correct, and a server that watches `path` never sees a partial one. A
    version is never overwritten; concurrent exports get different numbers.

    Signatures by kind of model (B rows, W words, T positions; real numbers are
    float32; signatures that take texts also return `num_tokens`, the tokens of
    the row, and `truncated`, whether some were cut off):

    - `embed`, from `text` `(B,)`: an encoder's `sequence`, `layers`
      `(B, L+1, T, D)`, `pooled` and `tokens`; an embedder's `embedding`. For a
      task model, those of its encoder, and its `mix`.
    - `classify`, with `labels`: `labels` and `scores` `(B, n)`, best first;
      with `multi_label` each score is the probability of its label alone;
      `regress`: `score` `(B,)`. With `pair` also from `second_text`, the
      name by which a `text_pair` is served.
      `classify_examples` and `regress_examples` are the same for TF Serving's
      Classify and Regress, from `tf.train.Example`s with the texts by name.
    - `tag`, with `labels`: `words`, `tags`, `scores`, `starts`, `ends`
      `(B, W)`, positions in characters; with a CRF `path_log_probability`.
    - `roles`, with `labels` and `predicate`, from `text` and `predicate`, the
      position of a word, int32 `(B,)`: the same and `roles`, `role_starts`,
      `role_ends` `(B, W)`, spans of words, and `predicate_cut` `(B,)`. A row
      has one predicate.
    - `answer`, from `question` and `context`: `answers`, `scores`, `starts`,
      `ends` `(B, top_k)` and `null_odds`.
    - `fill_mask`, from `text` with [MASK]: `words`, `scores` `(B, M, top_k)`.
    - `generate`, from `prompt`, and with defaults `max_length`, `temperature`,
      `top_k`, `top_p`, `seed` and `num_samples`: `texts`, `scores`,
      `num_tokens` and `stopped` `(B, R)`; see `GenerateSettings`.
    - `translate`, from `text`, and with defaults `length_penalty` and
      `max_length`: the same, the best first, and `truncated`; see
      `TranslateSettings`. `align`, from `text` and `translation`: the tokens
      of both, and the cross-attention `weights` `(B, L, U, T)`.
    - `tokens`, like the task's signature, but from words already split,
      `(B, W)`, padded with "" at the end of a row.
    - `features`, from the model's ids by name to its own outputs; the padding
      mask follows from the ids.
    - `serving_default`, the task's signature, of `generate` and `translate`
      from the texts alone; for any other model, its own outputs from `text`.

    Args:
        model: A functional model with dicts of inputs and outputs, such as
            those of `keras_ctx.models`.
        text_inputs: The text inputs that the model was trained with.
        path: Folder of this model; its versions are `path/1`, `path/2`, ...
        labels: Names of the N classes, in the order of the logits.
        pair: Whether the model classifies or scores text pairs.
        multi_label: Whether a text may have several labels or none: the
            scores are sigmoids of the logits, not a softmax over them.
        top_k: Most answers to a question, or words for a [MASK].
        windows: How to read a text longer than the model takes: for a
            question-answering model an `AnswerWindows`, with `None` for its
            defaults; for a model that classifies, scores or tags single texts a
            `TextWindows`. Otherwise `None` cuts the text.
        writing: Defaults, limits and search of a model that writes texts: a
            `GenerateSettings` for a causal language model, a
            `TranslateSettings` for an encoder-decoder; `None` for the defaults
            of that class.
        predicate: For a model of semantic roles, which must have it, how a row
            marks its predicate, as in its training; see `data.roles_dataset`.
        metrics: Figures of the model's quality, by name, for `README.md`.
        measured_on: The data that `metrics` were measured on, for `README.md`.
        training_data: SHA-256 digests, in hexadecimal, of the files that the
            model was trained on, by name, for `README.md`.
        notes: Further sentences in Markdown for `README.md`, such as on a
            prompt that must precede every text.
        version: Number of the version; `None` for the next.
        weights: Format of kernels and tables. "bfloat16" takes half of the disk
            space, "int8" a quarter, with a scale for each output channel or
            table row. Each request converts them to float32, which takes time,
            and computes in float32. The difference from `model` is measured on
            `check_texts` and recorded.
        check_texts: Texts on which the export must agree with the compiled
            `model` up to rounding; also the warm-up requests. A text as long as
            `text_inputs` allows is added. Padding and the order of equal values
            are not compared. The bound of each output is derived from the unit
            roundoff, the model's depth and its magnitudes, see
            `keras_ctx.serving.verify.rounding`; an error of 1e-3 in a kernel
            exceeds it. Every weight in the file must equal the model's, bit for
            bit. With smaller `weights`, the same holds against `model` with
            these weights, and against `model` itself to 0.1 ("bfloat16") or 0.5
            ("int8"; absolute below 1, relative above).

    Returns:
        The folder of the new version. It contains the SavedModel,
        `assets/vocab.txt` and `assets/labels.txt` with one entry per line,
        warm-up requests in `assets.extra/`, `README.md` and `signature.json`.

    Raises:
        ValueError: `model` is not built, not functional, has a Lambda layer or
            carries state; `weights` is unknown or applies to no weight;
            `text_inputs` does not return the inputs of `model` or has another
            vocabulary; `labels` does not fit the logits; an option is not for
            this kind of model; `version`, `metrics` or `check_texts` is
            invalid; or `model` cannot read a text of `text_inputs.max_length`.
        FileExistsError: The `version` exists.
        OSError: `path` cannot be written to, or is full.
        RuntimeError: The answers of the export differ from those of `model`, or
            `model` itself returns NaN, or differs compiled from op by op
            (nothing is published then); or the backend is not TensorFlow.

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
    check_backend()
    metrics, training_data = metrics or {}, training_data or {}
    check_version(version)
    check_texts_and_figures(check_texts, metrics)
    check_origin(measured_on, training_data)
    check_notes(notes)
    if labels is not None:
        labels = listed(labels)
    check_model(model)
    pairs = pair or predicate == "second_segment"
    check_inputs(model, text_inputs, pairs)
    check_labels(model, labels, multi_label)
    task = task_of(model, labels)
    check_roles(task, model, labels, predicate)
    check_options(task, model, text_inputs, pair, top_k, multi_label)
    stored = stored_weights(model, weights)
    check_windows(task, text_inputs, pair, windows)
    check_writing(task, model, text_inputs, writing)
    if task == "answer":
        windows = windows or AnswerWindows()
    make = functools.partial(
        signatures,
        model,
        text_inputs,
        labels,
        pair,
        top_k,
        windows,
        multi_label,
        writing=writing,
        predicate=predicate,
    )
    made = make(functools.partial(ModelOutputs, stored=stored))
    requests = sample_requests(made, model, text_inputs, check_texts)
    with without_cudnn(model):
        expected = expectation(
            model, Witness(make, text_inputs), requests, stored
        )
    kept = [] if stored is None else stored.variables
    variables = [*(x.value for x in model.variables), *kept]

    path = Path(path)
    # The name of a link, not of the folder that it points to.
    name = Path(os.path.abspath(path)).name
    with (
        without_cudnn(model),
        new_version(path, version) as (folder, publish),
    ):
        with writing_to(path):
            tables = [*text_inputs.tables]
            if isinstance(writing, TranslateSettings):
                target, _ = writing.target(text_inputs)
                tables += [x for x in target.tables if x not in tables]
            outputs = _write_graph(folder, made, tables)
            _write_assets(folder, text_inputs, labels)
            write_warm_up(folder, name, made, requests)
        agreement = check_agreement(folder, expected, variables, weights)
        with writing_to(path):
            write_card(
                folder,
                name,
                task,
                model,
                text_inputs,
                made,
                outputs,
                labels,
                metrics,
                measured_on,
                training_data,
                multi_label,
                windows,
                weights,
                agreement,
                notes,
            )
        return publish()


def _write_graph(
    folder: Path, made: Mapping[str, Signature], tables: Sequence[Any]
) -> dict[str, Mapping[str, tf.TensorSpec]]:
    """Writes the SavedModel; returns the outputs of each signature."""
    # The archive tracks the variables of its endpoints, but not tables. The
    # first endpoint also becomes `serving_default`.
    archive = keras.export.ExportArchive()
    for table in tables:
        archive.track(table)
    outputs = {}
    for name, signature in made.items():
        traced = archive.add_endpoint(
            name, signature.function, list(signature.inputs.values())
        )
        outputs[name] = traced.get_concrete_function().structured_outputs
    archive.write_out(folder, verbose=False)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(
        str(folder)
    )
    for name, signature in made.items():
        if signature.method != "predict":
            updater.replace_method_name(
                name, f"tensorflow/serving/{signature.method}"
            )
    updater.save()
    return outputs


def _write_assets(
    folder: Path, text_inputs: TextInputs, labels: Sequence[str] | None
) -> None:
    assets = folder / "assets"
    os.makedirs(assets, exist_ok=True)
    for name, lines in (
        ("vocab.txt", text_inputs.vocabulary),
        ("labels.txt", labels),
    ):
        if lines is not None:
            write_text(assets / name, "".join(f"{line}\n" for line in lines))
