"""Two answers to the same request, compared as far as they have a meaning."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_ctx.serving.verify.decisions import is_same_ranking, undecided_tags
from keras_ctx.serving.verify.rounding import Bound, errors
from keras_ctx.serving.verify.witness import Answer, Arrays

# Names that are ranked by `scores`, and what belongs to each of them.
_RANKED = ("labels", "classes", "words", "answers")
_PLACES = ("starts", "ends")


class Difference(NamedTuple):
    """How far an output is off."""

    largest: float
    """The largest difference; of what is no number, 1 if some differ."""
    share: float
    """The largest, in units of what rounding can do: above 1 it is wrong."""


def compared(
    given: Arrays,
    right: Answer,
    bounds: Mapping[str, Bound],
    logits_bound: Bound | None,
    inputs: Mapping[str, Any],
    own: bool = False,
) -> dict[str, Difference]:
    """The differences between an answer and the right one, by output.

    Args:
        given: The outputs to be judged.
        right: The right answer.
        bounds: Those of its outputs that are numbers.
        logits_bound: That of the model's `logits`, if it has them.
        inputs: What was asked.
        own: Whether `given` are the model's own outputs.
    """
    outputs = right.model if own else right.outputs
    found = {}
    free = _free_tags(given, outputs, right, logits_bound)
    for key, expected in outputs.items():
        if given[key].shape != expected.shape:
            found[key] = Difference(np.inf, np.inf)
            continue
        one, other = right.meaning(given, key), right.meaning(outputs, key)
        if np.issubdtype(expected.dtype, np.floating):
            if key == "scores" and free is not None and free.shape == one.shape:
                # The score of another tag.
                one = np.where(free, other, one)
            found[key] = Difference(*errors(one, other, bounds[key]))
            continue
        wrong = one != other
        if key == "tags" and free is not None:
            wrong &= ~right.meaning({key: free}, key)
        elif key in _RANKED and _is_ranking(outputs, key):
            wrong = not _is_ranked_alike(given, outputs, key, bounds["scores"])
        elif key in _PLACES and "answers" in outputs:
            wrong = not _is_found_alike(given, outputs, key, inputs)
        any_wrong = bool(np.any(wrong))
        found[key] = Difference(float(any_wrong), np.inf if any_wrong else 0.0)
    return found


def _free_tags(
    given: Arrays, outputs: Arrays, right: Answer, bound: Bound | None
) -> np.ndarray | None:
    """Where tags may differ, as rounding chooses between equals.

    Two paths of a CRF may be equally probable, and two tags of a token.
    """
    if (
        "tags" not in outputs
        or bound is None
        or right.real is None
        or given["tags"].shape != outputs["tags"].shape
    ):
        return None
    differ = given["tags"] != outputs["tags"]
    undecided = undecided_tags(right.model["logits"], right.real, bound)
    if differ.shape == undecided.shape and "words" not in outputs:
        return differ & undecided
    # By words, of which each has the tag of one token, but not by places.
    return differ & (differ.sum() <= undecided.sum())


def _is_ranking(outputs: Arrays, key: str) -> bool:
    scores = outputs.get("scores")
    return (
        scores is not None
        and scores.shape == outputs[key].shape
        and ("tags" not in outputs)
    )


def _is_ranked_alike(
    given: Arrays, outputs: Arrays, key: str, bound: Bound
) -> bool:
    lists = [
        x.reshape(-1, x.shape[-1])
        for x in (given[key], given["scores"], outputs[key], outputs["scores"])
    ]
    return all(
        np.array_equal(row[0], row[2])
        or is_same_ranking(row[0], row[1], row[2], row[3], bound)
        for row in zip(*lists, strict=True)
    )


def _is_found_alike(
    given: Arrays, outputs: Arrays, key: str, inputs: Mapping[str, Any]
) -> bool:
    """Whether answers stand at the same places.

    A text that stands twice in the context is found where it is best; its
    score, which is compared too, is that of the place.
    """
    if "context" in inputs:
        contexts = list(inputs["context"])
    else:
        contexts = [
            b" ".join(words).decode() for words in inputs["context_tokens"]
        ]
    for row, context in enumerate(contexts):
        places = dict(
            zip(outputs["answers"][row], outputs[key][row], strict=True)
        )
        for answer, place in zip(
            given["answers"][row], given[key][row], strict=True
        ):
            if places.get(answer, place) != place and context.count(answer) < 2:
                return False
    return True
