"""Whether text inputs give what an encoder reads."""

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
        f"{folder}: the encoder reads {family.reads} (`{taken}`), the text "
        f"inputs ({names[0]}) give {_given(given, names)} (`{given}`). {advice}"
    )


def _given(key: str, names: list[str]) -> str:
    """What text inputs give, in the words of the family that reads it."""
    for family in families():
        if family.input_key == key and set(names) & set(family.text_inputs):
            return family.reads
    return "what no family of encoders reads"
