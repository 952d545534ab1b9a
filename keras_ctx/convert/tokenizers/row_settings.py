"""What a tokenizer asks of whole rows and is done otherwise here: told."""

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
    """Warn of rows that the tokenizer of a checkpoint would make otherwise.

    Rows are cut at their end here, and the second text of a pair is in
    segment 1. `transformers` cuts at the beginning where `truncation_side` is
    "left", and leaves all in segment 0 where `model_input_names` does not
    list the segments.

    Args:
        folder: Of the checkpoint.

    Raises:
        ValueError: A setting is of another kind.

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
            f'{said} is "left": its tokenizer drops the beginning of a text '
            "that is too long. Here the end is dropped. Shorter texts are "
            "not affected."
        )
    names = member(config, "model_input_names", list, path)
    if names and _SEGMENTS not in names:
        _warn(
            f"{path}: `model_input_names` has no {_SEGMENTS}: its tokenizer "
            "leaves both texts of a pair in segment 0. Here the second is in "
            "segment 1, so the model's answers to pairs differ until it is "
            "trained on such. Single texts are not affected."
        )


def _warn(said: str) -> None:
    warnings.warn(said, UserWarning, stacklevel=4)
