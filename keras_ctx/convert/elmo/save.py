"""Saves our ELMo encoders as files that bilm-tf and allennlp read."""

import json
from pathlib import Path
from typing import Any

import keras

from keras_ctx import models
from keras_ctx.convert.elmo.arrays import encoder_weights
from keras_ctx.convert.elmo.files import write_hdf5
from keras_ctx.convert.elmo.options import (
    CHARACTERS,
    LSTM,
    NUM_CHARACTERS,
    ElmoOptions,
)
from keras_ctx.convert.files.weight_table import collect
from keras_ctx.files.whole_file import whole_file


def save_elmo(
    encoder: keras.Model, options_file: str | Path, weights_file: str | Path
) -> None:
    """Saves an encoder as files that bilm-tf and allennlp read.

    Both files are written completely before they replace existing files. The
    word embeddings of a model that reads words are in the weights file, as
    `embedding`; pass that file to bilm-tf as `embedding_weight_file` too.

    Args:
        encoder: A model of `models.elmo_encoder` or `elmo_word_encoder`, or
            a model on top of it that shares its inputs and layers.
        options_file: Path of the options.json to write.
        weights_file: Path of the HDF5 file to write.

    Raises:
        ValueError: If `encoder` is not an ELMo, has other than 262
            characters, or holds NaN, infinity or measured initial states; or
            if both paths are the same.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> save_elmo(encoder, "options.json", "weights.hdf5")

    Source:
        As `load_elmo`.

    Differs:
        allennlp reads the files only if `residual` is true, `max_characters`
        is 50 and the model has both projections (`projection_dim` differs
        from `hidden_dim` and from the number of filters). bilm-tf requires
        that the number of filters and `hidden_dim` are at least
        `projection_dim`. Row 0 of a table, for padding, is not written, nor
        are `dropout` and `stateful`.
    """
    if Path(options_file).absolute() == Path(weights_file).absolute():
        raise ValueError(
            "`options_file` and `weights_file` must be different files. "
            f"Received: {str(options_file)!r} for both"
        )
    options = options_of(encoder)
    weights = encoder_weights(options, options.num_words or 0)
    for path in (options_file, weights_file):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    with whole_file(weights_file) as arrays, whole_file(options_file) as text:
        write_hdf5(
            arrays,
            ((weight.names[0], collect(weight, encoder)) for weight in weights),
        )
        text.write_text(options_json(options), encoding="utf-8", newline="\n")


def options_of(encoder: keras.Model) -> ElmoOptions:
    """Reads the options back from an encoder's layers."""
    names = {layer.name for layer in encoder.layers}
    if "bilm" not in names or not names & {"char_cnn", "word_embedding"}:
        raise ValueError(
            "`encoder` must be a model of `elmo_encoder` or "
            "`elmo_word_encoder`, with a layer `bilm` and a layer `char_cnn` "
            "or `word_embedding`. Received: a model with the layers "
            f"{sorted(names)}. For a model on top of an encoder, pass "
            "`models.encoder_of(model)`."
        )
    family = models.family_of(encoder)
    if family.name == "elmo_for_many_langs":
        raise ValueError(
            "`encoder` must read characters as bytes, or only words: "
            "bilm-tf's files cannot store a vocabulary of characters. "
            "Save a model of `elmo_for_many_langs` with "
            f"`training.save_model`. Received: inputs {sorted(encoder.input)}"
        )
    bilm = encoder.get_layer("bilm")
    if bilm.initial_state == "measured":
        raise ValueError(
            "`encoder` must start from zeros: bilm-tf's files cannot store "
            "initial states. Save the model with `training.save_model`. "
            "Received: initial_state='measured'"
        )
    lstm = {option.argument: getattr(bilm, option.argument) for option in LSTM}
    if "char_cnn" not in names:
        table = encoder.get_layer("word_embedding")
        return ElmoOptions(lstm, None, num_words=table.input_dim - 1)
    cnn = encoder.get_layer("char_cnn")
    characters = {
        option.argument: getattr(cnn, option.argument)
        for option in CHARACTERS
        if option.argument != "max_characters"
    }
    characters |= family.sizes(encoder)  # `max_characters`
    if characters["vocabulary_size"] != NUM_CHARACTERS:
        raise ValueError(
            f"`encoder` must have {NUM_CHARACTERS} characters, the bytes and "
            "markers of the file format. Received: "
            f"vocabulary_size={characters['vocabulary_size']}"
        )
    return ElmoOptions(lstm, characters)


def options_json(options: ElmoOptions) -> str:
    """Returns the text of an options file."""
    content: dict[str, Any] = {}
    for table, arguments in (
        (LSTM, options.lstm),
        (CHARACTERS, options.characters),
    ):
        if arguments is None:
            continue
        for option in table:
            block = content
            *parents, last = option.key.split(".")
            for parent in parents:
                block = block.setdefault(parent, {})
            block[last] = arguments[option.argument]
    return json.dumps(content, indent=2) + "\n"
