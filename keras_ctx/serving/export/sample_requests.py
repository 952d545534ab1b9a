"""Requests of several lengths for every signature of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.serving.export.sample_prompts import (
    NEW_TOKENS,
    prompt_inputs,
    prompts_that_fit,
)
from keras_ctx.serving.signatures.build import WORDS_OF
from keras_ctx.serving.signatures.model_outputs import dense
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.verify.raw_answers import Request
from keras_ctx.text import TextInputs

# Rows of a request: a server that batches refuses more than its limit, and does
# not serve a version whose warm-up it refuses.
_MOST_ROWS = 8


def sample_requests(
    made: Mapping[str, Signature],
    model: keras.Model,
    text_inputs: TextInputs,
    texts: Sequence[str],
) -> list[Request]:
    """Returns for each signature all texts, a short one, and a longest one."""
    # If the model has fewer positions than its text inputs allow, find out now,
    # not at the first long request.
    longest = "a " * (text_inputs.max_length or 100)
    starts = range(0, len(texts), _MOST_ROWS)
    batches = [list(texts[x : x + _MOST_ROWS]) for x in starts]
    batches += [list(texts[:1]), [longest]]
    if "generate" in made:
        batches = prompts_that_fit(batches, model, text_inputs)
    if "fill_mask" in made:
        batches = [[f"[MASK] {text}" for text in batch] for batch in batches]
    if "roles" in made:
        batches = [_with_words(batch, text_inputs) for batch in batches]
    return [
        (name, _inputs(name, signature, made, model, text_inputs, batch))
        for name, signature in made.items()
        # One that writes texts to the end is slow, and has a twin.
        for batch in (
            batches[-2:-1]
            if signature.searches and name == "serving_default"
            else batches
        )
    ]


def _with_words(texts: Sequence[str], text_inputs: TextInputs) -> list[str]:
    """Returns the texts, with a word in each: the predicate is one."""
    lengths = text_inputs.words(tf.constant(texts)).words.row_lengths().numpy()
    return [text if n else "a" for text, n in zip(texts, lengths, strict=True)]


def _inputs(
    name: str,
    signature: Signature,
    made: Mapping[str, Signature],
    model: keras.Model,
    text_inputs: TextInputs,
    texts: list[str],
) -> dict[str, Any]:
    if name == "features":
        return _features(signature, text_inputs, texts)
    if "prompt" in signature.inputs:
        return prompt_inputs(
            *(signature, made["generate"], model, text_inputs, texts)
        )
    found = text_inputs.words(tf.constant(texts)).words
    words = dense(found, "").numpy()
    values: dict[str, Any] = {
        **dict.fromkeys(WORDS_OF, texts),
        **dict.fromkeys(WORDS_OF.values(), words.tolist()),
        "inputs": [_example(text) for text in texts],
    }
    # The other input beside a long text is short.
    for short in ("question", "second_text"):
        values[short] = ["a"] * len(texts)
        values[WORDS_OF[short]] = [["a"]] * len(texts)
    values[PREDICATE] = found.row_lengths().numpy().astype(np.int32) // 2
    values["translation"] = texts
    values["length_penalty"] = np.full(len(texts), 0.6, np.float32)
    values["max_length"] = np.full(len(texts), NEW_TOKENS, np.int32)
    return {key: values[key] for key in signature.inputs}


def _features(
    signature: Signature, text_inputs: TextInputs, texts: list[str]
) -> dict[str, np.ndarray]:
    given = text_inputs(texts)
    features = {k: x.numpy() for k, x in given.items()}
    if PREDICATE in signature.inputs:
        mask = text_inputs.padding_mask(given).numpy()
        features[PREDICATE] = np.zeros_like(mask, np.int32)
        features[PREDICATE][:, :1] = 1
    features["masked_positions"] = np.zeros((len(texts), 1), np.int32)
    features["decoder_token_ids"] = np.zeros((len(texts), 2), np.int32)
    features["decoder_padding_mask"] = np.ones((len(texts), 2), bool)
    return {key: features[key] for key in signature.inputs}


def _example(text: str) -> bytes:
    texts = tf.train.Feature(
        bytes_list=tf.train.BytesList(value=[text.encode()])
    )
    short = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a"]))
    features = {"text": texts, "second_text": short}
    return tf.train.Example(
        features=tf.train.Features(feature=features)
    ).SerializeToString()
