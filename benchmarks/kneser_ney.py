"""An interpolated Kneser-Ney trigram, counted by sorting.

The formula is that of nltk's `KneserNeyInterpolated`, with one difference:
`<S>` is never predicted, so the other words share all of the probability.
"""

import collections
import itertools
from collections.abc import Iterable, Sequence

import numpy as np

Sentences = Sequence[Sequence[str]]
BEGIN, END = 0, 1


class Counts:
    """The n-grams of one length: their counts, and those of their contexts.

    Args:
        types: The distinct n-grams, sorted, as numbers whose last digit to
            the base `size` is the last word.
        counts: How often each occurs, or after how many words.
        size: Number of words.
    """

    def __init__(self, types: np.ndarray, counts: np.ndarray, size: int):
        self.types, self.counts, self.size = types, counts, size
        self.contexts, first = np.unique(types // size, return_index=True)
        self.totals = np.add.reduceat(counts, first)
        self.distinct = np.diff(first, append=len(types))

    def discounted(
        self, ngrams: np.ndarray, discount: float, lower: np.ndarray
    ) -> np.ndarray:
        """Returns the probability of the last word of each n-gram.

        `lower` are the probabilities after a context that is a word shorter.
        They hold alone where the context is new.
        """
        contexts = ngrams // self.size
        count = found(self.types, self.counts, ngrams)
        total = found(self.contexts, self.totals, contexts)
        distinct = found(self.contexts, self.distinct, contexts)
        kept = np.maximum(count - discount, 0) + discount * distinct * lower
        return np.where(total > 0, kept / np.maximum(total, 1), lower)


def found(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray):
    """Returns the values of the keys that are wanted, 0 for a new key."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


class Trigram:
    """Counts the words of sentences, each between two `<S>` and `</S>`.

    Args:
        sentences: Words to learn from. Later words must be among them.

    Example:
        >>> trigram = Trigram([["a", "b"], ["a", "c"]])
        >>> trigram.log_likelihoods([["a"]], discount=0.5).shape
        (2,)
    """

    def __init__(self, sentences: Sentences):
        self.ids = {"<S>": BEGIN, "</S>": END}
        for word in itertools.chain.from_iterable(sentences):
            self.ids.setdefault(word, len(self.ids))
        size = len(self.ids)
        levels = []
        ngrams, counts = np.unique(self._ngrams(sentences), return_counts=True)
        for length in (3, 2):
            levels.append(Counts(ngrams, counts, size))
            shorter = ngrams % size ** (length - 1)
            ngrams, counts = np.unique(shorter, return_counts=True)
        self.trigrams, self.bigrams = levels
        self.words = np.zeros(size)
        self.words[ngrams] = counts / counts.sum()

    def log_likelihoods(
        self, sentences: Sentences, discount: float
    ) -> np.ndarray:
        """Returns those of the words and of `</S>`, sentence by sentence."""
        trigrams, size = self._ngrams(sentences), len(self.ids)
        likelihoods = self.words[trigrams % size]
        for level, ngrams in (
            (self.bigrams, trigrams % size**2),
            (self.trigrams, trigrams),
        ):
            likelihoods = level.discounted(ngrams, discount, likelihoods)
        return np.log(likelihoods)

    def _ngrams(self, sentences: Sentences) -> np.ndarray:
        """Returns the trigram that ends in each word and each `</S>`."""
        ids, size = self.ids, len(self.ids)
        stream = np.fromiter(
            itertools.chain.from_iterable(
                [BEGIN, BEGIN, *[ids[word] for word in sentence], END]
                for sentence in sentences
            ),
            "int64",
        )
        trigrams = (stream[:-2] * size + stream[1:-1]) * size + stream[2:]
        return trigrams[stream[2:] != BEGIN]


def unigram(train: Sentences, test: Sentences) -> np.ndarray:
    """Returns log likelihoods by the counts of single words."""
    counts = collections.Counter(word for word in marked(train))
    total = sum(counts.values())
    return np.log([counts[word] / total for word in marked(test)])


def marked(sentences: Sentences) -> Iterable[str]:
    for sentence in sentences:
        yield from sentence
        yield "</S>"


def trigram(
    train: Sentences, dev: Sentences, test: Sentences
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the log likelihoods of both directions.

    They are those of the words of each sentence and then of its marker: the
    end, or in the other direction the beginning. The discount is the best for
    the development part.
    """
    forward = of_direction(train, dev, test)
    turned = [[sentence[::-1] for sentence in x] for x in (train, dev, test)]
    places = np.cumsum([len(sentence) + 1 for sentence in test])
    backward = [
        np.append(part[-2::-1], part[-1:])
        for part in np.split(of_direction(*turned), places[:-1])
    ]
    return forward, np.concatenate(backward)


def of_direction(train: Sentences, dev: Sentences, test: Sentences):
    model = Trigram(train)
    best = max(
        (0.7, 0.8, 0.85, 0.9),
        key=lambda discount: model.log_likelihoods(dev, discount).mean(),
    )
    values = model.log_likelihoods(test, best)
    print(f"trigram, discount {best}: {np.exp(-values.mean()):.1f}")
    return values
