"""Reads the settings of a checkpoint's tokenizer, except its vocabulary."""

import warnings
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import is_int, member, read_json

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
# Classes of `transformers` that read only tokenizer.json; and the settings
# that BERT's class reads from tokenizer_config.json first.
_PLAIN_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")
_OF_BERT = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
_NO_LENGTH = 2**31


def wordpiece_settings(folder: Path) -> dict[str, Any]:
    """Returns the arguments of `text.BertInputs` that a folder sets.

    As in `transformers`, each setting is read from `tokenizer_config.json`
    first, then from the normalizer of `tokenizer.json`. If the two differ, a
    `UserWarning` is issued.

    Args:
        folder: The folder of the checkpoint.

    Returns:
        A dict with `strip_accents` and `tokenize_chinese_chars`, if a file
        sets them.

    Raises:
        ValueError: If `tokenizer.json` has a normalizer, a pre-tokenizer or a
            post-processor that is not BERT's, or if a setting is neither true
            nor false.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"strip_accents": false}')
        >>> wordpiece_settings(Path("."))
        {'strip_accents': False}
    """
    config = tokenizer_config(folder)
    path = folder / TOKENIZER
    tokenizer = optional_json(path)
    normalizer = {}
    # KerasHub writes another file of this name, without a "model".
    if isinstance(tokenizer.get("model"), dict):
        normalizer = bert_normalizer(tokenizer, path)
        _check_words(tokenizer, path)
        one = optional_json(folder / "config.json").get("type_vocab_size") == 1
        check_post_processor(tokenizer, path, one_segment=one)
        first_said(
            flag(config, "do_lower_case", folder / TOKENIZER_CONFIG),
            flag(normalizer, "lowercase", path),
            "do_lower_case",
            folder,
        )
    found: dict[str, Any] = {}
    for argument, key in (
        ("strip_accents", "strip_accents"),
        ("tokenize_chinese_chars", "handle_chinese_chars"),
    ):
        value = first_said(
            flag(config, argument, folder / TOKENIZER_CONFIG),
            flag(normalizer, key, path),
            argument,
            folder,
        )
        if value is not None:
            found[argument] = value
    if found.get("tokenize_chinese_chars"):
        del found["tokenize_chinese_chars"]  # True is the default.
    return found


