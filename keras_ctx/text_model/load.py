"""Loads any folder with a model as a `TextModel`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from keras_ctx import convert
from keras_ctx.convert.heads.load import has_task_head
from keras_ctx.files.json_text import load_object_file
from keras_ctx.files.model_file import read_config
from keras_ctx.predictions.run_task import (
    KINDS,
    MODEL,
    SETTINGS,
    TASK,
    TEXT_INPUTS,
    read_task,
)
from keras_ctx.serving.text_pair import SECOND_TEXT
from keras_ctx.serving.verify.raw_answers import newest_version
from keras_ctx.text_model.asking.signature import ServedVersion
from keras_ctx.text_model.model import TextModel
from keras_ctx.text_model.saving import FILES
from keras_ctx.training.run.folder import run_folder

VECTORS = ("embedding", "encoder", "fill_mask")
_CARD, _GRAPH = "signature.json", "saved_model.pb"
_EXPECTED = (
    "`folder` must hold a run of a recipe (model.keras or encoder.keras with "
    f"{TEXT_INPUTS}), a checkpoint of a BERT or an ELMo with its vocabulary, "
    f"or a version of `keras_ctx.serving.export` ({_GRAPH} with {_CARD})."
)


def load(folder: str | Path, task: str | None = None) -> TextModel:
    """Loads the model of a folder, of this or another library.

    Args:
        folder: Folder of a fine-tuning run, or of one of its seeds, such as
            `RUN/pretrained/seed_2`; of `TextModel.save`; of a pretraining run;
            of a checkpoint: a BERT of Hugging Face, Google, KerasHub or Model
            Garden, an ELMo, a model of sentence-transformers; or of an exported
            model or one of its versions, which runs on TensorFlow alone.
        task: Defaults to the task of the folder, or "embedding" for an encoder
            alone. For an encoder it may also be "encoder", the vectors of all
            tokens; for a BERT with its pretraining heads, "fill_mask".

    Returns:
        A `TextModel`. Its vectors are those of `convert.load_embedder`, which
        prints how they are computed.

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: It is empty, of an unknown library, of an unfinished run, of
            a later version of this library, or damaged. The message says what
            was found and expected.

    Example:
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> made = TextModel(models.embedder(encoder), text.ElmoInputs(5))
        >>> _ = made.save("embedder")
        >>> load("embedder").predict(["a text", "another"]).shape
        embedder: a vector is the mean, of length 1 (as model.keras holds it).
        (2, 8)
    """
    folder = Path(folder)
    if task not in (None, *VECTORS):
        raise ValueError(
            f"`task` must be None, or one of {', '.join(VECTORS)} for an "
            "encoder; a task model has only its own task. "
            f"Received: task={task!r}"
        )
    if folder.is_dir():
        _check_run(folder)
        inside = sorted(path.name for path in folder.iterdir())
        if not inside:
            raise ValueError(
                f"{_EXPECTED} Received: folder={str(folder)!r}, which is empty"
            )
        version = _version(folder, inside)
        if version is not None:
            return _served(version, task)
    elif folder.is_file() and folder.suffix in (".keras", ".json", ".pb"):
        raise ValueError(
            f"{_EXPECTED} Give the folder that contains the file. Received: "
            f"folder={str(folder)!r}, a file"
        )
    elif not folder.exists():
        raise FileNotFoundError(
            f"{_EXPECTED} Check the spelling and the working directory. "
            f"Received: folder={str(folder)!r}, which does not exist"
        )
    try:
        return _opened(folder, task)
    except (ValueError, FileNotFoundError) as error:
        advice = _near(folder)
        if not advice:
            raise
        raise ValueError(f"{error}\n{advice}") from error


def _opened(folder: Path, task: str | None) -> TextModel:
    """Loads a run or a checkpoint."""
    told = _told_task(run_folder(folder))
    if task is None and told not in VECTORS:
        if (folder / MODEL).is_file() and not _is_vectors(folder / MODEL):
            return _of_run(folder)
        if not _is_encoder(folder) and has_task_head(folder):
            found = convert.load_task_model(folder)
            return TextModel(
                *(found.model, found.text_inputs, found.labels, found.kind)
            )
    return _vectors(folder, task or told or "embedding")


def _of_run(folder: Path) -> TextModel:
    found = read_task(folder)
    settings = {k: v for k, v in found.settings.items() if k != "library"}
    return TextModel(
        *(found.model, found.text_inputs, found.labels, found.kind), settings
    )


def _vectors(folder: Path, task: str) -> TextModel:
    if task == "embedding":
        model, inputs = convert.load_embedder(folder, distinct=True)
        return TextModel(model, inputs)
    inputs = convert.load_text_inputs(folder)
    if task == "fill_mask":
        is_run = (folder / TEXT_INPUTS).is_file()
        if is_run and not (folder / FILES[task]).is_file():
            raise ValueError(
                f'`task="fill_mask"` needs a folder with {FILES[task]}, as '
                "pretrain_bert.py writes it: this model has no masked LM "
                f"head. Received: folder={str(folder)!r}"
            )
        return TextModel(convert.load_pretrainer(folder), inputs)
    encoder = convert.load_encoder(folder)
    return TextModel(encoder, _one_by_one(inputs))


def _one_by_one(inputs: Any) -> Any:
    """Returns text inputs without distinct words."""
    if not inputs.distinct:
        return inputs
    return inputs.with_settings(distinct=False)


def _version(folder: Path, inside: list[str]) -> Path | None:
    """Returns the folder if it is a version, or the newest version in it."""
    if _GRAPH in inside:
        if _CARD not in inside:
            raise ValueError(
                f"{_EXPECTED} Received: folder={str(folder)!r}, a SavedModel "
                f"of another library: it has no {_CARD}"
            )
        return folder
    if not any(re.fullmatch("[0-9]+", name) for name in inside):
        return None
    version = newest_version(folder)
    return version if (version / _CARD).is_file() else None


def _served(version: Path, task: str | None) -> TextModel:
    card = load_object_file(version / _CARD)
    written = card.get("versions", {}).get("keras_ctx")
    _check_library(version / _CARD, written)
    served = ServedVersion(version)
    if task not in (None, served.kind):
        raise ValueError(
            f"`task` must be None for an exported version. Received: "
            f"task={task!r}, {version} for {served.kind}"
        )
    pair = SECOND_TEXT in card["signatures"][card["task"]]["inputs"]
    return TextModel(
        served, labels=card["labels"] or (), settings={"pair": pair}
    )


def _check_run(folder: Path) -> None:
    """Refuses a run that is unfinished or of a later version."""
    run = run_folder(folder)
    inside = {path.name for path in run.iterdir()}
    models = {MODEL, *FILES.values()} & inside
    if run != folder and not (folder / MODEL).is_file():
        models = set()
    if SETTINGS in inside:
        written = load_object_file(run / SETTINGS).get("digests", {})
        _check_library(run / SETTINGS, written.get("library"))
    if TASK in inside:
        written = load_object_file(run / TASK)
        _check_library(run / TASK, written.get("library"))
    if SETTINGS in inside and not (models and TEXT_INPUTS in inside):
        raise ValueError(
            "`folder` must be that of a finished run. Start the command "
            f"of the run again: it resumes. Received: folder={str(folder)!r}, "
            f"with {SETTINGS} and {sorted(models) or 'no model'}"
            f"{'' if TEXT_INPUTS in inside else f', without {TEXT_INPUTS}'}"
        )


def _near(folder: Path) -> str:
    """Suggests folders with a model inside or above one without."""
    if not folder.is_dir() or _is_opened(folder):
        return ""
    inside = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir() and _is_opened(path) and _has_ended(path)
    ]
    if inside:
        shown = ", ".join(inside[:10]) + ", ..." * (len(inside) > 10)
        return f"Name one of the folders in it: {shown}."
    above = folder.resolve().parent
    return f"Name the folder above, {above}." * _is_opened(above)


def _has_ended(folder: Path) -> bool:
    try:
        _check_run(folder)
    except ValueError:
        return False
    return True


def _is_opened(folder: Path) -> bool:
    """Returns whether a folder seems to hold a model of this library."""
    marks = (MODEL, *FILES.values(), SETTINGS, _CARD, f"*/{_CARD}")
    return any(any(folder.glob(mark)) for mark in marks)


def _check_library(path: Path, written: Any) -> None:
    """Refuses files of a later version, whose meaning is unknown."""
    # `keras_ctx` imports this module, so its version is looked up late.
    here = sys.modules["keras_ctx"].__version__
    if isinstance(written, str) and _numbers(written) > _numbers(here):
        raise ValueError(
            f"{path}: the folder must be of keras_ctx {here} or an earlier "
            f"version. Update keras_ctx to read it. Received: one that "
            f"keras_ctx {written} wrote"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _told_task(folder: Path) -> str | None:
    path = folder / TASK
    if not path.is_file():
        return None
    told = load_object_file(path).get("task")
    if told is not None and told not in (*KINDS, *VECTORS):
        raise ValueError(
            f"{path}: `task` must be one of {', '.join((*KINDS, *VECTORS))}. "
            f"Received: {told!r}"
        )
    return told


def _is_encoder(folder: Path) -> bool:
    return any((folder / name).is_file() for name in FILES.values())


def _is_vectors(path: Path) -> bool:
    """Returns whether a model outputs vectors, by its output names."""
    try:
        config = json.loads(read_config(path))["config"]
        outputs = config["output_layers"]
    except (ValueError, KeyError, TypeError):
        return False  # `read_task` will raise the error
    names = set(outputs) if isinstance(outputs, dict) else set()
    return names == {"embedding"} or {"layers", "sequence"} <= names
