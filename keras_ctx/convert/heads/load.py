"""Loads published checkpoints with the head of a task as our task models."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras

from keras_ctx import models
from keras_ctx.convert.bert.arrays import POOLER
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.formats import KINDS, Kind, kind_of
from keras_ctx.convert.bert.huggingface import CONFIG
from keras_ctx.convert.bert.load import load_bert
from keras_ctx.convert.files.options import RATE, read_json
from keras_ctx.convert.files.weight_table import (
    SAME,
    TRANSPOSED,
    Weight,
    differences,
    fill,
)
from keras_ctx.convert.from_folder import load_text_inputs
from keras_ctx.convert.heads.keras_hub import (
    keras_hub_task,
    read_keras_hub_head,
)
from keras_ctx.convert.heads.labels import head_labels
from keras_ctx.convert.tokenizers.other_families import check_tokenizer
from keras_ctx.convert.tokenizers.text_inputs_fit import check_text_inputs

Task = Literal["classification", "tagging", "question_answering"]
_TASKS: tuple[Task, ...] = ("classification", "tagging", "question_answering")

# Endings of the class names of `transformers`.
_OF_CLASS: dict[str, Task] = {
    "ForSequenceClassification": "classification",
    "ForTokenClassification": "tagging",
    "ForQuestionAnswering": "question_answering",
}
# The arrays of a head and their possible tasks: those of `transformers`, then
# those of google-research/bert.
_ARRAYS: dict[tuple[str, str], tuple[Task, ...]] = {
    ("classifier.weight", "classifier.bias"): ("classification", "tagging"),
    ("qa_outputs.weight", "qa_outputs.bias"): ("question_answering",),
    ("output_weights", "output_bias"): ("classification", "tagging"),
    ("cls/squad/output_weights", "cls/squad/output_bias"): (
        "question_answering",
    ),
}


class TaskModel(NamedTuple):
    """A task model, its text inputs, and the labels of its logits.

    Example:
        >>> model = models.classifier(models.bert_tiny(100), 2)
        >>> found = TaskModel(model, None, ("bad", "good"), "classification")
        >>> found.labels[1]
        'good'
    """

    model: keras.Model
    text_inputs: Any
    labels: tuple[str, ...]
    """Labels in the order of the logits; empty for regression and question
    answering."""
    kind: str
    """"classification", "multi_label", "regression", "tagging" or
    "question_answering"."""


class _Head(NamedTuple):
    """The names of the arrays of a head, and its task."""

    task: Task
    weight: str
    bias: str
    rows: int


def load_task_model(
    folder: str | Path,
    task: Task | None = None,
    labels: Sequence[str] | None = None,
    max_length: int | None = None,
) -> TaskModel:
    """Loads a published checkpoint that was fine-tuned for a task.

    Supports the classifiers, token classifiers and question answering models
    of Hugging Face, with labels in `id2label`, and of google-research/bert;
    and KerasHub's BertTextClassifier, which has no labels. A class without a
    label is named `LABEL_` and its index, as in `transformers`. A head with
    one class, or with the `problem_type` "regression", is a regression: it
    returns the logits, without a sigmoid.

    Args:
        folder: The folder of the checkpoint, as for `load_bert`, with its
            vocabulary.
        task: The task of the head; `None` for that of `architectures` in
            config.json. Google's `output_weights` are those of a classifier.
        labels: Labels of the classes; `None` for those of config.json.
        max_length: Maximum number of tokens in a row, as for
            `load_text_inputs`.

    Returns:
        A named tuple of `model` (of `models.classifier`, `models.tagger` or
        `models.span_extractor`), `text_inputs`, `labels` and `kind`.

    Raises:
        FileNotFoundError: If there is no such folder, or no vocabulary in it.
        ValueError: As for `load_bert` and `load_text_inputs`; or if the
            checkpoint has no head, an unsupported one, or other arrays that
            are not supported; or if the labels do not fit the head.

    Example:
        >>> from keras_ctx import convert
        >>> encoder = models.bert_encoder(9, 1, 1, 4, 8, max_length=8)
        >>> convert.save_bert(encoder, "bert")
        >>> load_task_model("bert")
        Traceback (most recent call last):
        ValueError: `folder` must hold a BERT with the head of a task...

    Source:
        BertForSequenceClassification, BertForTokenClassification and
        BertForQuestionAnswering of https://github.com/huggingface/transformers;
        run_classifier.py and run_squad.py of
        https://github.com/google-research/bert.

    Differs:
        A text pair is cut to fit, the longer text first. A tagger gives a
        word the label of its first piece.
    """
    path = Path(folder)
    if task is not None and task not in _TASKS:
        raise ValueError(
            f"`task` must be one of {', '.join(_TASKS)}. Received: {task!r}"
        )
    kind = kind_of(path)
    config: dict[str, Any] = {}
    if (path / CONFIG).is_file():
        config = read_json(path / CONFIG, "folder")
    if path.is_dir():
        check_tokenizer(path)
    content = keras_hub_task(path)
    if content is not None:
        return _of_keras_hub(kind, path, content, task, labels, max_length)
    with kind.open(path, False) as checkpoint:
        head = _head(checkpoint, config, task)
        found = "question_answering", ()
        if head.task != "question_answering":
            found = head_labels(
                config, head.rows, head.task, labels, checkpoint.config
            )
        elif labels is not None:
            raise ValueError(
                "`labels` must be left out for question answering. "
                f"Received: {list(labels)!r}"
            )
        weights = _weights(head, checkpoint)
        text_inputs = load_text_inputs(path, max_length)
        with warnings.catch_warnings():
            if head.task != "classification":  # Only it reads the pooler.
                warnings.filterwarnings("ignore", ".* has no pooler")
            encoder = load_bert(path)
        answers = head.task == "question_answering"
        check_text_inputs(text_inputs, encoder, path, pairs=answers)
        model = _model(head, encoder, checkpoint, config)
        fill(weights, checkpoint.file, model)
    return TaskModel(model, text_inputs, found[1], found[0])


def has_task_head(folder: str | Path) -> bool:
    """Returns whether a checkpoint has the head of a task.

    Args:
        folder: The folder of the checkpoint, as for `load_task_model`.

    Returns:
        Whether there is such a head; `False` also if there is no BERT.

    Example:
        >>> from keras_ctx import convert
        >>> encoder = models.bert_encoder(9, 1, 1, 4, 8, max_length=8)
        >>> convert.save_bert(encoder, "bert")
        >>> has_task_head("bert")
        False
    """
    path = Path(folder)
    kind = next((kind for kind in KINDS if kind.recognises(path)), None)
    if kind is None:
        return False
    if keras_hub_task(path) is not None:
        return True
    with kind.open(path, False) as checkpoint:
        return bool(_head_arrays(checkpoint))


def _of_keras_hub(
    kind: Kind,
    path: Path,
    content: dict[str, Any],
    task: Task | None,
    labels: Sequence[str] | None,
    max_length: int | None,
) -> TaskModel:
    """Loads a classifier of KerasHub, whose files have no labels."""
    with kind.open(path, False) as checkpoint:
        head = read_keras_hub_head(path, content, checkpoint)
    if task not in (None, "classification"):
        raise ValueError(
            '`task` must be "classification", the task of the head. Received: '
            f"{task!r}, folder={str(path)!r}"
        )
    found, names = head_labels(
        {"problem_type": head.problem},
        len(head.bias),
        "classification",
        labels,
        path,
    )
    text_inputs = load_text_inputs(path, max_length)
    encoder = load_bert(path)
    check_text_inputs(text_inputs, encoder, path)
    model = models.classifier(encoder, len(head.bias), dropout=head.dropout)
    model.get_layer("logits").set_weights([head.kernel, head.bias])
    return TaskModel(model, text_inputs, names, found)


def _head(
    checkpoint: BertCheckpoint, config: dict[str, Any], task: Task | None
) -> _Head:
    file, found = checkpoint.file, _head_arrays(checkpoint)
    classes = [str(each) for each in config.get("architectures") or ()]
    said = f"architectures={classes} in {str(checkpoint.config)!r}"
    told: list[Task] = [
        value
        for end, value in _OF_CLASS.items()
        if any(name.endswith(end) for name in classes)
    ]
    other = [
        name
        for name in classes
        if name.endswith(("ForMultipleChoice", "ForNextSentencePrediction"))
    ]
    if other or len(found) != 1:
        names = sorted(x[0] for x in found) or _beside(checkpoint)[:5]
        names = names or list(checkpoint.not_read)[:5]
        raise ValueError(
            "`folder` must hold a BERT with the head of a task: of a "
            "classifier, a token classifier (`classifier.weight`) or "
            "question answering (`qa_outputs.weight`). Received: "
            f"{file.said} with {names or 'only an encoder'}, {said}. "
            "Read other models with `load_encoder` or `load_pretrainer`; in "
            "export_saved_model.py, choose them with --kind."
        )
    weight, bias, tasks = found[0]
    if task is None and told:
        task = told[0]
    elif task is None and (len(tasks) == 1 or weight == "output_weights"):
        task = tasks[0]
    if task is None:
        raise ValueError(
            f'`task` must be "classification" or "tagging": {weight} may '
            "belong to either, and config.json does not tell. Received: "
            f"task=None, {file.said}, {said}"
        )
    if task not in tasks:
        raise ValueError(
            f"`task` must fit the head: {weight} belongs to "
            f"{' or '.join(tasks)}. Received: {task!r}, {file.said}, {said}"
        )
    odd = [x for x in _beside(checkpoint) if x not in (weight, bias)]
    if odd:
        raise ValueError(
            f"`folder` must hold no arrays but the encoder and {weight}: "
            "others would change the outputs and are not supported. "
            f"Received: {file.said} with {odd[:5]}"
        )
    return _Head(task, weight, bias, file.shapes[weight][0])


def _head_arrays(
    checkpoint: BertCheckpoint,
) -> list[tuple[str, str, tuple[Task, ...]]]:
    """Returns the kernels and biases of heads, and their possible tasks."""
    return [
        (name, name.removesuffix(weight) + bias, tasks)
        for (weight, bias), tasks in _ARRAYS.items()
        for name in checkpoint.file.shapes
        if name == weight or name.endswith(f".{weight}")
    ]


def _beside(checkpoint: BertCheckpoint) -> list[str]:
    """Returns the arrays outside the encoder and the pretraining heads."""
    file = checkpoint.file
    known = {
        name
        for part in checkpoint.parts.values()
        for row in part
        for name in row.names
    }
    # The tables of other formats list all names.
    table = next((x for x in file.shapes if "word_embeddings" in x), "")
    encoder = table[: table.find("embeddings")] if table else ""
    return sorted(
        name
        for name in file.shapes
        if name not in known
        and not (encoder and name.startswith(encoder))
        and not name.endswith(("position_ids", "token_type_ids"))
        and not name.startswith(("cls.", "loss", "criterion"))
        and name not in ("global_step", "_CHECKPOINTABLE_OBJECT_GRAPH")
        and not file.is_slot(name)
    )


def _weights(head: _Head, checkpoint: BertCheckpoint) -> list[Weight]:
    """Builds and checks the weight table of the head."""
    features = checkpoint.arguments["hidden_dim"]
    rows = 2 if head.task == "question_answering" else head.rows
    weights = [
        Weight(
            (head.weight,), (rows, features), ("logits.kernel",), TRANSPOSED
        ),
        Weight((head.bias,), (rows,), ("logits.bias",), SAME),
    ]
    needed = list(weights)
    if head.task == "classification":
        needed += checkpoint.parts[POOLER]
    found = differences(
        needed,
        checkpoint.file,
        "the head requires",
        lambda name: False,
    )
    if found:
        raise ValueError(
            "The weights do not fit the head. Received: "
            f"{checkpoint.file.said}\n" + "\n".join(found)
        )
    return weights


def _model(
    head: _Head,
    encoder: keras.Model,
    checkpoint: BertCheckpoint,
    config: dict[str, Any],
) -> keras.Model:
    if head.task == "question_answering":
        return models.span_extractor(encoder)
    dropout = config.get("classifier_dropout")
    if dropout is None:
        dropout = checkpoint.arguments["dropout"]
    elif not RATE.holds(dropout):
        raise ValueError(
            f"{checkpoint.config}: `classifier_dropout` must be {RATE.words}. "
            f"Received: {dropout!r}"
        )
    if head.task == "tagging":
        return models.tagger(encoder, head.rows, dropout=dropout)
    return models.classifier(encoder, head.rows, dropout=dropout)
