"""Example texts for a model, in its language and in its input format."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.text import TextInputs

_ENGLISH: dict[str, Any] = {
    "text": "The service was quick and friendly.",
    "second_text": "The staff were fast and kind.",
    "question": "Who wrote the opera?",
    "context": "The opera was written by Verdi in 1853.",
    "mask": "The capital of France is [MASK].",
    "prompt": "The old house on the hill",
    "roles": "The staff answered every question.",
    PREDICATE: 2,
}
_CHINESE: dict[str, Any] = {
    "text": "今天天气很好。",
    "second_text": "天气不错。",
    "question": "这本书是谁写的？",
    "context": "这本书是鲁迅写的。",
    "mask": "今天天气很[MASK]。",
    "prompt": "今天",
    "roles": "他写了一本书。",
    PREDICATE: 1,
}
# Share of Chinese characters: published English vocabularies have 2 %, Chinese
# ones 30 % or more.
_LEAST_SHARE = 0.2


def example_of(
    task: str, names: Sequence[str], text_inputs: TextInputs
) -> dict[str, list[Any]]:
    """Returns a request with one row for each input, by name."""
    texts = _CHINESE if is_chinese(text_inputs) else _ENGLISH
    if task == "fill_mask":
        return {"text": [texts["mask"]]}
    if task == "roles":
        text = [texts["roles"]]
        # Split by white space, a Chinese sentence is one word.
        words = text_inputs.words(tf.constant(text)).words
        last = int(words.row_lengths()[0]) - 1
        return {"text": text, PREDICATE: [min(texts[PREDICATE], last)]}
    return {name: [texts[name]] for name in names}


def is_chinese(text_inputs: TextInputs) -> bool:
    """Returns whether text inputs are for Chinese.

    Judges by the share of Chinese characters in the vocabulary; without a
    vocabulary, by how texts are split.
    """
    vocabulary = text_inputs.vocabulary
    if vocabulary is None:
        return text_inputs.split == "character"
    chinese = sum(
        "\u4e00" <= token.removeprefix("##")[:1] <= "\u9fff"
        for token in vocabulary
    )
    return chinese >= _LEAST_SHARE * len(vocabulary)
