"""The text inputs of an encoder, with a length that suits the task."""

from pathlib import Path

from keras_ctx import convert, text


def load_text_inputs(
    folder: str | Path,
    max_length: int | None = None,
    longest: int | None = None,
) -> text.TextInputs:
    """Loads the text inputs of a folder, for at most `max_length` tokens.

    Args:
        folder: Folder of the encoder; see `convert.load_text_inputs`.
        max_length: Most tokens of an example, if the user has set it. If
            `None`, what the encoder takes, and at most `longest`.
        longest: Most tokens if `max_length` is `None`. If `None`, no limit.

    Raises:
        FileNotFoundError: The folder does not exist or has no vocabulary.
        ValueError: `max_length` is more than the encoder takes.

    Example:
        >>> text.save_inputs(
        ...     text.ElmoInputs(max_characters=5), "text_inputs.json")
        >>> load_text_inputs(".", longest=128).max_length
        128
        >>> load_text_inputs(".", 200, longest=128).max_length
        200
    """
    inputs = convert.load_text_inputs(folder, max_length)
    if max_length is None and longest is not None:
        length = min(inputs.max_length or longest, longest)
        inputs = convert.load_text_inputs(folder, length)
    return inputs
