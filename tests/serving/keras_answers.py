"""What the Keras model says to a request: the witness of what is served.

The model runs eagerly and its numbers are read with NumPy, so that nothing is
shared with the graph that is served but the layers and the text function. A
new signature needs a function in `KERAS_ANSWERS`.
"""

from collections.abc import Callable

import numpy as np
from cpp_server import Arrays
from served_models import Case
from signature_requests import strings

from keras_ctx.text import BertInputs

_KNOWN: dict[tuple, Arrays] = {}


def raw(case: Case, features: Arrays) -> Arrays:
    """The model's outputs by name; of a list, each by its number."""
    # Several signatures lead to the same ids, and running eagerly takes long.
    contents = (x.tobytes() for _, x in sorted(features.items()))
    key = (case.model, *contents)
    if key not in _KNOWN:
        found = {}
        for name, value in case.model(features, training=False).items():
            if isinstance(value, list | tuple):
                one = name.removesuffix("s")
                found |= {f"{one}_{i}": x.numpy() for i, x in enumerate(value)}
            else:
                found[name] = value.numpy()
        _KNOWN[key] = found
    return dict(_KNOWN[key])


def of_text(case: Case, inputs: Arrays) -> Arrays:
    """The model's outputs and, with labels, their names and shares."""
    features = case.text_inputs(inputs["text"])
    features = {key: value.numpy() for key, value in features.items()}
    outputs = raw(case, features)
    if case.labels is None:
        return outputs
    labels = strings(case.labels)
    if "tags" in outputs:
        del outputs["logits"]
        best = labels[outputs["tags"]]
    else:
        logits = outputs["logits"]
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        outputs["scores"] = shares / shares.sum(axis=-1, keepdims=True)
        best = labels[logits.argmax(axis=-1)]
    if best.ndim == 1:
        return {**outputs, "label": best}
    tokens = case.text_inputs.tokens(inputs["text"]).numpy()
    tags = np.where(tagged(case, features, tokens), best, b"")
    return {**outputs, "tokens": tokens, "tags": tags}


def tagged(case: Case, features: Arrays, tokens: np.ndarray) -> np.ndarray:
    """Where the first piece of a word stands."""
    if not isinstance(case.text_inputs, BertInputs):
        return tokens != b""
    there = features["padding_mask"]
    inside = there & (np.cumsum(there, axis=1) > 1)
    inside &= np.roll(there, -1, axis=1) & (np.arange(there.shape[1]) > 0)
    inside[:, -1] = False
    later = [token.startswith("##") for token in case.text_inputs.vocabulary]
    return inside & ~np.array(later)[features["token_ids"]]


KERAS_ANSWERS: dict[str, Callable[[Case, Arrays], Arrays]] = {
    "serving_default": of_text,
    "features": raw,
}
