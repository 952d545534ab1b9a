"""Prepares an encoder to compute the vectors of a file."""

from pathlib import Path

import keras

from keras_ctx import data, models, text


def check_not_stateful(encoder: keras.Model, what: str, each: str) -> None:
    """Refuses an encoder that carries its states from batch to batch.

    Args:
        encoder: The encoder of `--init`.
        what: "vectors" or "vector", for the message.
        each: "line" or "sentence", for the message.

    Raises:
        ValueError: The encoder is stateful.

    Example:
        >>> check_not_stateful(models.bert_tiny(100), "vectors", "line")
    """
    if any(getattr(layer, "stateful", False) for layer in encoder.layers):
        article = "an" if each[0] in "aeiou" else "a"
        raise ValueError(
            "`init` must hold an encoder that is not stateful: the "
            f"{what} of {article} {each} would depend on earlier {each}s. "
            "Create the encoder with `stateful=False`. "
            "Received: stateful=True"
        )


def warm_started(
    encoder: keras.Model,
    text_inputs: text.TextInputs,
    corpus: Path,
    num_lines: int | None,
) -> keras.Model:
    """Returns an ELMo with initial states from the first lines of a file.

    Args:
        encoder: The encoder.
        text_inputs: Its text inputs.
        corpus: The file.
        num_lines: Number of lines; with `None`, the encoder is returned
            unchanged.

    Raises:
        ValueError: The encoder has no states.
    """
    if num_lines is None:
        return encoder
    family = models.family_of(encoder)
    if not family.recurrent:
        raise ValueError(
            "`warm_start` needs an ELMo; a BERT has no states. Received: an "
            f"encoder that reads {family.reads}"
        )
    lines = data.read_lines(corpus)
    batches = data.warm_start_batches(lines, text_inputs, num_lines)
    return models.warm_start(encoder, batches)
