"""Whether an export on disk answers as the model in memory does."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.serving.endpoints import TextInputs, is_crf, model_outputs
from keras_ctx.serving.raw_answers import as_numpy, signature_answers

Arrays = dict[str, np.ndarray]


def check_agreement(
    folder: Path,
    model: keras.Model,
    text_inputs: TextInputs,
    labels: Sequence[str] | None,
    texts: Sequence[str],
) -> None:
    """Raises unless both signatures in `folder` answer as `model` does.

    The model's side runs eagerly, and what follows from the logits is worked
    out in NumPy, so that little is shared with the graph that is checked.
    """
    tolerance = 1e-5
    if any(
        layer.compute_dtype in ("float16", "bfloat16") for layer in model.layers
    ):
        # A graph keeps some results in full precision that are rounded to 8
        # or 11 bits, several times over, when each op runs alone.
        tolerance = 2e-2
    served = tf.saved_model.load(str(folder))
    batches = [texts, [_longest_text(text_inputs)]]
    for batch in batches:
        text = tf.constant(batch, tf.string)
        features = text_inputs(text)
        expected = _eager_outputs(model, features)
        answers = signature_answers(served.signatures["features"], **features)
        if is_crf(model):
            expected["tags"] = _paths(expected, answers, tolerance)
        _compare(answers, expected, tolerance, "features")
        answers = signature_answers(
            served.signatures["serving_default"], text=text
        )
        if labels is not None:
            tokens = as_numpy(text_inputs.tokens(text))
            if is_crf(model):
                del expected["logits"]
                best = np.array(labels)[expected["tags"]]
                expected |= _tagged(answers, best, tokens)
            else:
                expected |= _from_logits(answers, labels, tokens)
        _compare(answers, expected, tolerance, "serving_default")


def _longest_text(text_inputs: TextInputs) -> str:
    # A model with fewer positions than its text function gives would fail on
    # a request of that length, long after everyone had gone home.
    return "a " * (text_inputs.max_length or 1)


def _eager_outputs(
    model: keras.Model, features: dict[str, tf.Tensor]
) -> Arrays:
    try:
        outputs = model_outputs(model, features)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        shapes = {key: tuple(x.shape) for key, x in features.items()}
        raise ValueError(
            f"`model` refuses what `text_inputs` gives, {shapes}: {error}"
        ) from error
    return {key: x.numpy() for key, x in outputs.items()}


def _from_logits(
    answers: Arrays, labels: Sequence[str], tokens: np.ndarray
) -> Arrays:
    logits = answers["logits"]
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores = shifted / shifted.sum(axis=-1, keepdims=True)
    best = np.array(labels)[logits.argmax(axis=-1)]
    if logits.ndim == 2:
        return {"scores": scores, "label": best}
    return {"scores": scores} | _tagged(answers, best, tokens)


def _tagged(answers: Arrays, best: np.ndarray, tokens: np.ndarray) -> Arrays:
    # Which positions have no tag is the text function's own knowledge.
    tags = np.where(answers["tags"] == "", "", best)
    return {"tokens": tokens, "tags": tags}


def _paths(expected: Arrays, served: Arrays, tolerance: float) -> np.ndarray:
    """The model's paths, or the served ones where they are as probable.

    Two paths may be so near to each other that rounding decides.
    """

    def log_probability(tags: np.ndarray) -> np.ndarray:
        before = np.pad(tags[:, :-1], ((0, 0), (1, 0)))
        row, token = np.indices(tags.shape)
        # At padding the tag is -1, and every number 0.
        return expected["logits"][row, token, before, tags].sum(axis=1)

    tags, given = expected["tags"], served["tags"]
    if tags.shape != given.shape:
        return tags
    loss = log_probability(tags) - log_probability(given)
    as_good = (loss <= tolerance * tags.shape[1]) & np.all(
        (tags < 0) == (given < 0), axis=1
    )
    return np.where(as_good[:, None], given, tags)


def _compare(
    served: Arrays, expected: Arrays, tolerance: float, signature: str
) -> None:
    if served.keys() != expected.keys():
        raise RuntimeError(
            f"The export's `{signature}` must give the outputs "
            f"{sorted(expected)}. It gives {sorted(served)}; nothing was "
            "published."
        )
    for key, right in expected.items():
        given = served[key]
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
