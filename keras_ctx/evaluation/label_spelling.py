"""Normalizes labels, to find those that look alike."""

import re
import unicodedata

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def spelling(label: str) -> str:
    """Returns a label without invisible differences: case, width, blanks.

    Two labels with the same result look alike. `true` and `false` of JSON
    become the numbers 1 and 0.
    """
    text = unicodedata.normalize("NFKC", label).casefold()
    seen = (x for x in text if unicodedata.category(x) != "Cf")
    key = " ".join("".join(seen).split())
    key = {"true": "1", "false": "0"}.get(key, key)
    return repr(float(key)) if NUMBER.fullmatch(key) else key
