"""An estimate of the tokens of a sentence, without a tokenizer."""

import re
from collections.abc import Callable
from typing import Literal

# Each is about a WordPiece token: an ideograph, a run of letters, a symbol.
_PIECE = re.compile(r"[\u2e80-\u9fff]|[^\W\u2e80-\u9fff]+|[^\w\s]")


def rough_length(
    split: Literal["character", "wordpiece"],
) -> Callable[[str], int]:
    """Returns a function that estimates the tokens of a sentence.

    Args:
        split: The `split` of `BertInputs`.

    Example:
        >>> rough_length("wordpiece")("Two words, 一二.")
        6
    """
    if split == "character":
        return len
    return lambda line: len(_PIECE.findall(line))
