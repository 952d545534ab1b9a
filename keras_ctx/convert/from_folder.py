"""Loads a model and its text inputs from a folder of any known format."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import keras

from keras_ctx import models, text
from keras_ctx.convert.bert.formats import kind_of
from keras_ctx.convert.bert.load import load_bert
from keras_ctx.convert.checkpoint_format import (
    checkpoint_formats,
    format_of,
)
from keras_ctx.convert.files.archive_positions import archive_positions
from keras_ctx.convert.sentences.modules import transformer_folder
from keras_ctx.convert.tokenizers.added_tokens import added_tokens, never_split
from keras_ctx.convert.tokenizers.other_families import check_tokenizer
from keras_ctx.convert.tokenizers.row_settings import check_rows
from keras_ctx.convert.tokenizers.special_names import special_names
from keras_ctx.convert.tokenizers.vocabulary import vocabulary
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    tokenizer_length,
    wordpiece_settings,
)
from keras_ctx.files.model_file import load_model

ENCODER, PRETRAINER, TASK_MODEL, TEXT_INPUTS = (
    "encoder.keras",
    "pretrainer.keras",
    "model.keras",
    "text_inputs.json",
)


def load_encoder(folder: str | Path) -> keras.Model:
    """Loads the encoder of a folder: of a run, an ELMo or a BERT.

    If a `.keras` file holds a whole model, such as a classifier, its encoder
    is returned and a message is printed.

    Args:
        folder: A folder with `encoder.keras`, as the recipes write it, or the
            `pretrainer.keras` or `model.keras` of a run; or `options.json`
            and one `*.hdf5`, which `load_elmo` reads; or files that
            `load_elmo_for_many_langs`, `load_bert` or a format of
            `register_checkpoint_format` reads.

    Returns:
        A trainable `keras.Model`. LoRA updates are merged into its matrices.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folder holds no checkpoint or a damaged one, a
            model without an encoder of this library, or a BERT with a
            tokenizer that is not BERT's (`load_bert` reads its weights).

    Example:
        >>> import numpy as np
        >>> from keras_ctx import models
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder.save("encoder.keras")
        >>> load_encoder(".").input["char_ids"].shape
        (None, None, 5)
    """
    folder = Path(folder)
    for name in (ENCODER, PRETRAINER, TASK_MODEL):
        if (folder / name).is_file():
            return _encoder_in(folder / name)
    if found := format_of(folder):
        return found.encoder(folder)
    folder = transformer_folder(folder)
    kind_of(folder, _others())
    if folder.is_dir():  # Checked before the weights are read.
        check_tokenizer(folder)
    return load_bert(folder)


def load_pretrainer(folder: str | Path) -> keras.Model:
    """Loads the BERT of a folder with its pretraining heads.

    Args:
        folder: A folder with `pretrainer.keras`, as `pretrain_bert.py` writes
            it, or anything that `load_bert(heads=True)` reads.

    Returns:
        A model like that of `models.bert_pretrainer`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folder holds an encoder without heads, no
            checkpoint, or a damaged one.

    Example:
        >>> from keras_ctx import models
        >>> models.bert_pretrainer(models.bert_tiny(100)).save(
        ...     "pretrainer.keras")
        >>> sorted(load_pretrainer(".").output)
        ['masked_lm', 'next_sentence']
    """
    folder = Path(folder)
    if (folder / PRETRAINER).is_file():
        return _pretrainer_in(folder / PRETRAINER)
    if (folder / ENCODER).is_file():
        raise ValueError(
            f"`folder` must hold {PRETRAINER}, with the masked language model "
            "head. Train a new head for the encoder of a BERT with "
            f"`pretrain_bert.py --init {folder}`. Received: "
            f"folder={str(folder)!r}"
        )
    folder = transformer_folder(folder)
    if folder.is_dir():
        check_tokenizer(folder)
    return load_bert(folder, heads=True)


def load_pretrained(folder: str | Path) -> keras.Model:
    """Loads a BERT for further pretraining, with its heads if it has them.

    Args:
        folder: As for `load_pretrainer` or `load_encoder`.

    Returns:
        A model like that of `models.bert_pretrainer`, or for a run with
        `--objective left_to_right` of `models.bert_causal_pretrainer`. If the
        folder has no heads, only the encoder, and a message is printed.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folder holds no checkpoint or a damaged one.

    Example:
        >>> from keras_ctx import models
        >>> models.bert_tiny(100).save("encoder.keras")
        >>> sorted(load_pretrained(".").output)
        `folder` must hold pretrainer.keras, ...
        Both heads start from random weights.
        ['layers', 'padding_mask', 'pooled', 'sequence']
    """
    try:
        if (path := Path(folder) / PRETRAINER).is_file():
            return _pretrainer_in(path, {"masked_lm", "next_token"})
        return load_pretrainer(folder)
    except ValueError as error:
        # This raises again if the encoder itself is at fault.
        encoder = load_encoder(folder)
        print(f"{error}\nBoth heads start from random weights.")
        return encoder


def load_text_inputs(
    folder: str | Path, max_length: int | None = None
) -> text.TextInputs:
    """Loads the text inputs that belong to the encoder of a folder.

    Args:
        folder: As for `load_encoder`. A run has `text_inputs.json`; the
            vocabulary of a BERT is read as by `vocabulary`; an ELMo that
            reads words has `vocab.txt`.
        max_length: Maximum number of tokens in a row. `None` for the value of
            the run; for all positions of a BERT (or fewer, if
            `model_max_length` of its tokenizer_config.json says so); or for
            no limit.

    Returns:
        A `text.TextInputs`, such as a `text.BertInputs`. Its `max_length` is
        at most the number of positions of the encoder; an ELMo has no limit.

    Raises:
        FileNotFoundError: If there is no such folder, or no vocabulary in it.
        ValueError: If the files are of no known format, or if `max_length`,
            given or in the run's `text_inputs.json`, is out of range.

    Example:
        >>> inputs = text.ElmoInputs(max_characters=5)
        >>> text.save_inputs(inputs, "text_inputs.json")
        >>> load_text_inputs(".", max_length=9).max_length
        9
    """
    folder = Path(folder)
    if (folder / TEXT_INPUTS).is_file():
        return _of_a_run(folder, max_length)
    if found := format_of(folder):
        return found.text_inputs(folder, max_length)
    folder = transformer_folder(folder)
    positions: int = kind_of(folder, _others()).arguments(folder)["max_length"]
    # The vocabulary is in the folder of the weights file.
    beside = folder if folder.is_dir() else folder.parent
    if max_length is None:
        max_length = min(positions, tokenizer_length(beside) or positions)
    _check_length(max_length, positions, folder, named=True)
    tokens, lower_case, _ = vocabulary(beside)
    special = special_names(beside).values()
    added = [
        token
        for name, (_, token) in added_tokens(beside).items()
        if name not in special
    ]
    listed = {token.content for token in added}
    added += [
        token
        for token in never_split(beside, tokens)
        if token.content not in listed
    ]
    settings = wordpiece_settings(beside)
    check_rows(beside)
    return text.BertInputs(
        tokens, max_length, lower_case, added_tokens=added, **settings
    )


def _others() -> list[str]:
    """Returns the known formats other than BERT's, for the error message."""
    run = f"a run of this library: {ENCODER} and {TEXT_INPUTS}"
    return [run, *(format.words for format in checkpoint_formats())]


