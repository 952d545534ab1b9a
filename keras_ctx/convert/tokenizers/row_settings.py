"""Warns of row settings of a tokenizer that this library does not follow."""

import warnings
from pathlib import Path

from keras_ctx.convert.files.options import member
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    optional_json,
)

_SEGMENTS = "token_type_ids"


def check_rows(folder: Path) -> None:
    """Warns if the tokenizer of a checkpoint would build other rows.

    This library cuts rows at their end, and puts the second text of a pair
    into segment 1. `transformers` cuts at the beginning if `truncation_side`
    is "left", and uses segment 0 for both texts if `model_input_names` does
    not list the segments.

    Args:
        folder: The folder of the checkpoint.

    Raises:
        ValueError: If a setting has the wrong type or value.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"truncation_side": "right"}')
        >>> check_rows(Path("."))

    Source:
        https://github.com/huggingface/transformers, PreTrainedTokenizerBase.
    """
    path = folder / TOKENIZER_CONFIG
    config = optional_json(path)
    side = config.get("truncation_side")
    if side not in (None, "left", "right"):
        raise ValueError(
            f'{path}: `truncation_side` must be "left" or "right". '
            f"Received: {side!r}"
        )
    said = f"{path}: `truncation_side`"
    if side is None:
        tokenizer = folder / TOKENIZER
        truncation = member(
            optional_json(tokenizer), "truncation", dict, tokenizer
        )
        side = str(truncation.get("direction", "right")).lower()
        said = f"{tokenizer}: the `direction` of `truncation`"
    if side == "left":
        _warn(
            f'{said} is "left": its tokenizer drops the beginning of texts '
            "that are too long, but here their end is dropped. Shorter texts "
            "are not affected."
        )
    names = member(config, "model_input_names", list, path)
    if names and _SEGMENTS not in names:
        _warn(
            f"{path}: `model_input_names` has no {_SEGMENTS}: its tokenizer "
            "uses segment 0 for both texts of a pair, but here the second has "
            "segment 1. So outputs for text pairs differ until the model is "
            "trained on text pairs. Single texts are not affected."
        )


def _warn(said: str) -> None:
    warnings.warn(said, UserWarning, stacklevel=4)
