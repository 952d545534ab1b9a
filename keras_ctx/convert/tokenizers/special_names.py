"""Reads the names of the five special tokens of a checkpoint."""

from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import member
from keras_ctx.convert.tokenizers.added_tokens import SPECIAL_TOKENS_MAP
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    optional_json,
    parts_of,
)
from keras_ctx.text import SPECIAL_TOKENS


def special_names(folder: Path) -> dict[str, str]:
    """Returns the names that a checkpoint uses for `text.SPECIAL_TOKENS`.

    The sources are `tokenizer_config.json`, `special_tokens_map.json`, and
    the model and post-processor of `tokenizer.json`.

    Args:
        folder: The folder of the checkpoint.

    Returns:
        A dict from our names to those of the checkpoint. Tokens that no file
        names keep our names.

    Raises:
        ValueError: If a name is not a string.

    Example:
        >>> _ = Path("special_tokens_map.json").write_text(
        ...     '{"cls_token": "<s>"}')
        >>> special_names(Path("."))["[CLS]"]
        '<s>'
    """
    found: dict[str, str] = {}
    for file in (TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP):
        content = optional_json(folder / file)
        for token in SPECIAL_TOKENS:
            key = f"{token.strip('[]').lower()}_token"
            name = content.get(key)
            if isinstance(name, dict):
                name = name.get("content")
            if name is None:
                continue
            if not isinstance(name, str) or not name:
                raise ValueError(
                    f"{folder / file}: `{key}` must be the spelling of a "
                    f"token. Received: {content[key]!r}"
                )
            found.setdefault(token, name)
    path = folder / TOKENIZER
    for token, name in _of_tokenizer(optional_json(path), path).items():
        if isinstance(name, str):
            found.setdefault(token, name)
    return {token: found.get(token, token) for token in SPECIAL_TOKENS}


def renamed(tokens: list[str], names: dict[str, str]) -> list[str]:
    """Renames the special tokens of a vocabulary to our names, keeping ids.

    If an ordinary token already has such a name, the two swap names: neither
    is ever a piece of a text.
    """
    tokens = list(tokens)
    places = {token: place for place, token in enumerate(tokens)}
    for name, called in names.items():
        if name == called or called not in places:
            continue
        place, other = places[called], places.get(name)
        tokens[place], places[name] = name, place
        if other is not None:
            tokens[other], places[called] = called, other
        else:
            del places[called]
    return tokens


def _of_tokenizer(tokenizer: dict[str, Any], path: Path) -> dict[str, Any]:
    """Reads the special tokens of the parts of a tokenizer.json."""
    model = tokenizer.get("model")
    if not isinstance(model, dict):
        return {}
    found = {"[UNK]": model.get("unk_token")}
    padding = member(tokenizer, "padding", dict, path)
    found["[PAD]"] = padding.get("pad_token")
    for processor in parts_of(tokenizer, "post_processor", "processors", path):
        if processor.get("type") == "BertProcessing":
            for token, key in (("[CLS]", "cls"), ("[SEP]", "sep")):
                found[token] = (member(processor, key, list, path) or [None])[0]
        elif processor.get("type") == "TemplateProcessing":
            ends = [
                member(part, "SpecialToken", dict, path).get("id")
                for part in member(processor, "single", list, path)
                if isinstance(part, dict) and "SpecialToken" in part
            ]
            if len(ends) == 2:
                found["[CLS]"], found["[SEP]"] = ends
    return found
