"""Vocabularies: read, checked, written, and made from texts."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import keras_hub
import tensorflow as tf
import tensorflow_text as tf_text

from keras_ctx.text.pieces import normalize, split_words

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORD_SPECIAL_TOKENS = ("<S>", "</S>", "<UNK>")


def load_vocabulary(
    vocabulary: str | Path | Sequence[str], required: Sequence[str] = ()
) -> list[str]:
    """Reads a vocabulary, one token a line, and checks it.

    Args:
        vocabulary: path of a UTF-8 file, or the tokens themselves.
        required: tokens that have to be present.

    Returns:
        The tokens; the place of a token is its id.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if there are no tokens, a token is empty or there twice,
            a required one is missing, or a line is not UTF-8.

    Example:
        >>> from keras_ctx.text import load_vocabulary
        >>> load_vocabulary(["[UNK]", "a", "b"], required=["[UNK]"])
        ['[UNK]', 'a', 'b']
    """
    if isinstance(vocabulary, (str, Path)):
        tokens, where = _read(Path(vocabulary)), f" in {vocabulary}"
    else:
        tokens, where = list(vocabulary), ""
    if not tokens:
        raise ValueError(
            f"`vocabulary` must hold at least one token. Received: none{where}"
        )
    lines: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if not isinstance(token, str) or not token:
            raise ValueError(
                "`vocabulary` must hold strings of at least one character. "
                f"Received: {token!r} at line {line}{where}"
            )
        if token in lines:
            raise ValueError(
                "`vocabulary` must hold every token once. "
                f"Received: {token!r} at lines {lines[token]} and "
                f"{line}{where}. Remove one; ids after it move up."
            )
        lines[token] = line
    missing = [token for token in required if token not in lines]
    if missing:
        raise ValueError(
            f"`vocabulary` must hold {', '.join(required)}. Received: "
            f"{len(tokens)} tokens{where} without {', '.join(missing)}"
        )
    return tokens


def save_vocabulary(tokens: Sequence[str], path: str | Path) -> None:
    """Writes a vocabulary, one token a line, at once or not at all.

    Args:
        tokens: the tokens in the order of their ids.
        path: the file; one that exists is replaced.

    Raises:
        ValueError: for tokens that `load_vocabulary` would refuse or read
            differently (a line feed, a carriage return at the end).

    Example:
        >>> from keras_ctx.text import load_vocabulary, save_vocabulary
        >>> save_vocabulary(["[UNK]", "a"], "vocabulary.txt")
        >>> load_vocabulary("vocabulary.txt")
        ['[UNK]', 'a']
    """
    for line, token in enumerate(load_vocabulary(tokens), start=1):
        if "\n" in token or token.endswith("\r"):
            raise ValueError(
                "`tokens` must not hold a line break. "
                f"Received: {token!r} at place {line}"
            )
    write_text(Path(path), "".join(f"{token}\n" for token in tokens))


def character_vocabulary(
    texts: Iterable[str],
    size: int | None = None,
    min_count: int = 1,
    lower_case: bool = True,
) -> list[str]:
    """Makes the vocabulary for `BertInputs(split="character")`.

    Args:
        texts: strings, read once.
        size: most tokens, special ones included; None for no limit.
        min_count: a character seen less often is left out.
        lower_case: as in `BertInputs`.

    Returns:
        BERT's special tokens, then the characters by falling frequency, equal
        ones by code point.

    Example:
        >>> from keras_ctx.text import character_vocabulary
        >>> character_vocabulary(["Abba", "b c"])[5:]
        ['b', 'a', 'c']
    """
    counts: Counter[str] = Counter()
    for batch in _batches(texts):
        for text in tf_text.normalize_utf8(batch, "NFC").numpy():
            counts.update(text.decode("utf-8", "replace"))
    folded: Counter[str] = Counter()
    for character, count in counts.items():
        if not character.isspace():
            # As in the lookup: İ alone has two characters in lower case.
            key = character.lower()[0] if lower_case else character
            folded[key] += count
    return _ranked(SPECIAL_TOKENS, folded, size, min_count)


def wordpiece_vocabulary(
    texts: Iterable[str], size: int, lower_case: bool = True
) -> list[str]:
    """Learns the vocabulary for `BertInputs(split="wordpiece")`.

    Args:
        texts: strings, read once.
        size: most tokens, special ones included.
        lower_case: as in `BertInputs`.

    Returns:
        BERT's special tokens, then single characters, then longer pieces. It
        may be shorter than `size` where the texts give no more.

    Example:
        >>> from keras_ctx.text import wordpiece_vocabulary
        >>> wordpiece_vocabulary(["bat sat pat mat rat"], size=13)[5:]
        ['a', 'b', 'm', 'p', 'r', 's', 't', '##at']
    """
    _check_limits(size, 1, len(SPECIAL_TOKENS))

    def batches() -> Iterator[tf.Tensor]:
        for batch in _batches(texts):
            yield normalize(batch, lower_case)

    dataset = tf.data.Dataset.from_generator(
        batches, output_signature=tf.TensorSpec([None], tf.string)
    )
    return keras_hub.tokenizers.compute_word_piece_vocabulary(
        dataset, size, reserved_tokens=list(SPECIAL_TOKENS)
    )


def word_vocabulary(
    texts: Iterable[str],
    size: int | None = None,
    min_count: int = 1,
    split: str = "whitespace",
) -> list[str]:
    """Makes the target vocabulary of a biLM.

    Args:
        texts: strings, read once.
        size: most words, special ones included; None for no limit.
        min_count: a word seen less often is left out.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.

    Returns:
        `<S>`, `</S>`, `<UNK>`, then the words by falling frequency (the
        order that log-uniform sampling expects), equal ones by code point.

    Example:
        >>> from keras_ctx.text import word_vocabulary
        >>> word_vocabulary(["b a b", "c"], size=5)
        ['<S>', '</S>', '<UNK>', 'b', 'a']
    """
    counts: Counter[bytes] = Counter()
    for batch in _batches(texts):
        counts.update(split_words(batch, split).values.numpy().tolist())
    words = Counter({word.decode(): n for word, n in counts.items()})
    return _ranked(WORD_SPECIAL_TOKENS, words, size, min_count)


def write_text(path: Path, text: str) -> None:
    """Writes a file at once: to a temporary sibling, then renamed."""
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}."
    )
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _read(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(
            f"`vocabulary` must be a file with one token a line. There is "
            f"none at: {path}"
        )
    tokens = []
    # Bytes are split at line feeds only: a token may hold other line breaks.
    for line, raw in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            tokens.append(raw.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(
                "`vocabulary` must be a UTF-8 file. "
                f"Received: {raw!r} at line {line} in {path}"
            ) from error
    return tokens[:-1] if not tokens[-1] else tokens


def _batches(texts: Iterable[str], size: int = 1024) -> Iterator[tf.Tensor]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield tf.constant(batch)
            batch = []
    if batch:
        yield tf.constant(batch)


def _check_limits(size: int | None, min_count: int, specials: int) -> None:
    if size is not None and size <= specials:
        raise ValueError(
            f"`size` must be greater than {specials}, the special tokens. "
            f"Received: size={size}"
        )
    if min_count < 1:
        raise ValueError(
            f"`min_count` must be at least 1. Received: min_count={min_count}"
        )


def _ranked(
    specials: Sequence[str],
    counts: Counter[str],
    size: int | None,
    min_count: int,
) -> list[str]:
    _check_limits(size, min_count, len(specials))
    ranked = sorted(
        (-count, token)
        for token, count in counts.items()
        if count >= min_count and token not in specials
    )
    return [*specials, *(token for _, token in ranked)][:size]
