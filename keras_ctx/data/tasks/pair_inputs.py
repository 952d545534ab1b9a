"""Lengths of inputs that hold a question and a window of its context."""

from keras_ctx.checks import check_at_least
from keras_ctx.data.text_inputs import TextInputs


def row_room(text_inputs: TextInputs, max_question: int) -> tuple[int, int]:
    """Returns the positions of special tokens, and those of the two texts.

    Args:
        text_inputs: A `keras_ctx.text.TextInputs` with a `max_length`.
        max_question: Maximum number of positions of a question.

    Returns:
        The two numbers. Their sum is `max_length`.

    Raises:
        ValueError: `max_length` is `None`, or leaves no room for a context.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> row_room(ElmoInputs(max_length=96), max_question=64)
        (2, 94)
    """
    max_length = text_inputs.max_length
    if max_length is None:
        raise ValueError(
            "`text_inputs` must have a `max_length`, the length of an input. "
            "Received: text_inputs.max_length=None"
        )
    specials = text_inputs.special_positions(2)
    if max_length - specials <= max_question:
        raise ValueError(
            "`max_question` must leave room for a context and the "
            f"{specials} special tokens. Lower it, or raise `max_length`. "
            "Received: max_question="
            f"{max_question}, text_inputs.max_length={max_length}"
        )
    return specials, max_length - specials


def check_window_sizes(
    text_inputs: TextInputs, max_question: int, max_answer: int
) -> None:
    """Checks that an input holds the longest question and longest answer.

    Args:
        text_inputs: A `keras_ctx.text.TextInputs` with a `max_length`.
        max_question: Maximum number of positions of a question.
        max_answer: Maximum number of positions of an answer.

    Raises:
        ValueError: A number is below 1, or `max_length` is too small.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> check_window_sizes(
        ...     ElmoInputs(max_length=96), max_question=64, max_answer=30)
    """
    check_at_least(1, max_question=max_question, max_answer=max_answer)
    specials, room = row_room(text_inputs, max_question)
    if room - max_question < max_answer:
        raise ValueError(
            "`max_question` and `max_answer` must fit into one input with its "
            f"{specials} special tokens. Lower one of them. Received: "
            f"max_question={max_question}, max_answer={max_answer}, and "
            f"text_inputs.max_length={text_inputs.max_length}"
        )
