"""Checks the arguments of `BertInputs`."""

from typing import Any


def check_arguments(
    max_length: Any,
    split: Any,
    padding: Any,
    strip_accents: Any,
    tokenize_chinese_chars: Any,
    num_added_tokens: int,
) -> None:
    """Refuses arguments that are out of range or exclude each other."""
    if type(max_length) is not int or max_length < 3:
        raise ValueError(
            "`max_length` must be an integer of at least 3, for [CLS], "
            f"one token and [SEP]. Received: max_length={max_length!r}"
        )
    if split not in ("wordpiece", "character"):
        raise ValueError(
            '`split` must be "wordpiece" or "character". '
            f"Received: split={split!r}"
        )
    if padding not in ("longest", "max_length"):
        raise ValueError(
            '`padding` must be "longest" or "max_length". '
            f"Received: padding={padding!r}"
        )
    for name, value, kinds in (
        ("strip_accents", strip_accents, (bool, type(None))),
        ("tokenize_chinese_chars", tokenize_chinese_chars, (bool,)),
    ):
        if not isinstance(value, kinds):
            raise ValueError(
                f"`{name}` must be True or False"
                f"{', or None' * (len(kinds) - 1)}. "
                f"Received: {name}={value!r}"
            )
    if split == "character" and (
        strip_accents is not None
        or not tokenize_chinese_chars
        or num_added_tokens
    ):
        raise ValueError(
            "`strip_accents`, `tokenize_chinese_chars` and `added_tokens` "
            'must be left out with `split="character"`, which keeps '
            "accents and makes every character a token. "
            f"Received: strip_accents={strip_accents}, "
            f"tokenize_chinese_chars={tokenize_chinese_chars}, "
            f"{num_added_tokens} added tokens"
        )
