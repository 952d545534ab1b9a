"""Whether an export on disk answers as the model in memory does."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.serving.drift import TOLERANCES, Drift, measured_drift
from keras_ctx.serving.fresh_process import fresh_answers
from keras_ctx.serving.model_layers import all_layers
from keras_ctx.serving.raw_answers import Request, as_numpy
from keras_ctx.serving.signatures import Signature
from keras_ctx.serving.stored_weights import StoredWeights

Arrays = dict[str, np.ndarray]


def check_agreement(
    folder: Path,
    made: Mapping[str, Signature],
    requests: Sequence[Request],
    tolerance: float,
    stored: StoredWeights | None = None,
) -> dict[str, Drift] | None:
    """Raises unless a process with raw TensorFlow answers as the model does.

    The model's side runs eagerly, op by op, and so shares neither trace nor
    file with what is checked.

    Returns:
        How far the answers are from those of the model's own weights, if the
        export keeps fewer bits of them.
    """
    with nullcontext() if stored is None else stored.scope():
        expected = [_eagerly(made[name], inputs) for name, inputs in requests]
    try:
        served = fresh_answers(folder, requests)
    except RuntimeError as error:
        raise RuntimeError(f"Nothing was published. {error}") from error
    for (name, _), right, given in zip(requests, expected, served, strict=True):
        _compare(given, right, tolerance, name)
    if stored is None:
        return None
    names = [name for name, _ in requests]
    exact = [_eagerly(made[name], inputs) for name, inputs in requests]
    return measured_drift(
        zip(names, served, exact, strict=True), TOLERANCES[stored.weights]
    )


def tolerance_for(model: keras.Model) -> float:
    """How far from the model an export may be."""
    half = ("float16", "bfloat16")
    if any(layer.compute_dtype in half for layer in all_layers(model)):
        # A graph keeps some results in full precision that are rounded to 8
        # or 11 bits, several times over, when each op runs alone.
        return 2e-2
    return 1e-5


def _eagerly(signature: Signature, inputs: Mapping) -> Arrays:
    tensors = {
        name: tf.constant(inputs[name], spec.dtype)
        for name, spec in signature.inputs.items()
    }
    try:
        outputs = signature.function(*tensors.values())
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        shapes = {name: tuple(x.shape) for name, x in tensors.items()}
        raise ValueError(
            f"`model` refuses what `text_inputs` gives, of {shapes}: {error}"
        ) from error
    return {key: as_numpy(x) for key, x in outputs.items()}


def _compare(
    served: Arrays, expected: Arrays, tolerance: float, signature: str
) -> None:
    if served.keys() != expected.keys():
        raise RuntimeError(
            f"The export's `{signature}` must give the outputs "
            f"{sorted(expected)}. It gives {sorted(served)}; nothing was "
            "published."
        )
    tied = _tied(served, expected, tolerance)
    for key, right in expected.items():
        given = served[key]
        if given.shape == right.shape and key in tied:
            given, right = given[~tied[key]], right[~tied[key]]
        if given.shape != right.shape:
            error = np.inf
        elif np.issubdtype(right.dtype, np.floating):
            scale = np.maximum(1.0, np.abs(right))
            error = np.max(np.abs(given - right) / scale, initial=0.0)
        else:
            error = np.max(given != right, initial=0.0)
        # Put so that a NaN, on either side, is refused.
        if not error <= tolerance:
            raise RuntimeError(
                f"The export's `{key}` from `{signature}` must equal the "
                f"model's to {tolerance:g}. It is off by {error:g} (shape "
                f"{given.shape}, the model's {right.shape}); nothing was "
                "published."
            )


def _tied(served: Arrays, expected: Arrays, tolerance: float) -> Arrays:
    """For some outputs the rows, `(B,)`, where rounding decides between equals.

    Two paths of a CRF may be equally probable, and two words of a list.
    """
    if any(served[key].shape != x.shape for key, x in expected.items()):
        return {}
    if "tags" in expected and "logits" in expected:
        paths = [
            _path(expected["logits"], x["tags"]) for x in (served, expected)
        ]
        most = tolerance * expected["tags"].shape[1]
        return {"tags": _near(paths[0], paths[1], most)}
    if "path_log_probability" in expected:
        near = _near(
            served["path_log_probability"],
            expected["path_log_probability"],
            tolerance * expected["tags"].shape[1],
        )
        # Where the paths differ, so do the scores of their tags.
        near &= np.any(served["tags"] != expected["tags"], axis=1)
        return {"tags": near, "scores": near}
    if "scores" not in expected:
        return {}
    scores = expected["scores"]
    if "tags" in expected:
        # The second best may be as good where the best has no more than half;
        # in full precision it never is, to the last bit.
        unsure = (scores <= 0.5 + tolerance) & (tolerance > 1e-5)
        return {"tags": np.any(unsure, axis=1)}
    gaps = np.abs(np.diff(scores, axis=-1)) <= tolerance * scores[..., 1:]
    near = np.any(
        gaps & (scores[..., 1:] > 0), axis=tuple(range(1, scores.ndim))
    )
    names = ("labels", "classes", "answers", "words", "starts", "ends")
    return {name: near for name in names if name in expected}


def _near(served: np.ndarray, expected: np.ndarray, most: float) -> np.ndarray:
    return np.abs(served - expected) <= most


def _path(logits: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Log of the probability of each row's tags under a CRF's `logits`."""
    before = np.pad(tags[:, :-1], ((0, 0), (1, 0)))
    row, token = np.indices(tags.shape)
    # At padding the tag is -1, and every number 0.
    return logits[row, token, before, tags].sum(axis=1)
