"""The vocabulary and the casing that belong to a checkpoint."""

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.convert.json_options import read_json
from keras_ctx.text import load_vocabulary

# Relative to the folder, in the order in which they are looked for.
_PLAIN = (
    "vocab.txt",
    "assets/tokenizer/vocabulary.txt",  # a KerasHub preset
    "assets/vocab.txt",  # a SavedModel of TF Hub
)
_TOKENIZER, _TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
_SPECIAL = re.compile(r"[\[<].*[\]>]")


class Vocabulary(NamedTuple):
    """A vocabulary, as `vocabulary` finds it and `text.BertInputs` takes it.

    Example:
        >>> from keras_ctx import text
        >>> special = list(text.SPECIAL_TOKENS)
        >>> found = Vocabulary([*special, "book"], True, Path("vocab.txt"))
        >>> text.BertInputs(found.tokens, 8, found.lower_case).vocabulary_size
        6
    """

    tokens: list[str]
    """The tokens in the order of their ids."""
    lower_case: bool
    """Whether the checkpoint was trained on text with its case folded."""
    path: Path
    """The file that the tokens are from."""


def vocabulary(folder: str | Path) -> Vocabulary:
    """Find the vocabulary of a checkpoint, and whether it folds case.

    The tokens are those of `vocab.txt`, of `tokenizer.json` (a WordPiece model
    of the `tokenizers` library) or of a KerasHub preset. The casing is the
    first that is said: by `tokenizer_config.json`, by the normalizer of
    `tokenizer.json` or KerasHub's tokenizer, or by "cased" or "uncased" in the
    name of the model; and if it is not said, case is folded where no token has
    a capital letter.

    Args:
        folder: Of the checkpoint.

    Returns:
        A named tuple of `tokens`, `lower_case` and `path`.

    Raises:
        FileNotFoundError: There is no vocabulary.
        ValueError: The vocabulary is of another model than WordPiece, has a
            hole, or has more tokens than the table of the model has rows.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("vocab.txt").write_text("[PAD]\\n[UNK]\\nThe\\n")
        >>> vocabulary(".").lower_case
        False

    Source:
        The files that Hugging Face, google-research/bert and KerasHub write.

    Differs:
        A model whose tokenizer folds case but keeps accents, or leaves
        Chinese characters together, gets a `UserWarning`: `text.BertInputs`
        always drops the one and splits the other.
    """
    folder = Path(folder)
    tokens, path = _tokens(folder)
    _check_size(folder, tokens, path)
    said = list(_said(folder))
    lower_case = next((value for value in said if value is not None), None)
    if lower_case is None:
        lower_case = not any(
            token != token.lower() and not _SPECIAL.fullmatch(token)
            for token in tokens
        )
    _warn_of_differences(folder, lower_case)
    return Vocabulary(tokens, lower_case, path)


def _tokens(folder: Path) -> tuple[list[str], Path]:
    for name in _PLAIN:
        path = folder / name
        if path.is_file():
            tokens = load_vocabulary(path)
            added = folder / "added_tokens.json"
            if added.is_file():
                ids = dict(zip(tokens, range(len(tokens)), strict=True))
                ids.update(read_json(added, "folder"))
                tokens = _in_order(ids, added)
            return tokens, path
    path = folder / _TOKENIZER
    model = _optional(path).get("model")
    if not isinstance(model, dict):
        raise FileNotFoundError(
            f"`folder` must hold a vocabulary: {', '.join(_PLAIN)} or "
            f"{_TOKENIZER}. Received: folder={str(folder)!r}, which has none."
        )
    if model.get("type", "WordPiece") != "WordPiece":
        raise ValueError(
            f"`folder` must hold a {_TOKENIZER} of the model WordPiece, which "
            "is BERT's. "
            f"Received: {str(path)!r} of the model {model['type']!r}"
        )
    ids = dict(model.get("vocab") or {})
    for token in _optional(path).get("added_tokens") or []:
        ids[token["content"]] = token["id"]
    return _in_order(ids, path), path


def _in_order(ids: dict[str, int], path: Path) -> list[str]:
    if sorted(ids.values()) != list(range(len(ids))):
        raise ValueError(
            "A vocabulary must have one token for each id from 0 on. "
            f"Received: {str(path)!r} with {len(ids)} tokens and ids up to "
            f"{max(ids.values(), default=None)}"
        )
    return load_vocabulary(sorted(ids, key=ids.__getitem__))


def _check_size(folder: Path, tokens: list[str], path: Path) -> None:
    rows = None
    for name in ("config.json", "bert_config.json"):
        config = _optional(folder / name)
        config = config.get("config", config)
        rows = config.get("vocab_size", config.get("vocabulary_size", rows))
    if not isinstance(rows, int) or len(tokens) == rows:
        return
    told = (
        f"{str(path)!r} has {len(tokens)} tokens, and the model's "
        f"configuration a vocabulary of {rows}"
    )
    if len(tokens) > rows:
        raise ValueError(
            "A vocabulary must have no more tokens than the model has rows in "
            f"its table. Received: {told}. Take the one that belongs to these "
            "weights."
        )
    # Some tables are rounded up to a multiple of 8, for speed.
    warnings.warn(
        f"{told}: the last rows of the table have no token. Check that both "
        "belong together.",
        UserWarning,
        stacklevel=3,
    )


def _said(folder: Path) -> Iterator[bool | None]:
    """Whether case is folded, source by source; `None` if it does not say."""
    config = _optional(folder / _TOKENIZER_CONFIG)
    yield _flag(config.get("do_lower_case"))
    tokenizer = _optional(folder / _TOKENIZER)
    yield _folds(tokenizer.get("normalizer"))
    yield _flag((tokenizer.get("config") or {}).get("lowercase"))
    for content in (config, _optional(folder / "config.json")):
        for key in ("name_or_path", "_name_or_path"):
            name = str(content.get(key, "")).lower()
            if "cased" in name:
                yield "uncased" in name
    name = folder.absolute().name.lower()
    if "cased" in name:
        yield "uncased" in name


def _folds(normalizer: Any) -> bool | None:
    """Whether a normalizer of the `tokenizers` library folds case."""
    if not isinstance(normalizer, dict):
        return None
    if normalizer.get("type") == "Sequence":
        parts = [_folds(part) for part in normalizer.get("normalizers", [])]
        return any(parts)
    if normalizer.get("type") == "BertNormalizer":
        return _flag(normalizer.get("lowercase"))
    return normalizer.get("type") == "Lowercase"


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _warn_of_differences(folder: Path, lower_case: bool) -> None:
    config = _optional(folder / _TOKENIZER_CONFIG)
    odd = [
        f"{key}={json.dumps(config[key])}"
        for key, usual in (
            ("strip_accents", lower_case),
            ("tokenize_chinese_chars", True),
        )
        if _flag(config.get(key)) not in (None, usual)
    ]
    if odd:
        warnings.warn(
            f"{str(folder / _TOKENIZER_CONFIG)!r} asks for {', '.join(odd)}, "
            "which `text.BertInputs` does not do: some words get other ids "
            "than in the model's training.",
            UserWarning,
            stacklevel=3,
        )


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path, "folder") if path.is_file() else {}
