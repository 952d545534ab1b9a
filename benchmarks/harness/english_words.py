"""Splits English into the words that GloVe has."""

import re

# Words with hyphens and points inside, and each mark apart; and endings that
# are words in GloVe.
_WORD = re.compile(r"\w+(?:[-.,]\w+)*|[^\w\s]")
_ENDING = re.compile(r"(?i)(\w)(n't|'(?:s|m|d|re|ve|ll))\b")


def words_of(line: str) -> str:
    """Returns a text with blanks between its words, as GloVe's have.

    Example:
        >>> words_of("The man's dog doesn't like it.")
        "The man 's dog does n't like it ."
    """
    found = (
        [x] if _ENDING.fullmatch(f"a{x}") else _WORD.findall(x)
        for x in _ENDING.sub(r"\1 \2", line).split()
    )
    return " ".join(word for words in found for word in words)