def tokenizer_length(folder: Path) -> int | None:
    """Returns the `model_max_length` of a folder; `None` for no limit.

    `transformers` writes 10^30 for a tokenizer without a length.

    Args:
        folder: The folder of the checkpoint.

    Raises:
        ValueError: If it is not an integer of at least 3.

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
    """Returns the `BertNormalizer` of a tokenizer.json; raises for others."""
    parts = parts_of(tokenizer, "normalizer", "normalizers", path)
    kinds = [part.get("type") for part in parts]
    # Some tools add a Lowercase.
    others = [kind for kind in kinds if kind != "Lowercase"]
    if others != ["BertNormalizer"]:
        raise ValueError(
            f"{path}: the `normalizer` must be a BertNormalizer, as in BERT's "
            f"own tokenizers; others are not supported. "
            f"Received: {kinds or None}"
        )
    found = next(part for part in parts if part["type"] == "BertNormalizer")
    if len(kinds) > 1 and found.get("strip_accents") is None:
        # It reads its own flag, not the Lowercase next to it.
        found = {**found, "strip_accents": found.get("lowercase")}
    if len(kinds) > 1:
        found = {**found, "lowercase": True}
    if found.get("clean_text") is False:
        raise ValueError(
            f"{path}: the `normalizer` must have `clean_text` true: control "
            "characters are always dropped here. Received: false"
        )
    return found


def tokenizer_config(folder: Path) -> dict[str, Any]:
    """Reads the settings of tokenizer_config.json that `transformers` uses.

    Its generic classes read the normalization only from tokenizer.json.
    """
    config = optional_json(folder / TOKENIZER_CONFIG)
    if config.get("tokenizer_class") not in _PLAIN_CLASSES or not isinstance(
        optional_json(folder / TOKENIZER).get("model"), dict
    ):
        return config
    return {key: x for key, x in config.items() if key not in _OF_BERT}


def flag(content: dict[str, Any], key: str, path: Path) -> bool | None:
    """Returns a setting that is true or false; `None` if it is absent."""
    value = content.get(key)
    if value is not None and not isinstance(value, bool):
        raise ValueError(
            f"{path}: `{key}` must be true or false. Received: {value!r}"
        )
    return value


def first_said(
    of_config: bool | None, of_tokenizer: bool | None, key: str, folder: Path
) -> bool | None:
    """Returns the setting of two files; warns if they differ."""
    if of_config is None or of_tokenizer is None or of_config == of_tokenizer:
        return of_tokenizer if of_config is None else of_config
    warnings.warn(
        f"{folder}: `{key}` is {str(of_config).lower()} in {TOKENIZER_CONFIG} "
        f"but {str(of_tokenizer).lower()} in {TOKENIZER}. The first is used, "
        "as by BertTokenizerFast of transformers. If this is wrong, change "
        f"{TOKENIZER_CONFIG}.",
        UserWarning,
        stacklevel=4,
    )
    return of_config


def check_post_processor(
    tokenizer: dict[str, Any], path: Path, one_segment: bool
) -> None:
    """Refuses rows other than `[CLS] a [SEP]` and `[CLS] a [SEP] b [SEP]`.

    Args:
        tokenizer: The content of tokenizer.json.
        path: The path of the file.
        one_segment: Whether the encoder has only one segment, for both texts
            of a pair.
    """
    parts = parts_of(tokenizer, "post_processor", "processors", path)
    if not parts:
        warnings.warn(
            f"{path}: there is no `post_processor`, which would add [CLS] and "
            "[SEP] to a text. Here they are always added, as in BERT's own "
            "tokenizers.",
            UserWarning,
            stacklevel=4,
        )
        return
    kinds = [part.get("type") for part in parts]
    if kinds == ["TemplateProcessing"]:
        second = (0, 1) if one_segment else (1,)
        if (
            _template(parts[0], "single", path) == ("S0", "A0", "S0")
            and _template(parts[0], "pair", path)[:4]
            in [("S0", "A0", "S0", f"B{x}") for x in second]
            and _template(parts[0], "pair", path)[4:]
            in [(f"S{x}",) for x in second]
        ):
            return
    elif kinds == ["BertProcessing"]:
        return
    raise ValueError(
        f"{path}: the `post_processor` must build the rows of BERT, [CLS] a "
        "[SEP] and [CLS] a [SEP] b [SEP] with segment 0 up to the first [SEP] "
        f"and 1 after it. Received: {kinds}, "
        f"{str(parts[0].get('pair'))[:200]}"
    )


def _template(
    processor: dict[str, Any], key: str, path: Path
) -> tuple[str, ...]:
    """Returns special tokens and texts with their segments: S0, A0, S0."""
    found = []
    for part in member(processor, key, list, path):
        kinds = part if isinstance(part, dict) else {}
        for kind, content in kinds.items():
            content = content if isinstance(content, dict) else {}
            name = content.get("id") if kind == "Sequence" else "S"
            found.append(f"{name}{content.get('type_id')}")
    return tuple(found)


def optional_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object, empty if there is no such file."""
    return read_json(path, "folder") if path.is_file() else {}


def _check_words(tokenizer: dict[str, Any], path: Path) -> None:
    """Refuses settings that split words differently from BERT."""
    kind = tokenizer["model"].get("type") or "WordPiece"
    if kind != "WordPiece":
        raise ValueError(
            f"{path}: the model must be WordPiece, as BERT's. "
            f"Received: {kind!r}"
        )
    parts = parts_of(tokenizer, "pre_tokenizer", "pretokenizers", path)
    kinds = [part.get("type") for part in parts]
    if kinds != ["BertPreTokenizer"]:
        raise ValueError(
            f"{path}: the `pre_tokenizer` must be a BertPreTokenizer; others "
            "are not supported. "
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


def parts_of(
    tokenizer: dict[str, Any], name: str, key: str, path: Path
) -> list[dict[str, Any]]:
    """Returns the members of a Sequence, or the only part as a list."""
    value = member(tokenizer, name, dict, path)
    parts = [value] if value else []
    if value.get("type") == "Sequence":
        parts = member(value, key, list, path)
    return [part if isinstance(part, dict) else {} for part in parts]
