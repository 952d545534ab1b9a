"""Reads the tokens that were added to the tokenizer of a checkpoint."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import member
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    optional_json,
)
from keras_ctx.text import SPECIAL_TOKENS, AddedToken

ADDED_TOKENS = "added_tokens.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"


def added_tokens(folder: Path) -> dict[str, tuple[int | None, AddedToken]]:
    """Reads the tokens that are searched for before a text is split.

    The sources are `tokenizer.json`, the `added_tokens_decoder` of
    `tokenizer_config.json`, `added_tokens.json`, and the
    `additional_special_tokens` of `tokenizer_config.json` or
    `special_tokens_map.json`. If several files name a token, the first of
    them counts.

    Args:
        folder: The folder of the checkpoint.

    Returns:
        A dict from the spelling to the id and the token, in the order in which
        the `tokenizers` library searches for them: special tokens first. The
        id is `None` if no file gives it.

    Raises:
        ValueError: If a file holds something else, or if two files give a
            token different ids.

    Example:
        >>> _ = Path("added_tokens.json").write_text('{"covid": 7}')
        >>> added_tokens(Path("."))["covid"][0]
        7
    """
    found: dict[str, tuple[int | None, AddedToken, bool]] = {}
    origin: dict[str, Path] = {}
    for path, content, index in _listed(folder):
        where = f"{path}: an added token"
        if isinstance(content, str):
            content = {"content": content}
        name = content.get("content") if isinstance(content, dict) else None
        if not isinstance(name, str) or not name:
            raise ValueError(
                f"{where} must have its spelling as `content`. "
                f"Received: {content!r}"
            )
        if index is not None and (type(index) is not int or index < 0):
            raise ValueError(
                f"{where} must have an id of at least 0. "
                f"Received: {index!r} for {name!r}"
            )
        if name in found:
            before = found[name][0]
            if before is None:
                found[name] = (index, *found[name][1:])
            if before is None or index is None or before == index:
                continue
            raise ValueError(
                f"{where} must have the same id in all files. Received: "
                f"{index} for {name!r}, but {before} in {origin[name]}"
            )
        special = _flag(content, "special", False, where)
        flags = {
            key: _flag(content, key, key == "normalized" and not special, where)
            for key in ("normalized", "single_word", "lstrip", "rstrip")
        }
        found[name] = (index, AddedToken(name, **flags), special)
        origin[name] = path
    ordered = sorted(found.items(), key=lambda item: not item[1][2])
    return {name: (index, token) for name, (index, token, _) in ordered}


def never_split(folder: Path, tokens: Sequence[str]) -> list[AddedToken]:
    """Reads the `never_split` of a folder without a `tokenizer.json`.

    These words of the vocabulary are not split, as in AraBERT. A
    `tokenizer.json` lists such tokens itself.

    Args:
        folder: The folder of the checkpoint.
        tokens: The vocabulary. Words outside it are split as usual.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"never_split": ["[user]"]}')
        >>> never_split(Path("."), ["[PAD]", "[user]"])[0].content
        '[user]'
    """
    if (folder / TOKENIZER).is_file():
        return []
    path = folder / TOKENIZER_CONFIG
    names = optional_json(path).get("never_split") or []
    if not isinstance(names, list) or not all(
        isinstance(name, str) for name in names
    ):
        raise ValueError(
            f"{path}: `never_split` must be a list of words. "
            f"Received: {names!r}"
        )
    known = set(tokens) - set(SPECIAL_TOKENS)
    return [
        AddedToken(name, normalized=False) for name in names if name in known
    ]


def _listed(folder: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Yields the file, the entry of a token, and its id."""
    path = folder / TOKENIZER
    tokenizer = optional_json(path)
    listed = []
    # KerasHub writes another file of this name, without a "model".
    if isinstance(tokenizer.get("model"), dict):
        listed = member(tokenizer, "added_tokens", list, path)
    for content in listed:
        index = content.get("id") if isinstance(content, dict) else None
        yield path, content, index
    path = folder / TOKENIZER_CONFIG
    config = optional_json(path)
    decoder = member(config, "added_tokens_decoder", dict, path)
    for index, content in decoder.items():
        yield path, content, int(index) if index.isdigit() else index
    for path in (folder / TOKENIZER_CONFIG, folder / SPECIAL_TOKENS_MAP):
        listed = optional_json(path)
        more = member(listed, "additional_special_tokens", list, path)
        for content in more:
            if isinstance(content, dict):
                content = content.get("content")
            yield path, {"content": content, "special": True}, None
    path = folder / ADDED_TOKENS
    for name, index in optional_json(path).items():
        yield path, name, index


def _flag(content: dict[str, Any], key: str, default: bool, where: str) -> bool:
    value = content.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(
            f"{where} must have `{key}` true or false. Received: {content!r}"
        )
    return value
