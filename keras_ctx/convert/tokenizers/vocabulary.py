"""Finds the vocabulary and the casing of a checkpoint."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.convert.files.options import member
from keras_ctx.convert.tokenizers.added_tokens import added_tokens
from keras_ctx.convert.tokenizers.other_families import (
    check_tokenizer,
    check_tokens,
)
from keras_ctx.convert.tokenizers.special_names import renamed, special_names
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    flag,
    optional_json,
    tokenizer_config,
)
from keras_ctx.text import load_vocabulary

# Relative to the folder, in the order of the search.
_PLAIN = (
    "vocab.txt",
    "assets/tokenizer/vocabulary.txt",  # Of a KerasHub preset.
    "assets/vocab.txt",  # Of a SavedModel of TF Hub.
)
_SPECIAL = re.compile(r"[\[<].*[\]>]")


class Vocabulary(NamedTuple):
    """The vocabulary of a checkpoint, for `text.BertInputs`.

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
    """Whether the checkpoint was trained on lower-cased text."""
    path: Path
    """The file of the tokens."""


def vocabulary(folder: str | Path) -> Vocabulary:
    """Finds the vocabulary of a checkpoint, and whether to lower-case texts.

    The tokens are those of `vocab.txt`, of `tokenizer.json` (a WordPiece model
    of the `tokenizers` library) or of a KerasHub preset. The first source of
    the casing counts: `tokenizer_config.json`, the normalizer of
    `tokenizer.json` or KerasHub's tokenizer, or "cased" or "uncased" in the
    name of the model. If there is none, the casing is guessed, with a
    `UserWarning`: case is kept if at least two tokens, and at least a tenth
    of the tokens with letters, have a capital, so that an added word does not
    change the result. Special tokens with other names, such as `<s>`, are
    renamed to those of `text.SPECIAL_TOKENS`.

    Args:
        folder: The folder of the checkpoint.

    Returns:
        A named tuple of `tokens`, `lower_case` and `path`.

    Raises:
        FileNotFoundError: If there is no vocabulary.
        ValueError: If the tokenizer or the vocabulary is not WordPiece, if
            two files give a token different ids, if ids are missing, or if
            the vocabulary has more tokens than the embeddings have rows.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("vocab.txt").write_text("[PAD]\\n[UNK]\\nThe\\n")
        >>> _ = pathlib.Path("tokenizer_config.json").write_text(
        ...     '{"do_lower_case": false}')
        >>> vocabulary(".").lower_case
        False

    Source:
        The files that Hugging Face, google-research/bert and KerasHub write.
    """
    folder = Path(folder)
    check_tokenizer(folder)
    tokens, path = _tokens(folder)
    check_tokens(tokens, path)
    _check_size(folder, tokens, path)
    said = list(_said(folder))
    lower_case = next((value for value in said if value is not None), None)
    if lower_case is None:
        lower_case = _guessed(folder, tokens)
    tokens = renamed(tokens, special_names(folder))
    return Vocabulary(tokens, lower_case, path)


def _guessed(folder: Path, tokens: list[str]) -> bool:
    """Guesses from a vocabulary whether texts were lower-cased."""
    letters = [
        token
        for token in tokens
        if token.lower() != token.upper() and not _SPECIAL.fullmatch(token)
    ]
    capitals = sum(token != token.lower() for token in letters)
    # A cased vocabulary has its alphabet twice, and many names. An uncased one
    # has capitals only in added words.
    lower_case = capitals < 2 or 10 * capitals < len(letters)
    right, wrong = ("lower-cased", "false") if lower_case else ("cased", "true")
    warnings.warn(
        f"{folder}: no file says whether to lower-case texts. {capitals:,} of "
        f"the {len(letters):,} tokens with letters have a capital, so texts "
        f"are {right}. If this is wrong, write "
        f'{{"do_lower_case": {wrong}}} into {TOKENIZER_CONFIG} of the folder.',
        UserWarning,
        stacklevel=3,
    )
    return lower_case


def _tokens(folder: Path) -> tuple[list[str], Path]:
    for name in _PLAIN:
        path = folder / name
        if path.is_file():
            tokens = load_vocabulary(path, repeated=True)
            ids = {token: place for place, token in enumerate(tokens)}
            ids |= _beside(tokens, ids, folder, path)
            return _in_order(_with_added(ids, folder, path), folder), path
    path = folder / TOKENIZER
    model = optional_json(path).get("model")
    if not isinstance(model, dict):
        raise FileNotFoundError(
            f"`folder` must hold a vocabulary: {', '.join(_PLAIN)} or "
            f"{TOKENIZER}. Received: folder={str(folder)!r}, which has none."
        )
    if model.get("type", "WordPiece") != "WordPiece":
        raise ValueError(
            f"`folder` must hold a {TOKENIZER} with the model WordPiece, as "
            "BERT's. "
            f"Received: {str(path)!r} with the model {model['type']!r}"
        )
    ids = dict(member(model, "vocab", dict, path))
    return _in_order(_with_added(ids, folder, path), path), path


