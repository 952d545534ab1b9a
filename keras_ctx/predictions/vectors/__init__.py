"""Vectors for every line of a file: of its tokens, or of the whole line."""

from keras_ctx.predictions.vectors.encoder_checks import (
    check_not_stateful,
    warm_started,
)
from keras_ctx.predictions.vectors.nearest import nearest_lines
from keras_ctx.predictions.vectors.sentence_vectors import SentenceEmbedder
from keras_ctx.predictions.vectors.token_vectors import TokenEmbedder
from keras_ctx.predictions.vectors.windows import Window, Windows

__all__ = [
    "SentenceEmbedder",
    "TokenEmbedder",
    "Window",
    "Windows",
    "check_not_stateful",
    "nearest_lines",
    "warm_started",
]
