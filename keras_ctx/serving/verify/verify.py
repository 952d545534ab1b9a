"""Checks that an export on disk answers as the model in memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from keras_ctx.serving.output_kinds.kind import Arrays, Difference
from keras_ctx.serving.verify.comparison import compared
from keras_ctx.serving.verify.expectation import Expectation
from keras_ctx.serving.verify.fresh_process import fresh_answers
from keras_ctx.serving.verify.searched_rows import changed_rows, without_rows
from keras_ctx.serving.verify.witness import Answer
from keras_ctx.serving.weights.quantization_error import (
    TOLERANCES,
    Drift,
    measured_drift,
)
from keras_ctx.serving.weights.written import check_written_weights


class Agreement(NamedTuple):
    """The differences of an export from its model."""

    differences: dict[str, dict[str, Difference]]
    """The largest differences, by signature and output."""
    drift: dict[str, Drift] | None
    """Drift from the model's own weights, if the export stores fewer bits."""

    def largest(self) -> dict[str, float]:
        """Returns the largest `difference` of all, and the largest `share`."""
        all_of_them = [
            one for found in self.differences.values() for one in found.values()
        ]
        return {
            "difference": max(one.largest for one in all_of_them),
            "share": max(one.share for one in all_of_them),
        }


def check_agreement(
    folder: Path,
    expected: Expectation,
    variables: Iterable[tf.Variable],
    weights: str = "float32",
) -> Agreement:
    """Raises an error unless the SavedModel in `folder` equals the model.

    Its weights must equal the model's, bit for bit, and a process with raw
    TensorFlow must answer as the compiled model up to rounding
    (`keras_ctx.serving.verify.rounding`). Padding and the order of equal values
    are not compared, nor is a text whose search rounding can lead elsewhere
    (`keras_ctx.serving.verify.searched_rows`).

    Args:
        folder: A SavedModel.
        expected: The requests and their right answers.
        variables: All variables that it may contain.
        weights: Format of its kernels and tables.
    """
    check_written_weights(folder, variables)
    try:
        served = fresh_answers(folder, expected.requests)
    except RuntimeError as error:
        raise RuntimeError(f"Nothing was published. {error}") from error
    found: dict[str, dict[str, Difference]] = {}
    for (name, inputs), given, right, rows in zip(
        expected.requests,
        served,
        expected.answers,
        expected.undecided,
        strict=True,
    ):
        if given.keys() != right.outputs.keys():
            raise RuntimeError(
                f"The export's `{name}` must give the outputs "
                f"{sorted(right.outputs)}. It gives {sorted(given)}; nothing "
                "was published."
            )
        differences = compared(
            without_rows(given, right.outputs, rows),
            right,
            expected.bounds[name],
            expected.model_bounds[name],
            inputs,
        )
        for key, one in differences.items():
            if not one.share <= 1:
                raise RuntimeError(
                    f"The export's `{key}` from `{name}` must equal the "
                    f"model's. It is off by {one.largest:g}, {one.share:.3g} "
                    f"times the rounding bound (shape {given[key].shape}, "
                    f"the model's {right.outputs[key].shape}); nothing was "
                    "published."
                )
            known = found.setdefault(name, {}).get(key, one)
            found[name][key] = Difference(*map(max, one, known))
    if weights == "float32":
        return Agreement(found, None)
    pairs = []
    for (name, _), given, right, rows in zip(
        expected.requests,
        served,
        expected.exact,
        expected.undecided,
        strict=True,
    ):
        if rows is not None:
            # The numbers of another text measure nothing.
            rows = changed_rows(given, right.outputs)
            given = without_rows(given, right.outputs, rows, numbers=True)
        pairs.append(
            (name, _meaning(given, right), _meaning(right.outputs, right))
        )
    return Agreement(found, measured_drift(pairs, TOLERANCES[weights]))


def _meaning(outputs: Arrays, right: Answer) -> Arrays:
    return {key: right.meaning(outputs, key) for key in outputs}