def _beside(
    tokens: list[str], ids: dict[str, int], folder: Path, path: Path
) -> dict[str, int]:
    """Returns extra tokens of tokenizer.json; raises if vocab.txt differs."""
    file = folder / TOKENIZER
    model = optional_json(file).get("model")
    if not isinstance(model, dict):
        return {}
    more: dict[str, int] = {}
    for token, index in member(model, "vocab", dict, file).items():
        if type(index) is not int or index < 0:
            raise ValueError(
                f"{file}: the id of a token must be an integer of at least 0. "
                f"Received: {index!r} for {token!r}"
            )
        if ids.get(token) == index or not token:
            continue
        if token not in ids and index >= len(tokens):
            more[token] = index
            continue
        here = tokens[index] if index < len(tokens) else None
        # Some readers drop white space at the end of a line. Of repeated
        # lines, all but the last are unused.
        if here is not None and (
            here.strip() == token.strip() or here == f"[unused line {index}]"
        ):
            continue
        raise ValueError(
            f"{folder}: {path.name} and {TOKENIZER} must give a token the "
            f"same id. Received: id {index} is {token!r} in {TOKENIZER} and "
            f"{here!r} in {path.name}. Remove the file that does not belong "
            "to the weights."
        )
    return more


def _with_added(
    ids: dict[str, int], folder: Path, path: Path
) -> dict[str, int]:
    """Adds the ids of added tokens."""
    added = added_tokens(folder)
    for name, (index, _) in added.items():
        if index is None:
            continue
        if ids.setdefault(name, index) != index:
            raise ValueError(
                f"{folder}: an added token must have the same id as in the "
                f"vocabulary. Received: {name!r} with id {index}, but id "
                f"{ids[name]} in {path}"
            )
    for name in added:
        ids.setdefault(name, len(ids))  # Tokens without an id come last.
    return ids


def _in_order(ids: dict[str, int], path: Path) -> list[str]:
    odd = [x for x in ids.items() if type(x[1]) is not int]
    if odd:
        raise ValueError(
            f"{path}: the id of a token must be an integer of at least 0. "
            f"Received: {odd[0][1]!r} for {odd[0][0]!r}"
        )
    if sorted(ids.values()) != list(range(len(ids))):
        raise ValueError(
            "A vocabulary must have one token for each id, counted from 0. "
            f"Received: {str(path)!r} with {len(ids)} tokens and ids up to "
            f"{max(ids.values(), default=None)}"
        )
    return load_vocabulary(sorted(ids, key=ids.__getitem__))


def _check_size(folder: Path, tokens: list[str], path: Path) -> None:
    rows = None
    for name in ("config.json", "bert_config.json"):
        config = optional_json(folder / name)
        if isinstance(config.get("config"), dict):  # The file is KerasHub's.
            config = config["config"]
        rows = config.get("vocab_size", config.get("vocabulary_size", rows))
    if not isinstance(rows, int) or len(tokens) == rows:
        return
    told = (
        f"{str(path)!r} has {len(tokens)} tokens, but the configuration of "
        f"the model has a vocabulary size of {rows}"
    )
    if len(tokens) > rows:
        raise ValueError(
            "A vocabulary must not have more tokens than the embeddings of "
            f"the model. Received: {told}. Use the vocabulary that belongs to "
            "these weights."
        )
    # Some tables are rounded up to a multiple of 8, for speed.
    warnings.warn(
        f"{told}: the last rows of the embeddings have no token. Check that "
        "the two belong together.",
        UserWarning,
        stacklevel=3,
    )


def _said(folder: Path) -> Iterator[bool | None]:
    """Yields whether each source lower-cases texts; `None` if it is silent."""
    config = tokenizer_config(folder)
    path = folder / TOKENIZER
    tokenizer = optional_json(path)
    yield flag(config, "do_lower_case", folder / TOKENIZER_CONFIG)
    yield _folds(tokenizer.get("normalizer"), path)
    yield flag(member(tokenizer, "config", dict, path), "lowercase", path)
    for content in (config, optional_json(folder / "config.json")):
        for key in ("name_or_path", "_name_or_path"):
            name = str(content.get(key, "")).lower()
            if "cased" in name:
                yield "uncased" in name
    name = folder.absolute().name.lower()
    if "cased" in name:
        yield "uncased" in name


def _folds(normalizer: Any, path: Path) -> bool | None:
    """Returns whether a normalizer of `tokenizers` lower-cases texts."""
    if not isinstance(normalizer, dict):
        return None
    if normalizer.get("type") == "Sequence":
        parts = member(normalizer, "normalizers", list, path)
        return any(_folds(part, path) for part in parts)
    if normalizer.get("type") == "BertNormalizer":
        return flag(normalizer, "lowercase", path)
    return normalizer.get("type") == "Lowercase"
