"""Whether text inputs give what an encoder reads."""

from pathlib import Path
from typing import Any

import keras

from keras_ctx import text

# The input that tells the encoders apart. Some have `word_ids` beside
# another one, so that it comes last.
_KINDS = {
    "character_ids": "the characters of a model of ELMoForManyLangs",
    "token_ids": "the token ids of a BERT",
    "char_ids": "the characters of an ELMo",
    "distinct_char_ids": "the characters of an ELMo's distinct words",
    "word_ids": "the word ids of an ELMo",
}


def check_text_inputs(
    text_inputs: text.BertInputs
    | text.ElmoInputs
    | text.ElmoForManyLangsInputs
    | text.WordInputs,
    encoder: keras.Model,
    folder: str | Path,
    pairs: bool = False,
) -> None:
    """Refuse text inputs of another encoder, before it is trained.

    Args:
        text_inputs: Of `load_text_inputs`.
        encoder: Of `load_encoder`, or `load_pretrained`.
        folder: Where both are from, for the message.
        pairs: Whether a row holds two texts, such as a question and a context.

    Raises:
        ValueError: The text inputs give ids of another kind, another number of
            characters a word, or ids above the table of the encoder; or rows
            hold `pairs` and the encoder knows one segment only.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> inputs = text.ElmoInputs(max_characters=5)
        >>> check_text_inputs(inputs, encoder, "runs/elmo")
        >>> inputs = text.ElmoInputs(max_characters=50)
        >>> check_text_inputs(inputs, encoder, "runs/elmo")
        Traceback (most recent call last):
        ValueError: runs/elmo: the encoder reads 5 characters of a word, ...
    """
    given, taken = _given(text_inputs), _taken(encoder)
    if given != taken:
        advice = "Take both from the same run or checkpoint."
        if {given, taken} == {"char_ids", "distinct_char_ids"}:
            wanted = "true" if taken == "distinct_char_ids" else "false"
            advice = f'Set "distinct" to {wanted} in text_inputs.json.'
        raise ValueError(
            f"{folder}: the encoder reads {_KINDS[taken]} (`{taken}`), the "
            f"text inputs ({type(text_inputs).__name__}) give "
            f"{_KINDS[given]} (`{given}`). {advice}"
        )
    if isinstance(text_inputs, text.ElmoForManyLangsInputs):
        _check_many_langs(text_inputs, encoder, folder)
        return
    if isinstance(text_inputs, text.ElmoInputs):
        width = encoder.input[taken].shape[-1]
        if width not in (None, text_inputs.max_characters):
            raise ValueError(
                f"{folder}: the encoder reads {width} characters of a word, "
                f"the text inputs give {text_inputs.max_characters}. Set "
                f'"max_characters" to {width} in text_inputs.json, or take '
                "both from the same run or checkpoint."
            )
        return
    if pairs and "token_ids" in encoder.input:
        segments = _embeddings(encoder).num_segments
        if segments < 2:
            raise ValueError(
                f"{folder}: the encoder must have two segments to read pairs "
                "of texts: the second has ids of its own. Received: "
                f"{segments} (`type_vocab_size`). Join the texts into one, or "
                "take another encoder."
            )
    rows = _table_rows(encoder)
    if text_inputs.vocabulary_size > rows:
        raise ValueError(
            f"{folder}: the table of the encoder has {rows} rows, the "
            f"vocabulary of the text inputs {text_inputs.vocabulary_size} "
            "tokens; so it is the vocabulary of another encoder. Take both "
            "from the same run or checkpoint."
        )


def _check_many_langs(
    text_inputs: text.ElmoForManyLangsInputs, encoder: Any, folder: str | Path
) -> None:
    markers = encoder.get_layer("sentence_markers")
    taken = {
        "characters": encoder.get_layer("char_cnn").vocabulary_size - 1,
        "words": _table_rows(encoder) if "word_ids" in encoder.input else 0,
        "begin of a sentence": tuple(markers.begin or ()),
        "end of a sentence": tuple(markers.end or ()),
    }
    given = {
        "characters": len(text_inputs.characters),
        "words": text_inputs.vocabulary_size or 0,
        "begin of a sentence": text_inputs.begin_characters,
        "end of a sentence": text_inputs.end_characters,
    }
    for name, value in taken.items():
        if given[name] != value:
            raise ValueError(
                f"{folder}: {name}: the encoder has {value}, the text inputs "
                f"{given[name]}; so they are of another encoder. Take both "
                "from the same run or checkpoint."
            )


def _given(text_inputs: Any) -> str:
    if isinstance(text_inputs, text.BertInputs):
        return "token_ids"
    if isinstance(text_inputs, text.ElmoForManyLangsInputs):
        return "character_ids"
    if isinstance(text_inputs, text.WordInputs):
        return "word_ids"
    return "distinct_char_ids" if text_inputs.distinct else "char_ids"


def _taken(encoder: keras.Model) -> str:
    return next(key for key in _KINDS if key in encoder.input)


def _table_rows(encoder: keras.Model) -> int:
    if "token_ids" in encoder.input:
        return _embeddings(encoder).vocabulary_size
    # One more row, for "no token", which no vocabulary lists.
    table: Any = encoder.get_layer("word_embedding")
    return table.input_dim - 1


def _embeddings(encoder: keras.Model) -> Any:
    return encoder.get_layer("embeddings")
