"""Labels that look alike."""

import re
import unicodedata

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def spelling(label: str) -> str:
    """Returns a label without what nobody sees: labels alike in it look alike.

    `true` and `false`, which JSON has beside 1 and 0, are these numbers.
    """
    text = unicodedata.normalize("NFKC", label).casefold()
    seen = (x for x in text if unicodedata.category(x) != "Cf")
    key = " ".join("".join(seen).split())
    key = {"true": "1", "false": "0"}.get(key, key)
    return repr(float(key)) if NUMBER.fullmatch(key) else key
