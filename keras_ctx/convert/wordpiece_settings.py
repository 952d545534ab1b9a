"""How the tokenizer of a checkpoint reads text, besides its vocabulary."""

from pathlib import Path
from typing import Any

from keras_ctx.convert.json_options import is_int, read_json

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
_NO_LENGTH = 2**31


def wordpiece_settings(folder: Path) -> dict[str, Any]:
    """Arguments of `text.BertInputs` that the files of a folder ask for.

    `tokenizer_config.json` is asked first, then the normalizer of
    `tokenizer.json`, setting by setting.

    Args:
        folder: Of the checkpoint.

    Returns:
        `strip_accents` and `tokenize_chinese_chars`, where a file says them.

    Raises:
        ValueError: `tokenizer.json` has a normalizer or a pre-tokenizer that
            is not BERT's, or a setting is neither true nor false.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"strip_accents": false}')
        >>> wordpiece_settings(Path("."))
        {'strip_accents': False}
    """
    config = optional_json(folder / TOKENIZER_CONFIG)
    path = folder / TOKENIZER
    tokenizer = optional_json(path)
    normalizer = {}
    # KerasHub writes another file of this name, without a "model".
    if isinstance(tokenizer.get("model"), dict):
        normalizer = bert_normalizer(tokenizer, path)
        _check_words(tokenizer, path)
    found: dict[str, Any] = {}
    for argument, key in (
        ("strip_accents", "strip_accents"),
        ("tokenize_chinese_chars", "handle_chinese_chars"),
    ):
        for content, name, file in (
            (config, argument, folder / TOKENIZER_CONFIG),
            (normalizer, key, path),
        ):
            value = content.get(name)
            if value is None or argument in found:
                continue
            if not isinstance(value, bool):
                raise ValueError(
                    f"{file}: `{name}` must be true or false. "
                    f"Received: {value!r}"
                )
            found[argument] = value
    if found.get("tokenize_chinese_chars"):
        del found["tokenize_chinese_chars"]  # the default
    return found


def tokenizer_length(folder: Path) -> int | None:
    """Most tokens of a row as `model_max_length` says; `None` for no limit.

    `transformers` writes 10^30 where its tokenizer was given no length.

    Args:
        folder: Of the checkpoint.

    Raises:
        ValueError: It is no whole number of at least 3.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"model_max_length": 128}')
        >>> tokenizer_length(Path("."))
        128
    """
    path = folder / TOKENIZER_CONFIG
    value = optional_json(path).get("model_max_length")
    if value is None or (type(value) in (int, float) and value > _NO_LENGTH):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or not is_int(value, 3):
        raise ValueError(
            f"{path}: `model_max_length` must be an integer of at least 3, "
            f"two of them for [CLS] and [SEP]. Received: {value!r}"
        )
    return value


def bert_normalizer(tokenizer: dict[str, Any], path: Path) -> dict[str, Any]:
    """The `BertNormalizer` of a tokenizer.json; an error for any other."""
    normalizer = tokenizer.get("normalizer")
    parts = _parts(normalizer, "normalizers")
    kinds = [part.get("type") for part in parts]
    # Some tools write this one beside it.
    others = [kind for kind in kinds if kind != "Lowercase"]
    if others != ["BertNormalizer"]:
        raise ValueError(
            f"{path}: the `normalizer` must be a BertNormalizer, as in BERT's "
            f"own tokenizers; the ids of another cannot be given here. "
            f"Received: {kinds or None}"
        )
    found = next(part for part in parts if part["type"] == "BertNormalizer")
    if len(kinds) > 1 and found.get("strip_accents") is None:
        # It looks at its own flag, not at the case folded beside it.
        found = {**found, "strip_accents": found.get("lowercase")}
    if found.get("clean_text") is False:
        raise ValueError(
            f"{path}: the `normalizer` must have `clean_text` true: control "
            "characters are always dropped here. Received: false"
        )
    return found


def optional_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file."""
    return read_json(path, "folder") if path.is_file() else {}


def _check_words(tokenizer: dict[str, Any], path: Path) -> None:
    """Refuse words that are cut otherwise than BERT's."""
    parts = _parts(tokenizer.get("pre_tokenizer"), "pretokenizers")
    kinds = [part.get("type") for part in parts]
    if kinds != ["BertPreTokenizer"]:
        raise ValueError(
            f"{path}: the `pre_tokenizer` must be a BertPreTokenizer; the "
            "words of another cannot be cut here. "
            f"Received: {kinds or None}"
        )
    for key, wanted in (
        ("continuing_subword_prefix", "##"),
        ("max_input_chars_per_word", 100),
    ):
        value = tokenizer["model"].get(key, wanted)
        if value != wanted:
            raise ValueError(
                f"{path}: `{key}` must be {wanted!r}, as in BERT's own "
                f"tokenizers. Received: {value!r}"
            )


def _parts(value: Any, key: str) -> list[dict[str, Any]]:
    """The members of a Sequence, or the one that stands alone."""
    if not isinstance(value, dict):
        return []
    parts = value.get(key, []) if value.get("type") == "Sequence" else [value]
    return [part for part in parts if isinstance(part, dict)]
