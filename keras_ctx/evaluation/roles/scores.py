"""Scores of semantic roles, as the script of CoNLL-2005 counts them."""

from collections.abc import Mapping, Sequence

from keras_ctx.evaluation.roles.proposition import Proposition
from keras_ctx.evaluation.tagging import count_scores

Sentences = Sequence[Sequence[Proposition]]
"""The propositions of each sentence, none or several."""
_EXCLUDED = "V"
_Argument = tuple[str, tuple[tuple[int, int], ...]]
"""A label, and the first word and the word after the last one of each piece."""


def role_scores(true: Sentences, predicted: Sentences) -> dict[str, float]:
    """Computes the scores of semantic roles over all arguments.

    An argument is right if its label and all its pieces are: "C-ARG1" is a
    further piece of the last "ARG1" before it, or an "ARG1" if there is none.
    "R-ARG1" is a label of its own. The predicate itself, "V", is not counted.

    Args:
        true: The propositions of each sentence.
        predicted: Those predicted for the same sentences. A proposition
            belongs to the true one at the same word; all arguments of a true
            one without it, or with another lemma, are missed; one without a
            true one is left out.

    Returns:
        `f1`, `precision`, `recall`, and `perfect`, the share of propositions
        without a mistake; the numbers of arguments that are right (`correct`),
        only predicted (`excess`) and only true (`missed`), and of true
        `propositions`. A score with a denominator of 0 is 0.

    Raises:
        ValueError: The two differ in the number of sentences or of words, or
            a predicate stands twice in a sentence.

    Example:
        >>> words = ["Prices", ",", "he", "said", ",", "rise"]
        >>> arguments = [(0, 1, "ARG1"), (2, 3, "ARG0"), (5, 6, "C-ARG1")]
        >>> true = Proposition(words, 3, arguments, "say.01")
        >>> best = true.with_tags(["B-ARG1", "O", "B-ARG0", "O", "O", "O"])
        >>> scores = role_scores([[true], []], [[best], []])
        >>> scores["f1"], scores["correct"], scores["excess"], scores["missed"]
        (0.5, 1, 1, 1)

    Source:
        srl-eval.pl of Carreras and Màrquez 2005,
        https://aclanthology.org/W05-0620.

    Differs:
        The script prints percents. Without a lemma on one side, the lemmas
        count as equal. All pieces of a predicate are one "V", however a file
        labels them.
    """
    counts, num_perfect = _counts(true, predicted)
    del counts[_EXCLUDED]
    correct, excess, missed = (
        sum(found[column] for found in counts.values()) for column in range(3)
    )
    scores = count_scores(correct, correct + excess, correct + missed)
    del scores["support"]
    number = sum(map(len, true))
    return {
        "f1": scores.pop("f1"),
        **scores,
        "perfect": num_perfect / max(number, 1),
        "correct": correct,
        "excess": excess,
        "missed": missed,
        "propositions": number,
    }


def role_label_scores(
    true: Sentences, predicted: Sentences
) -> dict[str, dict[str, float]]:
    """Computes the scores of each label of semantic roles.

    Args:
        true: As for `role_scores`.
        predicted: As for `role_scores`.

    Returns:
        A dict by label, sorted, of all labels that occur or are predicted,
        also "V", which `role_scores` does not count: `precision`, `recall`,
        `f1`, `support`, `correct`, `excess` and `missed`. `score_table` makes
        a table of it.

    Raises:
        ValueError: As for `role_scores`.

    Example:
        >>> true = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")], "fall")
        >>> wrong = true.with_tags(["B-ARG0", "O"])
        >>> for label, scores in role_label_scores([[true]], [[wrong]]).items():
        ...     print(label, scores["excess"], scores["missed"])
        ARG0 1 0
        ARG1 0 1
        V 1 0
    """
    counts, _ = _counts(true, predicted)
    if not any(counts[_EXCLUDED]):
        del counts[_EXCLUDED]
    return {
        label: {
            **count_scores(correct, correct + excess, correct + missed),
            "correct": correct,
            "excess": excess,
            "missed": missed,
        }
        for label, (correct, excess, missed) in sorted(counts.items())
    }


def _counts(
    true: Sentences, predicted: Sentences
) -> tuple[dict[str, list[int]], int]:
    """Returns correct, excess and missed by label, and the perfect ones."""
    if len(true) != len(predicted):
        raise ValueError(
            "`predicted` must have the sentences of `true`; one without "
            f"propositions is an empty list. Received: {len(predicted)} and "
            f"{len(true)} sentences"
        )
    counts: dict[str, list[int]] = {_EXCLUDED: [0, 0, 0]}
    num_perfect = 0
    for number, (there, found) in enumerate(zip(true, predicted, strict=True)):
        lengths = {len(x.words) for x in (*there, *found)}
        if len(lengths) > 1:
            raise ValueError(
                "`predicted` must have propositions of the same sentences as "
                f"`true`. Received: sentence {number} with "
                f"{' and '.join(map(str, sorted(lengths)))} words"
            )
        found_at = _by_predicate(found, "predicted", number)
        for place, one in _by_predicate(there, "true", number).items():
            wanted = whole_arguments(one)
            best = _same_predicate(one, found_at.get(place))
            parts = (wanted & best, best - wanted, wanted - best)
            for column, arguments in enumerate(parts):
                for label, _ in arguments:
                    counts.setdefault(label, [0, 0, 0])[column] += 1
            num_perfect += all(x == _EXCLUDED for x, _ in wanted ^ best)
    return counts, num_perfect


def _by_predicate(
    propositions: Sequence[Proposition], name: str, number: int
) -> Mapping[int, Proposition]:
    found = {one.predicate: one for one in propositions}
    if len(found) < len(propositions):
        places = sorted(one.predicate for one in propositions)
        raise ValueError(
            f"`{name}` must have each predicate once. Received: the positions "
            f"{places} in sentence {number}"
        )
    return found


def _same_predicate(
    true: Proposition, found: Proposition | None
) -> set[_Argument]:
    """Returns the arguments of a proposition, none if it is another one."""
    if found is None or (
        None not in (true.lemma, found.lemma) and true.lemma != found.lemma
    ):
        return set()
    return whole_arguments(found)


def whole_arguments(proposition: Proposition) -> set[_Argument]:
    """Returns each argument with all its pieces, and the predicate as "V".

    Example:
        >>> spans = [(0, 1, "ARG1"), (2, 3, "C-ARG1"), (3, 4, "C-ARG0")]
        >>> sorted(whole_arguments(Proposition("abcde", 4, spans)))
        [('ARG0', ((3, 4),)), ('ARG1', ((0, 1), (2, 3)))]
    """
    arguments: list[tuple[str, list[tuple[int, int]]]] = []
    last: dict[str, list[tuple[int, int]]] = {}
    for start, end, label in proposition.spans():
        head = label.removeprefix("C-")
        if head == label or head not in last:
            last[head] = []
            arguments.append((head, last[head]))
        last[head].append((start, end))
    return {(label, tuple(pieces)) for label, pieces in arguments}
