"""Pairs of text for next-sentence and sentence-order prediction."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from keras_ctx.checks import check_at_least

Pair = tuple[list[str], list[str], int]


def sentence_pairs(
    documents: Iterable[list[str]],
    *,
    target_length: int,
    seed: int,
    length: Callable[[str], int] = len,
    short_seq_prob: float = 0.1,
    shuffle_buffer: int = 1000,
    separator: str = " ",
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence",
) -> Iterator[tuple[str, str, int]]:
    """Turn a stream of documents into pairs: true next text, or not.

    With "next_sentence" consecutive sentences of a document are packed until
    they reach `target_length` (at least two of them) and split at a random
    sentence boundary. Half of the time the second part stays; the other half
    it is replaced by about as much text from another document, and the
    sentences it would have had are put back for the next pair. A document of
    one sentence, and a sentence left alone at the end of a document, have no
    boundary to split at and are skipped.

    With "sentence_order" a document is cut into runs of equally many
    sentences (give or take one), as few as keep `target_length` on average.
    Each is split at a random sentence boundary, and half of the time its two
    parts change places. One document is enough.

    `shuffle_buffer` documents are held in memory. The next document to read,
    and the other document of a pair, are drawn from them at random, so a pass
    is also a shuffle, as wide as that buffer. Pairs are not cut: the caller
    cuts the last sentence that went over.

    Args:
        documents: Lists of sentences.
        target_length: Length of both parts together, as `length` counts.
        seed: The pairs are a pure function of the documents and the seed.
        length: Length of a sentence; the default counts characters.
        short_seq_prob: Share of documents that are cut to a random
            shorter length, so that the model also sees short input.
        shuffle_buffer: How many documents are held in memory; next sentences
            need 2.
        separator: Put between sentences; "" suits Chinese.
        objective: What the second part is where it is not the next text:
            text of another document, or the text before.

    Returns:
        A generator of `(first, second, is_next)`; `is_next` is 1 where the
        second part follows the first in its document, else 0.

    Raises:
        ValueError: An argument is out of range, or no document has two
            sentences; with "next_sentence" also if all documents of the
            buffer are equal, so that there is no other document.

    Example:
        >>> corpus = [["a1", "a2", "a3"], ["b1", "b2"], ["c1", "c2"]]
        >>> for pair in sentence_pairs(corpus, target_length=6, seed=6):
        ...     print(pair)
        ('b1', 'b2', 1)
        ('a1 a2', 'a3', 1)
        ('c1', 'a3', 0)

    Source: `create_pretraining_data.py` of google-research/bert; sentence
    order: Lan et al. 2020, section 3.1 (arXiv:1909.11942), and the file of
    the same name of google-research/albert. Both have the labels the other
    way round: 1 for "not next".

    Differs: what gives the label away without reading is taken out. A
    replacement is as long as what it replaces (the original fills up to the
    target, also where a document ends early), never opens its document (true
    next text never does), and no pair is made of a single sentence (which
    could only be "not next"). For sentence order, a run that ends with the
    sentence that reaches the target tends to end with a long one, and the
    lengths of the parts would tell; ours does not look at single lengths.
    """
    check_at_least(2, target_length=target_length)
    if not 0 <= short_seq_prob <= 1:
        raise ValueError(
            "`short_seq_prob` must be a probability from 0 to 1. "
            f"Received: short_seq_prob={short_seq_prob}"
        )
    if objective not in ("next_sentence", "sentence_order"):
        raise ValueError(
            '`objective` must be "next_sentence" or "sentence_order". '
            f"Received: objective={objective!r}"
        )
    if objective == "next_sentence" and shuffle_buffer < 2:
        raise ValueError(
            "`shuffle_buffer` must be at least 2 documents, because half of "
            "the pairs need another document. "
            f"Received: shuffle_buffer={shuffle_buffer}"
        )
    if shuffle_buffer < 1:
        raise ValueError(
            "`shuffle_buffer` must be at least 1 document. "
            f"Received: shuffle_buffer={shuffle_buffer}"
        )

    rng = random.Random(seed)

    def pairs_of(held: list[list[str]], index: int):
        target = target_length
        if rng.random() < short_seq_prob:
            target = rng.randint(2, target_length)
        if objective == "next_sentence":
            pairs = _next_pairs(held, index, target, length, rng)
        else:
            pairs = _order_pairs(held[index], target, length, rng)
        for first, second, is_next in pairs:
            yield separator.join(first), separator.join(second), is_next

    held: list[list[str]] = []
    for document in documents:
        if len(document) < 2:
            continue
        if len(held) < shuffle_buffer:
            held.append(document)
            continue
        index = rng.randrange(shuffle_buffer)
        yield from pairs_of(held, index)
        held[index] = document
    # The rest stays in place while it is read: the last document still has
    # others to draw from.
    if not held:
        raise ValueError(
            "`documents` must hold a document of at least two sentences. In "
            "a corpus file: one sentence a line, a blank line between "
            "documents. Received: none."
        )
    rng.shuffle(held)
    for index in range(len(held)):
        yield from pairs_of(held, index)


def _next_pairs(
    held: list[list[str]],
    index: int,
    target: int,
    length: Callable[[str], int],
    rng: random.Random,
) -> Iterator[Pair]:
    """A document's parts, each before the true next or another text."""
    document = held[index]
    start = 0
    while len(document) - start >= 2:
        end = start + 2
        total = sum(map(length, document[start:end]))
        while end < len(document) and total < target:
            total += length(document[end])
            end += 1
        split = rng.randint(start + 1, end - 1)
        first, second = document[start:split], document[split:end]
        # Drawn in both cases: a corpus without another document is an
        # error at the first pair, whatever the seed.
        other = _other(held, index, rng)
        is_next = int(rng.random() < 0.5)
        if is_next:
            start = end
        else:
            wanted = sum(map(length, second))
            second = _excerpt(other, wanted, length, rng)
            start = split
        yield first, second, is_next


def _order_pairs(
    document: list[str],
    target: int,
    length: Callable[[str], int],
    rng: random.Random,
) -> Iterator[Pair]:
    """A document's runs, their two parts in order or not."""
    # Only the length of the whole document counts: if its sentences were in
    # random order, no pair would look different from the same one swapped.
    total = sum(map(length, document))
    num_runs = max(1, min(-(-total // target), len(document) // 2))
    ends = [run * len(document) // num_runs for run in range(num_runs + 1)]
    for start, end in itertools.pairwise(ends):
        split = rng.randint(start + 1, end - 1)
        first, second = document[start:split], document[split:end]
        is_next = int(rng.random() < 0.5)
        yield (first, second, 1) if is_next else (second, first, 0)


def _other(held: list[list[str]], index: int, rng: random.Random) -> list[str]:
    """A document with another content than `held[index]`."""
    start = rng.randrange(len(held))
    for step in range(len(held)):
        other = held[(start + step) % len(held)]
        if other != held[index]:
            return other
    raise ValueError(
        "`documents` must hold at least two different documents. In a "
        "corpus file a blank line separates documents. Received: "
        f"{len(held)} documents, all equal, beginning {held[0][0][:40]!r}"
    )


def _excerpt(
    document: list[str],
    wanted: int,
    length: Callable[[str], int],
    rng: random.Random,
) -> list[str]:
    """Sentences from a random boundary on, until `wanted` is reached."""
    start = end = rng.randrange(1, len(document))
    total = 0
    while end < len(document) and (total < wanted or end == start):
        total += length(document[end])
        end += 1
    return document[start:end]
