"""GPT-2's vocabulary and merges: the files of a folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import read_json
from keras_ctx.text import GPTInputs

VOCABULARY, MERGES, TOKENIZER = "vocab.json", "merges.txt", "tokenizer.json"
# The names in the release of openai/gpt-2.
_PAIRS = ((VOCABULARY, MERGES), ("encoder.json", "vocab.bpe"))
_VERSION = "#version: 0.2"


def load_byte_pairs(folder: str | Path) -> tuple[list[str], list[str]]:
    """Reads the tokens, in the order of their ids, and the merges.

    Args:
        folder: A folder with vocab.json and merges.txt, as `transformers`
            writes them, with encoder.json and vocab.bpe, as OpenAI released
            them, or with tokenizer.json.

    Returns:
        The tokens and the pairs "left right", for `text.GPTInputs`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is damaged or of another tokenizer. The message
            names the file and the line.

    Example:
        >>> Path("vocab.json").write_text('{"a": 0, "b": 1, "ab": 2}')
        25
        >>> _ = Path("merges.txt").write_text("#version: 0.2\\na b\\n")
        >>> load_byte_pairs(".")
        (['a', 'b', 'ab'], ['a b'])
    """
    folder = Path(folder)
    for vocabulary, merges in _PAIRS:
        if (folder / vocabulary).is_file() and (folder / merges).is_file():
            return (
                _tokens(read_json(folder / vocabulary, "folder"), vocabulary),
                _merges(folder / merges),
            )
    if (folder / TOKENIZER).is_file():
        return _of_tokenizer(folder / TOKENIZER)
    raise FileNotFoundError(
        f"`folder` must hold {VOCABULARY} and {MERGES}, encoder.json and "
        f"vocab.bpe, or {TOKENIZER}. Received: folder={str(folder)!r}"
    )


def file_texts(text_inputs: GPTInputs) -> tuple[str, str]:
    """Returns the contents of vocab.json and merges.txt."""
    ids = {token: i for i, token in enumerate(text_inputs.vocabulary)}
    lines = [_VERSION, *text_inputs.merges]
    return (
        json.dumps(ids, ensure_ascii=False) + "\n",
        "".join(f"{line}\n" for line in lines),
    )


def _tokens(ids: dict[str, Any], name: str) -> list[str]:
    """Returns the tokens in the order of their ids."""
    tokens: list[str | None] = [None] * len(ids)
    for token, i in ids.items():
        if type(i) is not int or not 0 <= i < len(ids) or tokens[i] is not None:
            raise ValueError(
                f"{name} must map its {len(ids)} tokens to the ids from 0 to "
                f"{len(ids) - 1}, each once. Received: {token!r} with {i!r}. "
                "Get the file again."
            )
        tokens[i] = token
    return [token or "" for token in tokens]


def _merges(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in UTF-8. Received: {error}"
        ) from error
    merges = []
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        if (number == 1 and line.startswith("#version")) or not line:
            continue
        if len(line.split(" ")) != 2:
            raise ValueError(
                f'{path}:{number}: a line must be a pair "left right". '
                f"Received: {line[:80]!r}"
            )
        merges.append(line)
    return merges


def _of_tokenizer(path: Path) -> tuple[list[str], list[str]]:
    """Reads tokenizer.json of the `tokenizers` library."""
    content = read_json(path, "folder")
    model = content.get("model")
    before = content.get("pre_tokenizer")
    if not isinstance(model, dict) or model.get("type") != "BPE":
        kind = model.get("type") if isinstance(model, dict) else model
        raise ValueError(
            f'{path}: `model.type` must be "BPE". Received: {kind!r}'
        )
    if not isinstance(before, dict) or before.get("type") != "ByteLevel":
        kind = before.get("type") if isinstance(before, dict) else before
        raise ValueError(
            f'{path}: `pre_tokenizer.type` must be "ByteLevel", GPT-2\'s. '
            f"Received: {kind!r}"
        )
    if before.get("add_prefix_space"):
        raise ValueError(
            f"{path}: `pre_tokenizer.add_prefix_space` must be false, as in "
            "GPT-2. Received: true"
        )
    if content.get("normalizer") is not None:
        raise ValueError(
            f"{path}: `normalizer` must be null, as in GPT-2. Received: "
            f"{str(content['normalizer'])[:80]}"
        )
    ids = dict(model.get("vocab") or {})
    for added in content.get("added_tokens") or []:
        ids.setdefault(added["content"], added["id"])
    pairs: Sequence[Any] = model.get("merges") or []
    merges = [x if isinstance(x, str) else " ".join(x) for x in pairs]
    return _tokens(ids, str(path)), merges
