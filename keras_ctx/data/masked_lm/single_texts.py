"""Single texts of a corpus, for pretraining without text pairs."""

import random
from collections.abc import Callable, Iterable, Iterator

from keras_ctx.checks import check_at_least
from keras_ctx.data.masked_lm.drawn_documents import drawn_documents
from keras_ctx.data.masked_lm.short_targets import check_short_seq_prob, target


def single_texts(
    documents: Iterable[list[str]],
    *,
    target_length: int,
    seed: int,
    length: Callable[[str], int] = len,
    short_seq_prob: float = 0.1,
    shuffle_buffer: int = 1000,
    separator: str = " ",
) -> Iterator[str]:
    """Yields texts of consecutive sentences of a document.

    Sentences are packed until they reach `target_length`; a text ends with its
    document, so it may be shorter, and may be longer by its last sentence: the
    caller cuts it. No sentence is skipped.

    Args:
        documents: Lists of sentences.
        target_length: Length of a text, in units of `length`.
        seed: The seed. The texts are a pure function of it and the documents.
        length: As in `sentence_pairs`, like all others.
        short_seq_prob: Share of documents that get a random shorter target.
        shuffle_buffer: Number of documents to hold in memory.
        separator: The separator between sentences.

    Raises:
        ValueError: An argument is out of range, or there is no document.

    Example:
        >>> corpus = [["a1", "a2", "a3"], ["b1"]]
        >>> list(single_texts(
        ...     corpus, target_length=4, seed=1, short_seq_prob=0.0))
        ['b1', 'a1 a2', 'a3']

    Source: Liu et al. 2019, section 4.2 (arXiv:1907.11692), "DOC-SENTENCES".
    """
    check_at_least(2, target_length=target_length)
    check_short_seq_prob(short_seq_prob)
    rng = random.Random(seed)
    for held, index in drawn_documents(documents, rng, shuffle_buffer, 1):
        wanted = target(rng, target_length, short_seq_prob)
        text, total = [], 0
        for sentence in held[index]:
            text.append(sentence)
            total += length(sentence)
            if total >= wanted:
                yield separator.join(text)
                text, total = [], 0
        if text:
            yield separator.join(text)
