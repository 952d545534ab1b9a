"""Checks that text inputs fit an encoder."""

from pathlib import Path

import keras

from keras_ctx import text
from keras_ctx.models.family import encoder_part, families, family_of


def check_text_inputs(
    text_inputs: text.TextInputs,
    encoder: keras.Model,
    folder: str | Path,
    pairs: bool = False,
) -> None:
    """Refuses text inputs of another encoder, before training starts.

    Args:
        text_inputs: The text inputs, such as those of `load_text_inputs`.
        encoder: The encoder, of `load_encoder` or `load_pretrained`.
        folder: Folder of both, for the error message.
        pairs: Whether a row holds a text pair, such as a question and a
            context.

    Raises:
        ValueError: If the text inputs give other ids than the encoder reads,
            another number of characters per word, or ids beyond its
            embeddings; or if `pairs` is True and the encoder has only one
            segment.

    Example:
        >>> from keras_ctx import models
        >>> from keras_ctx import models
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> inputs = text.ElmoInputs(max_characters=5)
        >>> check_text_inputs(inputs, encoder, "runs/elmo")
        >>> inputs = text.ElmoInputs(max_characters=50)
        >>> check_text_inputs(inputs, encoder, "runs/elmo")
        Traceback (most recent call last):
        ValueError: runs/elmo: the encoder reads 5 characters per word, ...
    """
    family = family_of(encoder)
    encoder = encoder_part(encoder)
    given, taken = text_inputs.input_key, family.input_key
    names = [cls.__name__ for cls in type(text_inputs).__mro__]
    if given == taken and set(names) & set(family.text_inputs):
        text_inputs.check_sizes(family.sizes(encoder), folder, pairs)
        return
    advice = "Take both from the same run or checkpoint."
    if {given, taken} == {"char_ids", "distinct_char_ids"}:
        wanted = "true" if taken == "distinct_char_ids" else "false"
        advice = f'Set "distinct" to {wanted} in text_inputs.json.'
    raise ValueError(
        f"{folder}: the encoder reads {family.reads} (`{taken}`), but the text "
        f"inputs ({names[0]}) give {_given(given, names)} (`{given}`). {advice}"
    )


def _given(key: str, names: list[str]) -> str:
    """Describes the output of text inputs as the family that reads it does."""
    for family in families():
        if family.input_key == key and set(names) & set(family.text_inputs):
            return family.reads
    return "features that no encoder family reads"