def _encoder_in(path: Path) -> keras.Model:
    """Loads the encoder in a file, or the encoder of the model in it."""
    model = load_model(path, compile=False)
    if {"sequence", "layers"} <= _outputs(model):
        return _without_lora(model)
    no_encoder = (
        f"{path}: the file must hold an encoder of this library, or a model "
        f"with one in it, such as a classifier. Received: {_described(model)}"
    )
    if not isinstance(getattr(model, "input", None), dict):
        raise ValueError(no_encoder)
    try:
        encoder = models.encoder_of(model)
    except (KeyError, ValueError) as error:  # It has no such layer.
        raise ValueError(no_encoder) from error
    encoder = _without_lora(encoder)
    # Unfreezes the encoder; with LoRA on integers only the updates train.
    if not any(getattr(layer, "lora_rank", None) for layer in encoder.layers):
        frozen = models.family_of(encoder).frozen
        for layer in encoder.layers:
            layer.trainable = layer.trainable or layer.name not in frozen
    print(f"{path}: using the trained encoder of the whole model in this file.")
    return encoder


def _without_lora(encoder: keras.Model) -> keras.Model:
    """Merges LoRA updates into the matrices, so that all of them train.

    A quantized encoder is not changed: integers cannot be updated.
    """
    changed = [x.get_config().get("sublayers", {}) for x in encoder.layers]
    if any("quantized" in sublayers for sublayers in changed):
        return encoder
    return models.merge_lora(encoder)


def _pretrainer_in(
    path: Path, heads: Collection[str] = ("masked_lm",)
) -> keras.Model:
    model = load_model(path, compile=False)
    if _outputs(model).isdisjoint(heads):
        raise ValueError(
            f"{path}: the file must hold an encoder with the masked language "
            "model head, as pretrain_bert.py writes it. Received: "
            f"{_described(model)}"
        )
    return model


def _outputs(model: Any) -> set[str]:
    """Returns the names of the outputs; a subclassed model has none."""
    found = getattr(model, "output", None)
    return set(found) if isinstance(found, dict) else set()


def _described(model: Any) -> str:
    outputs = sorted(_outputs(model))
    names = f" with the outputs {outputs}" if outputs else ""
    return f"{type(model).__name__} {model.name!r}{names}"


def _of_a_run(folder: Path, max_length: int | None) -> text.TextInputs:
    inputs = text.load_inputs(folder / TEXT_INPUTS)
    if max_length is not None:
        inputs = inputs.with_settings(max_length=max_length)
    for name in (ENCODER, PRETRAINER, TASK_MODEL):
        if (folder / name).is_file():
            _check_length(
                inputs.max_length,
                archive_positions(folder / name),
                folder / name,
                named=max_length is not None,
            )
            break
    return inputs


def _check_length(
    max_length: int | None, positions: int | None, encoder: Path, named: bool
) -> None:
    """Refuses a length greater than the number of positions."""
    if positions is None or (max_length or 0) <= positions:
        return
    rule = "`max_length`" if named else f"`max_length` of {TEXT_INPUTS}"
    advice = "Leave it out to use all" if named else "Pass a smaller one"
    raise ValueError(
        f"{rule} must be at most {positions}, the number of positions of the "
        f"encoder in {encoder}. {advice}. Received: max_length={max_length}"
    )
