"""Documents in a random order, drawn from a buffer."""

import random
from collections.abc import Iterable, Iterator


def drawn_documents(
    documents: Iterable[list[str]],
    rng: random.Random,
    shuffle_buffer: int,
    least: int,
) -> Iterator[tuple[list[list[str]], int]]:
    """Yields documents in memory, and the number of the drawn one in them.

    The next one replaces it, so read it before asking for more.

    Args:
        documents: Lists of sentences.
        rng: Draws the documents.
        shuffle_buffer: Number of documents to hold in memory.
        least: Fewest sentences of a document; shorter ones are skipped.

    Raises:
        ValueError: `shuffle_buffer` is below 1, or no document is long enough.

    Example:
        >>> documents = [["a1", "a2"], ["b1"], ["c1", "c2"]]
        >>> for held, index in drawn_documents(
        ...     documents, random.Random(1), shuffle_buffer=1, least=2):
        ...     print(held[index])
        ['a1', 'a2']
        ['c1', 'c2']
    """
    if shuffle_buffer < 1:
        raise ValueError(
            "`shuffle_buffer` must be at least 1 document. "
            f"Received: shuffle_buffer={shuffle_buffer}"
        )
    held: list[list[str]] = []
    for document in documents:
        if len(document) < least:
            continue
        if len(held) < shuffle_buffer:
            held.append(document)
            continue
        index = rng.randrange(shuffle_buffer)
        yield held, index
        held[index] = document
    # The remaining documents stay in the list, so that the last one still has
    # other documents to draw from.
    if not held:
        sentences = "two sentences" if least == 2 else "one sentence"
        raise ValueError(
            f"`documents` must hold a document of at least {sentences}. In "
            "a corpus file: one sentence per line, blank lines between "
            "documents. Received: none."
        )
    rng.shuffle(held)
    for index in range(len(held)):
        yield held, index
