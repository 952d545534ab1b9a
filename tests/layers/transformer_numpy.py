"""A decoder block of a Transformer in NumPy, from the paper's equations."""

import math
from typing import Any

import numpy as np

erf = np.vectorize(math.erf)
ACTIVATIONS = {
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": lambda x: (
        x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    ),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
}


def weights_of(layer: Any) -> dict[str, np.ndarray]:
    """Returns weights by their path inside the layer, in float64."""
    found = {}
    for weight in layer.weights:
        if "seed" not in weight.path:
            path = weight.path.removeprefix(f"{layer.name}/")
            found[path] = np.asarray(weight).astype("float64")
    return found


def norm(x: np.ndarray, weights: dict, name: str, epsilon: float):
    centered = x - x.mean(axis=-1, keepdims=True)
    variance = (centered**2).mean(axis=-1, keepdims=True)
    x = centered / np.sqrt(variance + epsilon)
    return x * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def attention(x, keys, weights: dict, name: str, visible: np.ndarray):
    """Returns `(T, D)` and the scores `(H, T, K)` of one row."""

    def project(tokens, part: str):
        kernel = weights[f"{name}/{part}/kernel"]  # (D, H, D / H)
        bias = weights.get(f"{name}/{part}/bias", 0)
        return np.tensordot(tokens, kernel, 1) + bias

    query, key, value = (
        project(x, "query"),
        project(keys, "key"),
        project(keys, "value"),
    )
    output = np.zeros((len(x), *value.shape[1:]))
    scores = np.zeros((query.shape[1], len(x), len(keys)))
    for head in range(query.shape[1]):
        for i in range(len(x)):
            dots = key[:, head] @ query[i, head] / math.sqrt(query.shape[2])
            e = np.exp(dots - dots.max()) * visible[i]
            scores[head, i] = e / e.sum()
            output[i, head] = scores[head, i] @ value[:, head]
    kernel = weights[f"{name}/attention_output/kernel"]
    bias = weights.get(f"{name}/attention_output/bias", 0)
    return np.tensordot(output, kernel, 2) + bias, scores


def decoder_block(layer: Any, x: np.ndarray, encoder: np.ndarray | None):
    """Returns the output `(T, D)` of one row of real tokens, and scores."""
    weights = weights_of(layer)
    epsilon, first = layer.layer_norm_epsilon, layer.norm_first
    causal = np.tril(np.ones((len(x), len(x))))
    scores = []

    def residual(x, name: str, function):
        if first:
            return x + function(norm(x, weights, name, epsilon))
        return norm(x + function(x), weights, name, epsilon)

    def attend(x, keys, name: str, visible):
        y, of_heads = attention(x, keys, weights, name, visible)
        scores.append(of_heads)
        return y

    x = residual(
        x, "attention_norm", lambda x: attend(x, x, "attention", causal)
    )
    if encoder is not None:
        every = np.ones((len(x), len(encoder)))
        x = residual(
            x, "cross_norm", lambda x: attend(x, encoder, "cross", every)
        )

    def network(x):
        x = x @ weights["intermediate/kernel"] + weights["intermediate/bias"]
        x = ACTIVATIONS[layer.activation](x)
        kernel = weights["output_projection/kernel"]
        return x @ kernel + weights["output_projection/bias"]

    return residual(x, "feedforward_norm", network), scores
