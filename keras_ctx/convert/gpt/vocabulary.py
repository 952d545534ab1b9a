"""The vocabulary and the merges of GPT and GPT-2: the files of a folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import member, read_json
from keras_ctx.text import GPT1Inputs, GPTInputs

VOCABULARY, MERGES, TOKENIZER = "vocab.json", "merges.txt", "tokenizer.json"
# A preset of KerasHub.
_PRESET = ("assets/tokenizer/vocabulary.json", "assets/tokenizer/merges.txt")
# The names in the releases of OpenAI, of GPT-2 and of GPT.
_PAIRS = (
    (VOCABULARY, MERGES),
    ("encoder.json", "vocab.bpe"),
    ("encoder_bpe_40000.json", "vocab_40000.bpe"),
    _PRESET,
)
_VERSION = "#version: 0.2"
WORD_END = "</w>"


def load_byte_pairs(
    folder: str | Path, words: bool = False
) -> tuple[list[str], list[str]]:
    """Reads the tokens, in the order of their ids, and the merges.

    Args:
        folder: A folder with vocab.json and merges.txt, as `transformers`
            writes them, with encoder.json and vocab.bpe, as OpenAI released
            them, or with tokenizer.json. For the first GPT the release has
            encoder_bpe_40000.json and vocab_40000.bpe. Or a preset of
            KerasHub.
        words: Whether tokenizer.json must be that of the first GPT, of
            lower-case words, instead of GPT-2's of bytes.

    Returns:
        The tokens and the pairs "left right", for `text.GPTInputs`, or with
        `words` for `text.GPT1Inputs`.

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
            if (vocabulary, merges) == _PRESET:
                _check_preset(folder / TOKENIZER)
            return (
                _tokens(read_json(folder / vocabulary, "folder"), vocabulary),
                _merges(folder / merges),
            )
    if (folder / TOKENIZER).is_file():
        return _of_tokenizer(folder / TOKENIZER, words)
    raise FileNotFoundError(
        "`folder` must hold "
        + "".join(f"{tokens} and {merges}, " for tokens, merges in _PAIRS)
        + f"or {TOKENIZER}. Received: folder={str(folder)!r}"
    )


def file_texts(text_inputs: GPTInputs | GPT1Inputs) -> tuple[str, str]:
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


def _of_tokenizer(path: Path, words: bool) -> tuple[list[str], list[str]]:
    """Reads tokenizer.json of the `tokenizers` library."""
    content = read_json(path, "folder")
    model = content.get("model")
    if not isinstance(model, dict) or model.get("type") != "BPE":
        kind = model.get("type") if isinstance(model, dict) else model
        raise ValueError(
            f'{path}: `model.type` must be "BPE". Received: {kind!r}'
        )
    if words:
        _check_words(path, content, model)
    else:
        _check_bytes(path, content)
    ids = dict(model.get("vocab") or {})
    for added in content.get("added_tokens") or []:
        ids.setdefault(added["content"], added["id"])
    pairs: Sequence[Any] = model.get("merges") or []
    merges = [x if isinstance(x, str) else " ".join(x) for x in pairs]
    return _tokens(ids, str(path)), merges


def _check_preset(path: Path) -> None:
    """Refuses a tokenizer of KerasHub that splits otherwise than GPT-2's."""
    if not path.is_file():
        return
    config = member(read_json(path, "folder"), "config", dict, path)
    if config.get("add_prefix_space"):
        raise ValueError(
            f"{path}: `config.add_prefix_space` must be false, as in GPT-2. "
            "Received: true"
        )


def _check_bytes(path: Path, content: dict[str, Any]) -> None:
    """Refuses another splitter than GPT-2's."""
    before = _part(path, content, "pre_tokenizer", "ByteLevel", "GPT-2")
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


def _check_words(
    path: Path, content: dict[str, Any], model: dict[str, Any]
) -> None:
    """Refuses another splitter than that of the first GPT."""
    _part(path, content, "pre_tokenizer", "BertPreTokenizer", "GPT")
    found = _part(path, content, "normalizer", "BertNormalizer", "GPT")
    for place, settings, key, wanted in (
        ("normalizer", found, "clean_text", True),
        ("normalizer", found, "handle_chinese_chars", True),
        ("normalizer", found, "strip_accents", None),
        ("normalizer", found, "lowercase", True),
        ("model", model, "end_of_word_suffix", WORD_END),
        ("model", model, "fuse_unk", False),
    ):
        if settings.get(key) != wanted:
            raise ValueError(
                f"{path}: `{place}.{key}` must be {json.dumps(wanted)}, as in "
                f"GPT. Received: {json.dumps(settings.get(key))[:80]}"
            )


def _part(
    path: Path, content: dict[str, Any], key: str, kind: str, model: str
) -> dict[str, Any]:
    """Returns a part of the tokenizer of the wanted kind."""
    found = content.get(key)
    if isinstance(found, dict) and found.get("type") == kind:
        return found
    told = found.get("type") if isinstance(found, dict) else found
    raise ValueError(
        f'{path}: `{key}.type` must be "{kind}", as in {model}. '
        f"Received: {told!r}"
    )
