"""Prompts of several lengths for a model that continues them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.serving.signatures.signature import Signature

NEW_TOKENS = 8
"""Tokens that are written in a sample request: a warm-up should be short."""


def prompts_that_fit(
    batches: Sequence[Sequence[str]], model: keras.Model, text_inputs: Any
) -> list[list[str]]:
    """Returns the texts, those cut that leave no room for a token."""
    positions = decoder_of(model).max_length
    return [
        [_fitting(text, positions, text_inputs) for text in batch]
        for batch in batches
    ]


def _fitting(text: str, positions: int, text_inputs: Any) -> str:
    while text and _lengths([text], text_inputs)[0] >= positions:
        text = text[: len(text) * 7 // 8]
    return text


def _lengths(texts: Sequence[str], text_inputs: Any) -> np.ndarray:
    """Returns the tokens of prompts, with the start token."""
    return text_inputs.encode(list(texts)).row_lengths().numpy() + 1


def prompt_inputs(
    signature: Signature,
    of_task: Signature,
    model: keras.Model,
    text_inputs: Any,
    texts: Sequence[str],
) -> dict[str, Any]:
    """Returns a request: every other row greedy, the others drawn.

    Where `prompt` is the only input, it leaves room for few tokens: the
    default of `of_task` may be to write many.
    """
    positions = decoder_of(model).max_length
    if len(signature.inputs) == 1:
        most = int(of_task.defaults["max_length"][0])
        longest = _fitting("a " * positions, most, text_inputs)
        return {"prompt": [longest] * len(texts)}
    rows = np.arange(len(texts))
    lengths = _lengths(texts, text_inputs) + NEW_TOKENS
    return {
        "prompt": list(texts),
        "max_length": np.minimum(lengths, positions).astype(np.int32),
        "temperature": np.full(len(texts), 0.8, np.float32),
        "top_k": np.where(rows % 2, 20, 1).astype(np.int32),
        "top_p": np.full(len(texts), 0.9, np.float32),
        "seed": rows.astype(np.int32),
        "num_samples": np.full(len(texts), 2, np.int32),
    }
