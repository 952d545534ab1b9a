"""Text pairs for next-sentence and sentence-order prediction."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator

from keras_ctx.checks import check_at_least
from keras_ctx.data.masked_lm.drawn_documents import drawn_documents
from keras_ctx.data.masked_lm.objectives import OF_PAIRS, PairObjective
from keras_ctx.data.masked_lm.short_targets import check_short_seq_prob, target

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
    objective: PairObjective = "next_sentence",
) -> Iterator[tuple[str, str, int]]:
    """Creates text pairs from a stream of documents.

    With "next_sentence", consecutive sentences of a document are packed until
    they reach `target_length` (at least two sentences) and split at a random
    sentence boundary. In half of the pairs the second text is kept. In the
    other half it is replaced by about as much text from another document, and
    its sentences are used for the next pair. A document of one sentence, and a
    single sentence left at the end of a document, are skipped.

    With "sentence_order", a document is cut into runs of equally many
    sentences (plus or minus one), as few as keep `target_length` on average.
    Each run is split at a random sentence boundary, and in half of the pairs
    the two texts are swapped. One document is enough.

    `shuffle_buffer` documents are held in memory. The next document, and the
    other document of a pair, are drawn from them at random, so a pass is also
    a shuffle with this buffer. Text pairs may be longer than `target_length`
    by their last sentence: the caller cuts them.

    Args:
        documents: Lists of sentences.
        target_length: Length of both texts together, in units of `length`.
        seed: The seed. The pairs are a pure function of it and the documents.
        length: A function that returns the length of a sentence. The default
            counts characters.
        short_seq_prob: Share of documents that get a random shorter target
            length, so that the model also sees short inputs.
        shuffle_buffer: Number of documents to hold in memory, at least 2 for
            "next_sentence".
        separator: The separator between sentences. Use "" for Chinese.
        objective: The second text of negative pairs: text of another document
            ("next_sentence"), or the text before ("sentence_order").

    Returns:
        A generator of `(first, second, is_next)`. `is_next` is 1 if the second
        text follows the first in its document, else 0.

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
    the same name of google-research/albert. Both use the opposite labels: 1
    for "not next".

    Differs: Features that reveal the label without reading are avoided. A
    replacement is as long as the text that it replaces (the original fills up
    to the target, even if a document ends early). A replacement never begins a
    document, since true next text never does. No pair has a single sentence,
    which could only be "not next". In the original sentence order, a run ends
    with the sentence that reaches the target, which tends to be long, so the
    lengths of the texts reveal the label. Here, runs do not depend on the
    lengths of single sentences.
    """
    check_at_least(2, target_length=target_length)
    check_short_seq_prob(short_seq_prob)
    if objective not in OF_PAIRS:
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
    rng = random.Random(seed)
    for held, index in drawn_documents(documents, rng, shuffle_buffer, 2):
        wanted = target(rng, target_length, short_seq_prob)
        if objective == "next_sentence":
            pairs = _next_pairs(held, index, wanted, length, rng)
        else:
            pairs = _order_pairs(held[index], wanted, length, rng)
        for first, second, is_next in pairs:
            yield separator.join(first), separator.join(second), is_next


def _next_pairs(
    held: list[list[str]],
    index: int,
    target: int,
    length: Callable[[str], int],
    rng: random.Random,
) -> Iterator[Pair]:
    """Yields a document's texts, each with the true next or another text."""
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
        # Drawn in both cases, so that a corpus without another document is an
        # error at the first pair with any seed.
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
    """Yields a document's runs, with their two texts in order or swapped."""
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
    """Returns a document whose content differs from `held[index]`."""
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
    """Returns sentences from a random boundary up to the wanted length."""
    start = end = rng.randrange(1, len(document))
    total = 0
    while end < len(document) and (total < wanted or end == start):
        total += length(document[end])
        end += 1
    return document[start:end]
