"""The baseline of semantic roles without a model: the most frequent label."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from keras_ctx.evaluation import Proposition


class FrequentRoles:
    """Finds semantic roles by counts: the score that a model must beat.

    The predicate is given: its word and its lemma. Keys of counts are the
    lemma, the side of the predicate, and the first word of an argument; what
    was never counted is counted without the lemma, then without the word.

    Args:
        propositions: Those to learn from.

    Example:
        >>> fell = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")], "fall.01")
        >>> roles = FrequentRoles([fell])
        >>> roles.found(replace(fell, words=["it", "falls"])).arguments
        ((0, 1, 'ARG1'),)
    """

    def __init__(self, propositions: Iterable[Proposition]):
        self.labels = defaultdict(Counter)  # of arguments
        self.words = defaultdict(Counter)  # of all words; "" begins none
        self.lengths = defaultdict(Counter)
        for one in propositions:
            verb = {x for start, end in one.verb for x in range(start, end)}
            begun = {span[0]: span for span in one.arguments}
            for place in range(len(one.words)):
                if place in {one.predicate, *verb}:
                    continue
                start, end, label = begun.get(place, (place, place, ""))
                for key in self._keys(one, place):
                    self.words[key][label] += 1
                    if label:
                        self.labels[key][label] += 1
                        self.lengths[key, label][end - start] += 1

    def labelled(self, one: Proposition) -> Proposition:
        """Labels the spans of a proposition.

        The label is the most frequent one in training of an argument with the
        same key.

        Args:
            one: A proposition with arguments, of which the labels are not read.
        """
        arguments = [
            (start, end, self._most(self.labels, one, start, "ARG1")[1])
            for start, end, _ in one.arguments
        ]
        return replace(one, arguments=tuple(arguments))

    def found(self, one: Proposition) -> Proposition:
        """Finds the arguments of a predicate.

        A word begins an argument if in training it did so more often, with one
        label, than it began none; the length is the most frequent one with
        that label. Arguments are chosen from the left, and end before the
        predicate, or where the sentence does.

        Args:
            one: A proposition, of which the arguments are not read.
        """
        arguments, place = [], 0
        while place < len(one.words):
            end = place + 1
            if place != one.predicate:
                key, label = self._most(self.words, one, place, "")
                if label:
                    left = place < one.predicate
                    limit = one.predicate if left else len(one.words)
                    length = self.lengths[key, label].most_common(1)[0][0]
                    end = min(place + length, limit)
                    arguments.append((place, end, label))
            place = end
        return replace(one, arguments=tuple(arguments), verb=())

    def _most(self, counts, one: Proposition, place: int, default: str):
        """Returns the first key with counts, and its most frequent label."""
        for key in self._keys(one, place):
            if key in counts:
                return key, counts[key].most_common(1)[0][0]
        return (), default

    def _keys(self, one: Proposition, place: int):
        side, word = place > one.predicate, one.words[place].lower()
        return (one.lemma, side, word), (side, word), (side,)
