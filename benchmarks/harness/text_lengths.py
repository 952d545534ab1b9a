"""Counts the tokens of texts."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer


@functools.cache
def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def text_lengths(
    folder: Path, inputs: Mapping[str, Any], most: int
) -> list[int] | None:
    """Returns the tokens of each text, `most` at most; `None`: no texts."""
    if "texts" not in inputs:
        return None
    found = _tokenizer(folder).encode_batch(inputs["texts"])
    return [min(len(encoding.ids), most) for encoding in found]
