"""Loads ELMo from a model folder of HIT-SCIR/ELMoForManyLangs."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras

from keras_ctx import models, text
from keras_ctx.convert.checkpoint_format import CheckpointFormat
from keras_ctx.convert.elmo_for_many_langs.arrays import (
    CHARACTER_TABLE,
    WORD_TABLE,
    many_langs_weights,
)
from keras_ctx.convert.elmo_for_many_langs.options import (
    CHARACTERS,
    WORDS,
    ManyLangsOptions,
    is_many_langs,
    read_entries,
    read_many_langs_options,
)
from keras_ctx.convert.files.safetensors_files import open_safetensors
from keras_ctx.convert.files.weight_table import differences, fill
from keras_ctx.convert.files.weights_file import WeightsFile

_PARTS = ("token_embedder", "encoder")


def load_elmo_for_many_langs(
    folder: str | Path,
    stateful: bool = False,
    max_batch_size: int = 128,
    dropout: float = 0.0,
    name: str = "elmo_for_many_langs",
) -> keras.Model:
    """Loads an encoder from a model folder of HIT-SCIR/ELMoForManyLangs.

    The models are published as pickles, which can run any code when they are
    opened and are never opened here. Convert the two files once, with `torch`
    and `safetensors` installed::

        import pathlib, torch, safetensors.torch
        folder = pathlib.Path("144")
        for part in ("token_embedder", "encoder"):
            tensors = torch.load(
                folder / f"{part}.pkl", map_location="cpu", weights_only=True
            )
            tensors = {x: tensors[x].contiguous() for x in tensors}
            safetensors.torch.save_file(
                tensors, folder / f"{part}.safetensors"
            )

    The settings are read from the file that `config_path` in config.json
    names. Only the file name counts, and the file must be in the folder or in
    its `configs`. The file of all released models,
    `cnn_50_100_512_4096_sample.json`, may be absent.

    Args:
        folder: A folder with config.json, char.dic, word.dic and the two files
            of the script above.
        stateful: Whether a batch starts from the last states of the previous
            batch, as in ELMoForManyLangs.
        max_batch_size: Rows of the kept states, if `stateful`.
        dropout: Dropout rate of the inputs of LSTM layers.
        name: Name of the model.

    Returns:
        A trainable model of `models.elmo_for_many_langs`. `load_text_inputs`
        loads its text inputs.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the weights are still pickles, if the settings are of
            an unsupported model (an LSTM over characters, LSTMs without
            projection), or if arrays, settings and vocabularies do not fit
            each other. The message lists all differences.

    Example:
        >>> load_elmo_for_many_langs(".")
        Traceback (most recent call last):
        FileNotFoundError: `folder` must name a file that exists. ...

    Source:
        Che et al. 2018, https://aclanthology.org/K18-2005;
        https://github.com/HIT-SCIR/ELMoForManyLangs.

    Differs:
        Stateless by default. The original `sents2elmo` returns the mean of
        the outputs `layers`.
    """
    folder = Path(folder)
    options = read_many_langs_options(folder)
    with ExitStack() as stack:
        file = _open(folder, stack)
        num_characters, num_words = _table_rows(file, options)
        weights = many_langs_weights(options, num_characters, num_words)
        found = differences(weights, file, "the settings require")
        if found:
            raise ValueError(
                "The weights do not fit the settings. Received: "
                + "\n".join([file.said, *found])
                + "\nUse the settings that belong to these weights."
            )
        inputs = _text_inputs(folder, options, num_characters, num_words)
        words: dict[str, Any] = {}
        if options.word_dim:
            words = {
                "num_words": num_words,
                "word_dim": options.word_dim,
                "begin_id": inputs.begin_id,
                "end_id": inputs.end_id,
            }
        encoder = models.elmo_for_many_langs(
            **options.model,
            **words,
            vocabulary_size=num_characters + 1,
            begin_characters=inputs.begin_characters,
            end_characters=inputs.end_characters,
            dropout=dropout,
            stateful=stateful,
            max_batch_size=max_batch_size,
            name=name,
        )
        fill(weights, file, encoder)
    return encoder


def many_langs_text_inputs(
    folder: Path, max_length: int | None = None
) -> text.ElmoForManyLangsInputs:
    """Loads the text inputs of a folder of `load_elmo_for_many_langs`."""
    options = read_many_langs_options(folder)
    with ExitStack() as stack:
        rows = _table_rows(_open(folder, stack), options)
    return _text_inputs(folder, options, *rows, max_length=max_length)


def _text_inputs(
    folder: Path,
    options: ManyLangsOptions,
    num_characters: int,
    num_words: int,
    max_length: int | None = None,
) -> text.ElmoForManyLangsInputs:
    characters = read_entries(folder / CHARACTERS, num_characters)
    words = read_entries(folder / WORDS, num_words) if num_words else []
    try:
        return text.ElmoForManyLangsInputs(
            characters, words, options.max_characters, max_length=max_length
        )
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error


def _table_rows(
    file: WeightsFile, options: ManyLangsOptions
) -> tuple[int, int]:
    """Returns the rows of the character and the word embeddings, or 0."""
    tables = [CHARACTER_TABLE, *([WORD_TABLE] if options.word_dim else [])]
    rows = [file.shapes.get(name, (0,))[0] for name in tables]
    return rows[0], sum(rows[1:])


def _open(folder: Path, stack: ExitStack) -> WeightsFile:
    paths = [folder / f"{part}.safetensors" for part in _PARTS]
    for path in paths:
        if path.is_file():
            continue
        if path.with_suffix(".pkl").is_file():
            raise ValueError(_pickled(folder))
        raise FileNotFoundError(
            f"`folder` must hold {path.name}, converted from {path.stem}.pkl "
            "by the lines in `load_elmo_for_many_langs`. Received: "
            f"folder={str(folder)!r} without either"
        )
    return open_safetensors(paths, folder, stack)


def _pickled(folder: Path) -> str:
    return (
        "`folder` must hold its weights in safetensors. A *.pkl is a pickle, "
        "which can run any code when it is opened, and is never opened here. "
        "Convert the two files once, with torch and safetensors installed:\n"
        "  import pathlib, torch, safetensors.torch\n"
        f"  folder = pathlib.Path({str(folder)!r})\n"
        f"  for part in {_PARTS}:\n"
        "      tensors = torch.load(\n"
        "          folder / f'{part}.pkl', map_location='cpu', "
        "weights_only=True\n"
        "      )\n"
        "      tensors = {x: tensors[x].contiguous() for x in tensors}\n"
        "      safetensors.torch.save_file(\n"
        "          tensors, folder / f'{part}.safetensors'\n"
        "      )\n"
        f"Received: folder={str(folder)!r}"
    )


MANY_LANGS = CheckpointFormat(
    "ELMoForManyLangs: config.json, char.dic, word.dic and two *.safetensors",
    is_many_langs,
    load_elmo_for_many_langs,
    many_langs_text_inputs,
)
