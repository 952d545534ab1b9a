"""BERT in NumPy, from the paper: float64, one text at a time, no padding.

It is independent of `keras_ctx`. Weights are in a dict by the names of
google-research/bert, without the leading `bert/`.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import erf

Weights = Mapping[str, np.ndarray]


def gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


ACTIVATIONS = {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu}


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def norm(
    w: Weights, name: str, x: np.ndarray, epsilon: float = 1e-12
) -> np.ndarray:
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)
    return x * w[f"{name}/gamma"] + w[f"{name}/beta"]


def dense(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]


def attention(w: Weights, name: str, heads: int, x: np.ndarray) -> np.ndarray:
    q, k, v = (
        np.split(dense(w, f"{name}/self/{part}", x), heads, axis=-1)
        for part in ("query", "key", "value")
    )
    mixed = [
        softmax(q[h] @ k[h].T / np.sqrt(q[h].shape[-1])) @ v[h]
        for h in range(heads)
    ]
    return dense(w, f"{name}/output/dense", np.concatenate(mixed, axis=-1))


def encoder(
    w: Weights,
    token_ids: np.ndarray,
    segment_ids: np.ndarray,
    num_layers: int,
    heads: int,
    activation: str,
    norm_first: bool,
    epsilon: float = 1e-12,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns layers `(T, D)` and the pooled `(D,)` of one text."""
    x = (
        w["embeddings/word_embeddings"][token_ids]
        + w["embeddings/token_type_embeddings"][segment_ids]
        + w["embeddings/position_embeddings"][: len(token_ids)]
    )
    x = norm(w, "embeddings/LayerNorm", x, epsilon)
    layers = [x]
    for i in range(num_layers):
        name = f"encoder/layer_{i}"

        def feed_forward(y: np.ndarray, name: str = name) -> np.ndarray:
            y = dense(w, f"{name}/intermediate/dense", y)
            return dense(w, f"{name}/output/dense", ACTIVATIONS[activation](y))

        first = f"{name}/attention/output/LayerNorm"
        second = f"{name}/output/LayerNorm"
        if norm_first:
            y = norm(w, first, x, epsilon)
            x = x + attention(w, f"{name}/attention", heads, y)
            x = x + feed_forward(norm(w, second, x, epsilon))
        else:
            x = x + attention(w, f"{name}/attention", heads, x)
            x = norm(w, first, x, epsilon)
            x = norm(w, second, x + feed_forward(x), epsilon)
        layers.append(x)
    if norm_first:
        layers[-1] = norm(w, "final_norm", layers[-1], epsilon)
    return layers, np.tanh(dense(w, "pooler/dense", layers[-1][0]))


def heads(
    w: Weights,
    sequence: np.ndarray,
    pooled: np.ndarray,
    positions: np.ndarray,
    activation: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns logits of masked words `(M, V)` and next sentence `(2,)`."""
    x = dense(w, "cls/predictions/transform/dense", sequence[positions])
    x = ACTIVATIONS[activation](x)
    x = norm(w, "cls/predictions/transform/LayerNorm", x)
    masked = x @ w["embeddings/word_embeddings"].T
    masked = masked + w["cls/predictions/output_bias"]
    return masked, dense(w, "cls/seq_relationship", pooled)
