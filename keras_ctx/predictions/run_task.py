"""Loads a fine-tuned run from its folder: model, labels and task."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert
from keras_ctx.data import read_lines
from keras_ctx.files.json_text import load_json_file, read_figures_file
from keras_ctx.files.model_file import load_model
from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.training.run.folder import SETTINGS, run_folder

MODEL, TASK = "model.keras", "task.json"
LABELS, TEXT_INPUTS = "labels.txt", "text_inputs.json"
SCORES = "scores.json"  # scores of one seed
ENCODER = "encoder.keras"  # in a pretraining run
KINDS = (
    *("classification", "multi_label", "regression"),
    *("tagging", "question_answering", "semantic_roles"),
)


@dataclass(frozen=True)
class RunTask:
    """A fine-tuned model, with the format of its files and labels.

    Example:
        >>> RunTask("regression", None, None).labels
        ()
    """

    kind: str
    """One of `KINDS`."""
    model: Any
    text_inputs: Any
    labels: tuple[str, ...] = ()
    """Labels in the order of their ids."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The other entries of `task.json`."""


def read_task(folder: str | Path) -> RunTask:
    """Loads the model of a run and the task it was trained for.

    Args:
        folder: Folder of a fine-tuning recipe, with `model.keras`,
            `text_inputs.json`, `task.json` and, if there are labels,
            `labels.txt`. For older runs without `task.json`, the kind is
            inferred from the outputs of the model, and the columns from the
            settings in `results.json`.

    Returns:
        A `RunTask`.

    Raises:
        FileNotFoundError: The folder or one of its files does not exist.
        ValueError: The folder is not that of a fine-tuning recipe, its run has
            not finished, or its files do not fit each other.

    Example:
        >>> from keras_ctx import models, text
        >>> models.span_extractor(models.bert_tiny(6)).save("model.keras")
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]
        >>> text.save_inputs(text.BertInputs(special, 9), "text_inputs.json")
        >>> read_task(".").kind
        'question_answering'
    """
    of_model, folder = Path(folder), run_folder(folder)
    for path in (of_model / MODEL, folder / MODEL, folder / TEXT_INPUTS):
        if not path.is_file():
            inside = (
                sorted(path.name for path in folder.iterdir())[:20]
                if folder.is_dir()
                else "no such folder"
            )
            pretrained = (folder / ENCODER).is_file()
            if (folder / SETTINGS).is_file() and not pretrained:
                raise _not_ended(folder)
            raise FileNotFoundError(
                f"`folder` must be that of a fine-tuning recipe, with {MODEL} "
                f"and {TEXT_INPUTS}. "
                + "This is a pretraining run: fine-tune it with such a "
                "recipe first, as its --init. "
                * pretrained
                + "Vectors of an encoder are written by embed_sentences.py "
                f"and embed_corpus.py. Received: folder={str(folder)!r}, "
                f"{inside}"
            )
    settings = _settings(folder)
    model = _load_model(of_model / MODEL)
    if "null_threshold" in settings and of_model != folder:
        if not (of_model / SCORES).is_file():
            raise _not_ended(of_model)
        scores = read_figures_file(of_model / SCORES)
        settings["null_threshold"] = scores.get("threshold")
    labels: tuple[str, ...] = ()
    if (folder / LABELS).is_file():
        labels = tuple(read_lines(folder / LABELS))
    kind = settings.pop("task", None) or _kind_of(model, labels, folder)
    if kind not in KINDS:
        raise ValueError(
            f"{folder / TASK}: `task` must be one of {', '.join(KINDS)}. "
            f"Received: {kind!r}"
        )
    task = RunTask(
        kind, model, convert.load_text_inputs(folder), labels, settings
    )
    _check_labels(task, folder)
    return task


def _settings(folder: Path) -> dict[str, Any]:
    """Returns the content of `task.json`; for older runs, their settings."""
    path = folder / TASK
    if not path.is_file():
        path = folder / "results.json"
        if not path.is_file():
            if (folder / SETTINGS).is_file():
                raise _not_ended(folder)
            return {}
    try:
        settings = load_json_file(path)
        if not isinstance(settings, dict):
            raise TypeError(f"{str(settings)[:60]!r}, no object")
        if path.name != TASK:
            scores = settings["results"].get("scores", {})
            settings = dict(settings["config"])
            settings["pair"] = len(settings.get("columns", ())) == 3
            if "threshold" in scores:
                settings["null_threshold"] = scores["threshold"]["seeds"][0]
        return dict(settings)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: the file must be one that a fine-tuning recipe wrote. "
            f"Received: {error!r}"
        ) from error


def _not_ended(folder: Path) -> ValueError:
    return ValueError(
        "`folder` must be that of a finished run. Start the command of "
        f"the run again: it resumes. Received: folder={str(folder)!r}, with "
        f"{SETTINGS} and without all of {MODEL}, {TEXT_INPUTS} and {TASK}"
    )


def _load_model(path: Path) -> keras.Model:
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path}: the file is not a complete Keras model. Copy it "
            "again, or start the command of the run again. Received: "
            f"{path.stat().st_size} bytes"
        )
    return load_model(path, compile=False)


def _kind_of(model: keras.Model, labels: tuple[str, ...], folder: Path) -> str:
    outputs = model.output if isinstance(model.output, dict) else {}
    if "start_logits" in outputs:
        return "question_answering"
    if PREDICATE in model.input:
        raise ValueError(
            f"`folder` must have the {TASK} of its run, which says how a row "
            "marks its predicate. Copy the folder again. Received: "
            f"folder={str(folder)!r}"
        )
    if "logits" in outputs:
        if "tags" in outputs or len(outputs["logits"].shape) == 3:
            return "tagging"
        return "classification" if labels else "regression"
    raise ValueError(
        "`folder` must hold a classifier, a regressor, a tagger or a model "
        "that answers questions. Vectors are written by embed_sentences.py "
        f"and embed_corpus.py. Received: {folder / MODEL} with the outputs "
        f"{sorted(outputs)}"
    )


def _check_labels(task: RunTask, folder: Path) -> None:
    """Refuses labels that do not fit the model."""
    if task.kind == "question_answering":
        return
    width = task.model.output["logits"].shape[-1]
    expected = 0 if task.kind == "regression" else width
    if len(task.labels) != expected:
        raise ValueError(
            f"{folder / LABELS}: there must be a label for each of the "
            f"{expected} outputs of {MODEL}. Received: {len(task.labels)}"
        )
    twice = [x for x in task.labels if task.labels.count(x) > 1]
    if twice:
        raise ValueError(
            f"{folder / LABELS}: each label must occur once. Copy the file of "
            f"the run again. Received: {twice[0]!r}, {len(twice)} times"
        )
