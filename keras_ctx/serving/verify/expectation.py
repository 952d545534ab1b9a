"""Computes the right answers of an export, and their rounding bounds."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.serving.output_kinds.bound import Bound
from keras_ctx.serving.output_kinds.kind import Arrays
from keras_ctx.serving.verify.comparison import compared
from keras_ctx.serving.verify.raw_answers import Request
from keras_ctx.serving.verify.rounding import (
    DRAWS,
    Values,
    moved_weights,
    unit_roundoff,
)
from keras_ctx.serving.verify.searched_rows import changed_rows, without_rows
from keras_ctx.serving.verify.witness import Answer, Witness
from keras_ctx.serving.weights.quantized import StoredWeights

Bounds = dict[str, dict[str, Bound]]


class Expectation(NamedTuple):
    """The right answers to requests."""

    requests: Sequence[Request]
    answers: list[Answer]
    """Answers with the weights that the export stores."""
    exact: list[Answer]
    """Answers with the model's own weights."""
    bounds: Bounds
    """Bounds of the floating-point outputs of all signatures."""
    model_bounds: Bounds
    """Bounds of the model's own outputs, by signature."""
    undecided: list[np.ndarray | None]
    """For each request the rows that rounding can change as a whole, bool
    `(B,)`; `None` where there is no search."""


def expectation(
    model: keras.Model,
    witness: Witness,
    requests: Sequence[Request],
    stored: StoredWeights | None = None,
) -> Expectation:
    """Returns the answers of the compiled `model`, with their bounds.

    Raises:
        ValueError: `model` refuses the features of its text inputs.
        RuntimeError: `model` returns NaN, or differs between compiled and eager
            execution.
    """
    exact = witness.values()
    kept: dict[int, tf.Tensor] = {}
    if stored is not None:
        kept = {id(weight): value for weight, value in stored.values()}
    values = [(weight, kept.get(id(weight), value)) for weight, value in exact]
    # The first signature is the task's. Run op by op, it reports at once, in a
    # readable message, that a text is too long for the model.
    of_task = [request for request in requests if request[0] == requests[0][0]]
    eager = witness.answers(of_task, values, compiled=False)
    answers = witness.answers(requests, values)
    for request, answer in zip(requests, answers, strict=True):
        _check_numbers(request, answer)
    moved = _moved_answers(model, witness, requests, values, answers)
    undecided = [
        _undecided(witness, name, right.outputs, [x.outputs for x in others])
        for (name, _), right, others in zip(
            requests, answers, moved, strict=True
        )
    ]
    undecided_own = [
        _undecided(witness, name, right.model, [x.model for x in others])
        for (name, _), right, others in zip(
            requests, answers, moved, strict=True
        )
    ]
    bounds, model_bounds = _bounds(
        requests, answers, moved, undecided, undecided_own
    )
    # The requests of the task come first.
    for (name, inputs), one, right, rows in zip(
        of_task, eager, answers, undecided_own, strict=False
    ):
        own = right.of_model()
        found = compared(
            without_rows(one.model, own.outputs, rows),
            own,
            model_bounds[name],
            model_bounds[name],
            inputs,
        )
        for key, difference in found.items():
            if not difference.share <= 1:
                raise RuntimeError(
                    "`model` must give the same answers compiled, as in "
                    "`predict` and a server, and op by op. Its "
                    f"`{key}` for `{name}` is off by "
                    f"{difference.largest:g}, {difference.share:.3g} times "
                    "the rounding bound; nothing was published."
                )
    if stored is None:
        own = answers
    else:
        own = witness.answers(requests, exact)
    return Expectation(requests, answers, own, bounds, model_bounds, undecided)


def _moved_answers(
    model: keras.Model,
    witness: Witness,
    requests: Sequence[Request],
    values: Values,
    answers: Sequence[Answer],
) -> list[list[Answer]]:
    """Returns the answers of a few models with perturbed weights."""
    real = [answer.real for answer in answers if answer.real is not None]
    positions = max((x.shape[1] for x in real), default=1)
    roundoff = unit_roundoff(model)
    draws = [
        witness.answers(
            requests, moved_weights(values, roundoff, positions, draw)
        )
        for draw in range(DRAWS)
    ]
    return [list(found) for found in zip(*draws, strict=True)]


def _undecided(
    witness: Witness, name: str, right: Arrays, moved: Sequence[Arrays]
) -> np.ndarray | None:
    """Returns the rows of a search that the moves change, bool `(B,)`."""
    if not witness.signatures[name].searches:
        return None
    return np.any([changed_rows(right, x) for x in moved], axis=0)


def _bounds(
    requests: Sequence[Request],
    answers: Sequence[Answer],
    moved: Sequence[Sequence[Answer]],
    undecided: Sequence[np.ndarray | None],
    undecided_own: Sequence[np.ndarray | None],
) -> tuple[Bounds, Bounds]:
    """Measures how the answers change as the weights are perturbed."""
    bounds: Bounds = {name: {} for name, _ in requests}
    model_bounds: Bounds = {name: {} for name, _ in requests}
    for (name, _), answer in zip(requests, answers, strict=True):
        for kept, outputs in (
            (bounds, answer.outputs),
            (model_bounds, answer.model),
        ):
            for key, x in outputs.items():
                if np.issubdtype(x.dtype, np.floating):
                    kept[name].setdefault(key, Bound())
    for (name, _), right, others, rows, own_rows in zip(
        requests, answers, moved, undecided, undecided_own, strict=True
    ):
        own = right.of_model()
        for other in others:
            outputs = without_rows(other.outputs, right.outputs, rows)
            _widen(bounds[name], outputs, right)
            outputs = without_rows(other.model, own.outputs, own_rows)
            _widen(model_bounds[name], outputs, own)
    return bounds, model_bounds


def _widen(bounds: Mapping[str, Bound], moved: Arrays, right: Answer) -> None:
    exact = right.outputs
    for key, bound in bounds.items():
        if key not in exact or moved[key].shape != exact[key].shape:
            continue
        kind = right.kinds[key]
        bound.widen(*kind.comparable(key, moved, exact, right.real))


def _check_numbers(request: Request, answer: Answer) -> None:
    name, inputs = request
    for key, x in answer.outputs.items():
        if not np.issubdtype(x.dtype, np.floating):
            continue
        rows = answer.kinds[key].rows(np.isnan(x), answer.real)
        if rows.size:
            asked = {
                which: values[rows[0]] if len(values) == len(x) else values
                for which, values in inputs.items()
            }
            raise RuntimeError(
                "`model` must answer with numbers. Its "
                f"`{key}` from `{name}` is not a number for "
                f"{str(asked)[:200]}; nothing was published."
            )
