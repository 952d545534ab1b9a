"""Loads the model of a folder, with arguments for `serving.export`."""

import re
from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert, data, models, text
from keras_ctx.files.json_text import load_object_file
from keras_ctx.files.model_file import load_model
from keras_ctx.serving.export.run_figures import run_figures
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.translate import TranslateSettings
from keras_ctx.training.run.folder import run_folder

_RUN = MODEL, TEXT_INPUTS = "model.keras", "text_inputs.json"
SCORES, TASK = "scores.json", "task.json"  # of a seed, of its run
_PUBLISHED = ("config.json", "bert_config.json")
Exportable = tuple[keras.Model, text.TextInputs, dict[str, Any]]


def model_to_export(folder: Path, kind: str = "task") -> Exportable:
    """Loads a model, its text inputs, and other arguments of `export`.

    Args:
        folder: Folder of a run, of one of its seeds, or of a checkpoint.
        kind: "task" for the fine-tuned model of a run, or a published BERT with
            a task head; for a checkpoint, "encoder" for all vectors, "embedder"
            for one vector per text, "fill_mask" for the tokens at [MASK],
            "generate" for continuations of a text by a GPT or an AWD-LSTM,
            "translate" for the translations of a run of
            `train_translator.py` or `pretrain_cove.py`.

    Returns:
        The model, its text inputs, and arguments of `serving.export` by name.

    Raises:
        FileNotFoundError: The folder or a file in it does not exist.
        ValueError: The folder has no such model.

    Example:
        >>> model_to_export(Path("none"))
        Traceback (most recent call last):
        FileNotFoundError: `model` must be the folder of a fine-tuning ...
    """
    if kind == "fill_mask":
        pretrainer = convert.load_pretrainer(folder)
        return pretrainer, convert.load_text_inputs(folder), {}
    if kind == "generate":
        return *convert.load_causal_language_model(folder), {}
    if kind == "translate":
        found = convert.load_translator(folder)
        known: dict[str, Any] = {}
        if found.target_inputs is not found.source_inputs:
            settings = TranslateSettings(target_inputs=found.target_inputs)
            known["writing"] = settings
        return found.model, found.source_inputs, known
    if kind == "embedder":
        settings = convert.sentence_settings(folder)
        prompt = settings.default_prompt  # the notes tell clients to send it
        # Prints how the vectors are computed.
        model, inputs = convert.load_embedder(
            folder, prompt=prompt, distinct=True
        )
        return model, inputs, {"notes": convert.prompt_notes(settings)}
    if kind == "encoder":
        encoder = convert.load_encoder(folder)
        text_inputs = convert.load_text_inputs(folder)
        if text_inputs.distinct:
            encoder = models.distinct_words(encoder)
        return encoder, text_inputs, {}
    is_run = any((folder / name).exists() for name in _RUN)
    is_published = any((folder / name).exists() for name in _PUBLISHED)
    if is_published and not is_run:
        found = convert.load_task_model(folder)
        known = {"labels": found.labels or None}
        known["multi_label"] = found.kind == "multi_label"
        return found.model, found.text_inputs, known
    return _of_run(folder)


def _of_run(of_model: Path) -> Exportable:
    folder = run_folder(of_model)  # a seed has its model and scores alone
    wanted = [folder / MODEL, folder / TEXT_INPUTS]
    if of_model != folder:
        wanted += [of_model / MODEL, of_model / SCORES, folder / TASK]
    for path in wanted:
        if not path.is_file():
            raise FileNotFoundError(
                "`model` must be the folder of a fine-tuning recipe's finished "
                f"run, with a {path.name}; for an encoder or a "
                f"checkpoint give --kind. Received: model={of_model}"
            )
    known: dict[str, Any] = {}
    if (folder / "labels.txt").exists():
        known["labels"] = list(data.read_lines(folder / "labels.txt"))
    task = object_in(folder / TASK)
    known["multi_label"] = task.get("task") == "multi_label"
    known["pair"] = task.get("pair", False)
    if task.get("task") == "semantic_roles":
        known["predicate"] = task.get("predicate")
    if task.get("task") == "question_answering":
        # The settings behind the figures of the run.
        names = ("stride", "max_question", "max_answer")
        settings = {name: task[name] for name in names if name in task}
        known["windows"] = AnswerWindows(**settings)
    # Not all entries are digests of files: one is the library's version.
    digests = object_in(folder / "settings.json").get("digests", {})
    known["training_data"] = {
        name: digest
        for name, digest in digests.items()
        if re.fullmatch("[0-9a-f]{64}", str(digest))
    }
    written = object_in(folder / "results.json")
    if of_model != folder:  # the figures of this seed, not of the first one
        written["results"] = load_object_file(of_model / SCORES)
    known |= run_figures(written)
    return (
        load_model(of_model / MODEL),
        convert.load_text_inputs(folder),
        known,
    )


def object_in(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file, empty if there is no file."""
    return load_object_file(path) if path.exists() else {}
