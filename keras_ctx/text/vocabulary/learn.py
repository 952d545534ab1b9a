"""Learns vocabularies from texts, reading them once in constant memory."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral

import keras_hub
import tensorflow as tf
import tensorflow_text as tf_text

from keras_ctx.checks import check_at_least
from keras_ctx.text.tokenize.normalization import (
    WORD_SPLITS,
    normalize,
    split_wordpiece_words,
    split_words,
    stand_alone,
)
from keras_ctx.text.vocabulary.file import SPECIAL_TOKENS, WORD_SPECIAL_TOKENS


def character_vocabulary(
    texts: Iterable[str],
    vocabulary_size: int | None = None,
    min_count: int = 1,
    lower_case: bool = True,
) -> list[str]:
    """Builds the vocabulary for `BertInputs(split="character")`.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of tokens, special tokens included;
            `None` for no limit.
        min_count: Leaves out characters that occur less often.
        lower_case: As in `BertInputs`.

    Returns:
        BERT's special tokens, then the characters by descending frequency,
        ties by code point.

    Example:
        >>> from keras_ctx.text import character_vocabulary
        >>> character_vocabulary(["Abba", "b c"])[5:]
        ['b', 'a', 'c']
    """
    check_limits(vocabulary_size, min_count, len(SPECIAL_TOKENS))
    counts: Counter[str] = Counter()
    for batch in text_batches(texts):
        for text in tf_text.normalize_utf8(batch, "NFC").numpy():
            counts.update(text.decode("utf-8", "replace"))
    folded: Counter[str] = Counter()
    for character, count in counts.items():
        if not character.isspace():
            # As in the lookup: only İ has two characters in lower case.
            key = character.lower()[0] if lower_case else character
            folded[key] += count
    return ranked(SPECIAL_TOKENS, folded, vocabulary_size, min_count)


def wordpiece_vocabulary(
    texts: Iterable[str], vocabulary_size: int, lower_case: bool = True
) -> list[str]:
    """Learns the vocabulary for `BertInputs(split="wordpiece")`.

    Uses KerasHub's learner, which takes minutes for large English corpora and
    leaves out pieces seen fewer than ten times.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of tokens, special tokens included.
        lower_case: As in `BertInputs`.

    Returns:
        BERT's special tokens; ideographs and punctuation marks, each a word
        by itself, by descending frequency; pieces of the other words. The
        list is shorter than `vocabulary_size` if the texts hold fewer tokens.

    Example:
        >>> from keras_ctx.text import wordpiece_vocabulary
        >>> wordpiece_vocabulary(["bat sat pat mat rat"], 13)[5:]
        ['a', 'b', 'm', 'p', 'r', 's', 't', '##at']
    """
    check_limits(vocabulary_size, 1, len(SPECIAL_TOKENS))
    counts: Counter[bytes] = Counter()
    for batch in text_batches(texts):
        words = split_wordpiece_words(normalize(batch, lower_case))
        counts.update(words.values.numpy().tolist())
    distinct = tf.constant(list(counts), tf.string)
    alone = Counter[str]()
    words = Counter[bytes]()
    for word, single in zip(counts, stand_alone(distinct).numpy(), strict=True):
        if single:
            alone[word.decode()] = counts[word]
        else:
            words[word] = counts[word]
    budget = vocabulary_size - len(SPECIAL_TOKENS)
    # Ideographs and punctuation get tokens by their share of the text.
    share = sum(alone.values()) / max(1, sum(counts.values()))
    places = min(len(alone), math.ceil(budget * share))
    pieces = _learn_pieces(words, budget - places)
    return [
        *ranked(SPECIAL_TOKENS, alone, vocabulary_size - len(pieces), 1),
        *pieces,
    ]


def bert_vocabulary(
    texts: Iterable[str],
    vocabulary_size: int,
    split: str,
    lower_case: bool = True,
) -> list[str]:
    """Builds the vocabulary for `BertInputs` with either `split`.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of tokens, special tokens included.
        split: `"character"` or `"wordpiece"`, as in `BertInputs`.
        lower_case: As in `BertInputs`.

    Returns:
        The result of `character_vocabulary` or `wordpiece_vocabulary`.

    Raises:
        ValueError: If `split` is something else.

    Example:
        >>> from keras_ctx.text import bert_vocabulary
        >>> bert_vocabulary(["Ab"], 9, "character", lower_case=False)[5:]
        ['A', 'b']
    """
    if split == "character":
        return character_vocabulary(
            texts, vocabulary_size, lower_case=lower_case
        )
    if split == "wordpiece":
        return wordpiece_vocabulary(texts, vocabulary_size, lower_case)
    raise ValueError(
        f'`split` must be "character" or "wordpiece". Received: split={split!r}'
    )


def word_vocabulary(
    texts: Iterable[str],
    vocabulary_size: int | None = None,
    min_count: int = 1,
    split: str = "whitespace",
) -> list[str]:
    """Builds the target vocabulary of a biLM.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of words, special words included;
            `None` for no limit.
        min_count: Leaves out words that occur less often.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.

    Returns:
        `<S>`, `</S>`, `<UNK>`, then the words by descending frequency (the
        order that log-uniform sampling expects), ties by code point.

    Example:
        >>> from keras_ctx.text import word_vocabulary
        >>> word_vocabulary(["b a b", "c"], vocabulary_size=5)
        ['<S>', '</S>', '<UNK>', 'b', 'a']
    """
    check_limits(vocabulary_size, min_count, len(WORD_SPECIAL_TOKENS))
    counts = _counted(texts, split)
    return ranked(WORD_SPECIAL_TOKENS, counts, vocabulary_size, min_count)


def word_counts(
    texts: Iterable[str],
    vocabulary_size: int | None = None,
    min_count: int = 1,
    split: str = "whitespace",
) -> dict[str, int]:
    """Counts words: the vocabulary of word vectors, and what their draws need.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of words; `None` for no limit.
        min_count: Leaves out words that occur less often.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.

    Returns:
        The count of each word, in descending order, ties by code point.

    Example:
        >>> from keras_ctx.text import word_counts
        >>> word_counts(["b a b", "c b a"], min_count=2)
        {'b': 3, 'a': 2}
    """
    check_limits(vocabulary_size, min_count, 0)
    counts = _counted(texts, split)
    words = ranked((), counts, vocabulary_size, min_count)
    return {word: counts[word] for word in words}


def _counted(texts: Iterable[str], split: str) -> Counter[str]:
    if split not in WORD_SPLITS:
        raise ValueError(
            f"`split` must be one of {WORD_SPLITS}. Received: split={split!r}"
        )
    counts: Counter[bytes] = Counter()
    for batch in text_batches(texts):
        counts.update(split_words(batch, split).values.numpy().tolist())
    return Counter({word.decode(): n for word, n in counts.items()})


def _learn_pieces(words: Counter[bytes], num_pieces: int) -> list[str]:
    """Learns pieces from counted words with KerasHub's learner.

    The learner keeps at most 1000 different characters, so it must not see
    ideographs. It reads texts, so every word is repeated as often as it
    occurred.
    """
    if not words or num_pieces < 1:
        return []

    def batches() -> Iterator[tf.Tensor]:
        repeated = itertools.chain.from_iterable(
            itertools.repeat(word, count) for word, count in words.items()
        )
        while batch := list(itertools.islice(repeated, 4096)):
            yield tf.constant(batch)

    return keras_hub.tokenizers.compute_word_piece_vocabulary(
        tf.data.Dataset.from_generator(
            batches, output_signature=tf.TensorSpec([None], tf.string)
        ),
        num_pieces,
        split=False,
        reserved_tokens=[],
    )


def text_batches(texts: Iterable[str], size: int = 1024) -> Iterator[tf.Tensor]:
    """Yields tensors of `size` texts, the last of them shorter."""
    if isinstance(texts, (str, bytes)):
        raise ValueError(
            "`texts` must be an iterable of strings, not one string. "
            f"Received: texts={texts[:40]!r}"
        )
    remaining = iter(texts)
    while batch := list(itertools.islice(remaining, size)):
        yield tf.constant(batch, tf.string)


def check_limits(
    vocabulary_size: int | None, min_count: int, specials: int
) -> None:
    """Refuses limits of a vocabulary that are out of range."""
    if vocabulary_size is not None and not (
        isinstance(vocabulary_size, Integral) and vocabulary_size > specials
    ):
        raise ValueError(
            f"`vocabulary_size` must be an integer greater than {specials}, "
            "the number of special tokens. "
            f"Received: vocabulary_size={vocabulary_size}"
        )
    check_at_least(1, min_count=min_count)


def ranked(
    specials: Sequence[str],
    counts: Counter[str],
    size: int | None,
    min_count: int,
) -> list[str]:
    """Returns special tokens, then tokens by descending count."""
    by_count = sorted(
        (-count, token)
        for token, count in counts.items()
        if count >= min_count and token not in specials
    )
    return [*specials, *(token for _, token in by_count)][:size]
