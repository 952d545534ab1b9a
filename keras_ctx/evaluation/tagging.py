"""The tags of a tagging model, and the scores of its predictions."""

import collections
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_ctx.evaluation.classification import class_scores, confusion_matrix
from keras_ctx.evaluation.tag_schemes.schemes import exact_spans, span_tags
from keras_ctx.evaluation.tag_schemes.spelling import PLAIN, TagScheme

Tags = Sequence[Sequence[str]]
"""The tags of sentences, in IOB2 or plain. Predicted tags may be missing at
the end, for words that were cut off: they count as "O", plain tags as wrong."""


@dataclass(frozen=True)
class TaggingTask:
    """The tags that a model knows, and how files write them.

    Args:
        labels: The tags of the model in the order of their ids: in
            `model_scheme`, whatever the scheme of the files, or plain.
        scheme: The scheme of the files.
        model_scheme: "IOB2" or "BIOES", unless tags are plain.

    Example:
        >>> task = TaggingTask(["B-LOC", "I-LOC", "O"], TagScheme("BIOES"))
        >>> true = [["B-LOC", "I-LOC", "O"], ["O", "B-LOC"]]
        >>> scores = task.scores(true, [["B-LOC", "O", "O"], ["O", "B-LOC"]])
        >>> scores["f1"], task.metric
        (0.5, 'f1')
    """

    labels: Sequence[str]
    scheme: TagScheme = TagScheme()
    model_scheme: str = "IOB2"

    def to_model(self, tags: Sequence[str]) -> list[str]:
        """Converts the tags of a sentence from IOB2 to the model's scheme.

        Example:
            >>> task = TaggingTask(["O", "S-LOC"], model_scheme="BIOES")
            >>> task.to_model(["O", "B-LOC"]), task.from_model(["O", "S-LOC"])
            (['O', 'S-LOC'], ['O', 'B-LOC'])
        """
        return self._converted(tags, "IOB2", self.model_scheme)

    def from_model(self, tags: Sequence[str]) -> list[str]:
        """Converts the tags of a sentence from the model's scheme to IOB2.

        A span that breaks the rules of the model's scheme is dropped, since
        it is no exact match.
        """
        return self._converted(tags, self.model_scheme, "IOB2")

    def _converted(self, tags: Sequence[str], old: str, new: str) -> list[str]:
        if old == new or self.is_plain:
            return list(tags)
        return span_tags(exact_spans(tags, old), len(tags), new)

    @property
    def is_plain(self) -> bool:
        """Whether tags are no spans, such as parts of speech."""
        return self.scheme.name == PLAIN

    @property
    def metric(self) -> str:
        """The main score."""
        return "accuracy" if self.is_plain else "f1"

    def scores(self, true: Tags, predicted: Tags) -> dict[str, float]:
        """Computes all scores of sentences.

        Args:
            true: The true tags.
            predicted: The predicted tags.

        Returns:
            For spans `f1`, `precision` and `recall`, where a span is right
            only if its words and its type are, and `f1_macro`, the mean F1 of
            the types; for plain tags `accuracy` and `f1_macro`. A score with
            a denominator of 0 is 0.
        """
        classes = self.classes(true, predicted).values()
        macro = sum(found["f1"] for found in classes) / max(len(classes), 1)
        if self.is_plain:
            pairs = _words(true, predicted, "")
            right = sum(tag == best for tag, best in pairs)
            accuracy = right / max(len(pairs), 1)
            return {"accuracy": accuracy, "f1_macro": macro}
        counts = [[0, 0, 0], *_counts(true, predicted).values()]
        right, found, there = map(sum, zip(*counts, strict=True))
        micro = count_scores(right, found, there)
        del micro["support"]
        return {"f1": micro.pop("f1"), **micro, "f1_macro": macro}

    def majority(
        self,
        sentences: Sequence[tuple[Sequence[str], Sequence[str]]],
        words: Sequence[Sequence[str]],
    ) -> list[list[str]]:
        """Predicts the most frequent tag of each word, as a baseline.

        Args:
            sentences: Words and tags of the training sentences.
            words: Words of the sentences to tag.

        Returns:
            The tags; a new word gets "O", or the most frequent plain tag.
        """
        counts: dict[str, collections.Counter] = {}
        for known, tags in sentences:
            for word, tag in zip(known, tags, strict=True):
                counts.setdefault(word, collections.Counter())[tag] += 1
        best = {w: found.most_common(1)[0][0] for w, found in counts.items()}
        new = "O"
        if self.is_plain:
            all_tags = sum(counts.values(), collections.Counter())
            new = all_tags.most_common(1)[0][0]
        return [[best.get(word, new) for word in row] for row in words]

    def classes(
        self, true: Tags, predicted: Tags
    ) -> dict[str, dict[str, float]]:
        """Computes precision, recall, F1 and support of each type or plain tag.

        Args:
            true: The true tags of sentences.
            predicted: The predicted tags.

        Returns:
            A dict by type, sorted, of all types that occur or are predicted;
            spans without types have the type "span". Support is the number
            of spans, or of words.
        """
        if not self.is_plain:
            return {
                kind or "span": count_scores(*counts)
                for kind, counts in sorted(_counts(true, predicted).items())
            }
        names, pairs = _named_pairs(_words(true, predicted, ""))
        found = class_scores(pairs[:, 0], pairs[:, 1], names)
        found.pop("", None)  # of words that were cut off
        return found

    def confusions(
        self, true: Tags, predicted: Tags
    ) -> tuple[list[str], np.ndarray]:
        """Computes the confusion matrix of the words' types, or plain tags.

        Args:
            true: The true tags of sentences.
            predicted: The predicted tags.

        Returns:
            The types, and a matrix of integers with a row for each true type
            and a column for each predicted type. The type of a word outside
            all spans is "O".
        """
        outside = "" if self.is_plain else "O"
        pairs = _words(true, predicted, outside)
        if not self.is_plain:
            pairs = [(_type(tag), _type(best)) for tag, best in pairs]
        names, ids = _named_pairs(pairs)
        there, found = ids.T.tolist()
        matrix = confusion_matrix(there, found, len(names))
        return [name or "(cut off)" for name in names], matrix


def _type(tag: str) -> str:
    return "O" if tag == "O" else tag[2:] or "span"


def _words(true: Tags, predicted: Tags, cut: str) -> list[tuple[str, str]]:
    """Returns the true and the predicted tag of each word."""
    return [
        pair
        for tags, best in zip(true, predicted, strict=True)
        for pair in zip(
            tags, [*best, *[cut] * (len(tags) - len(best))], strict=True
        )
    ]


def _named_pairs(
    pairs: Sequence[tuple[str, str]],
) -> tuple[list[str], np.ndarray]:
    names = sorted({name for pair in pairs for name in pair})
    ids = {name: number for number, name in enumerate(names)}
    found = [[ids[name] for name in pair] for pair in pairs]
    return names, np.array(found, int).reshape(-1, 2)


def _counts(true: Tags, predicted: Tags) -> dict[str, list[int]]:
    """Counts the right, the predicted and the true spans of each type."""
    counts: dict[str, list[int]] = {}
    for tags, best in zip(true, predicted, strict=True):
        there, found = set(exact_spans(tags)), set(exact_spans(best))
        for column, spans in enumerate((there & found, found, there)):
            for *_, kind in spans:
                counts.setdefault(kind, [0, 0, 0])[column] += 1
    return counts


def count_scores(right: int, found: int, there: int) -> dict[str, float]:
    """Returns precision, recall and F1 of the numbers of spans.

    Example:
        >>> count_scores(1, found=2, there=1)["precision"]
        0.5
    """
    precision, recall = right / max(found, 1), right / max(there, 1)
    both = precision + recall
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / both if both else 0.0,
        "support": there,
    }
