"""Computes the answers of a Keras model, as a reference for serving.

The model runs eagerly and outputs are read with NumPy, so only the layers and
the text inputs are shared with `keras_ctx.serving`. A new signature needs a
function in `KERAS_ANSWERS`; `serving_default` is the task's.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from cpp_server import Arrays
from keras_outputs import counted, given, outputs_of, softmax, texts_of
from keras_spans import answer
from keras_windows import ragged, scores_in_windows, tags_in_windows
from keras_writers import align, generate, translate
from served_models import Case
from signature_requests import strings

from keras_ctx import data
from keras_ctx.evaluation import Proposition
from keras_ctx.fine_tuning import predict_roles
from keras_ctx.models import encoder_of
from keras_ctx.text import BertInputs


@functools.cache
def _encoder(model: keras.Model) -> keras.Model:
    return encoder_of(model)


def embed(case: Case, inputs: Arrays) -> Arrays:
    """Returns vectors of an encoder or embedder, or of a model's encoder."""
    text = given(inputs)
    features = case.text_inputs(text)
    if case.task == "embed":
        found = outputs_of(case.model, features)
    else:
        found = outputs_of(_encoder(case.model), features)
        for layer in case.model.layers:
            if layer.name == "scalar_mix":
                parts = [found["layers"][:, i] for i in range(layer.num_layers)]
                found["mix"] = np.asarray(layer(parts))
    found["tokens"] = case.text_inputs.tokens(text).numpy()
    return found | counted(case.text_inputs, text)


def classify(case: Case, inputs: Arrays) -> Arrays:
    """Returns all labels, most probable first."""
    assert case.labels is not None
    found = scores_of(case, inputs, softmax)
    scores = found.pop("scores")
    order = np.argsort(-scores, axis=1)
    return {
        "labels": strings(case.labels)[order],
        "scores": np.take_along_axis(scores, order, axis=1),
    } | found


def regress(case: Case, inputs: Arrays) -> Arrays:
    """Returns a number per text."""
    found = scores_of(case, inputs, np.asarray)
    [score] = found.pop("scores").T
    return {"score": score} | found


def scores_of(case: Case, inputs: Arrays, activation: Callable) -> Arrays:
    """Returns `scores` `(B, n)`, and the counts of the rows."""
    texts = texts_of(inputs)
    if "windows" in case.arguments:
        [text] = texts
        return scores_in_windows(case, text, activation)
    logits = outputs_of(case.model, case.text_inputs(*texts))["logits"]
    return {"scores": activation(logits), **counted(case.text_inputs, *texts)}


def texts_of_examples(case: Case, inputs: Arrays) -> Arrays:
    """Returns the texts in examples for Classify and Regress."""
    names = ("text", "second_text")[: 1 + case.arguments.get("pair", False)]
    parsed = [tf.train.Example.FromString(x) for x in inputs["inputs"]]
    return {
        name: strings(
            [x.features.feature[name].bytes_list.value[0] for x in parsed]
        )
        for name in names
    }


def classify_examples(case: Case, inputs: Arrays) -> Arrays:
    """Renames outputs for TF Serving's Classify."""
    found = classify(case, texts_of_examples(case, inputs))
    return {"classes": found["labels"], "scores": found["scores"]}


def regress_examples(case: Case, inputs: Arrays) -> Arrays:
    """Renames the output for TF Serving's Regress."""
    return {"outputs": regress(case, texts_of_examples(case, inputs))["score"]}


def tag(case: Case, inputs: Arrays) -> Arrays:
    """Returns the tag at the first position of every word."""
    text, text_inputs = given(inputs), case.text_inputs
    answer = {}
    words: Any = text
    if "text" in inputs:
        found = text_inputs.words(text)
        words = found.words
        for key, value in (("starts", found.starts), ("ends", found.ends)):
            answer[key] = value.to_tensor(-1).numpy()
        for sentence, *row in zip(text.numpy(), *found, strict=True):
            for word, start, end in zip(*(x.numpy() for x in row), strict=True):
                assert sentence.decode()[start:end] == word.decode()
    if "windows" in case.arguments:
        tags, counts = tags_in_windows(
            case, text, lambda rows: tags_of(case, rows)
        )
        answer |= counts
    else:
        tags = tags_of(case, words)
        answer |= counted(text_inputs, text)
        outputs = outputs_of(case.model, text_inputs(text))
        if "tags" in outputs:
            answer["path_log_probability"] = path(
                outputs["logits"], outputs["tags"]
            )
    answer["words"] = words.to_tensor("").numpy()
    answer["tags"] = np.full_like(answer["words"], b"")
    answer["scores"] = np.zeros(answer["words"].shape, np.float32)
    for row, tagged in enumerate(tags):
        for word, (name, score) in enumerate(tagged):
            answer["tags"][row, word] = name
            answer["scores"][row, word] = score
    return answer


def tags_of(case: Case, words: Any) -> list[list[tuple[bytes, float]]]:
    """Returns tag and score of every word of rows that may be cut."""
    assert case.labels is not None
    outputs = outputs_of(case.model, case.text_inputs(words))
    if "tags" in outputs:
        best, scores = outputs["tags"], outputs["scores"]
    else:
        scores = softmax(outputs["logits"])
        best = scores.argmax(axis=-1)
    found = [[(b"", 0.0)] * len(row) for row in words.to_list()]
    # A word is its own label, which the text inputs put on its first piece.
    numbers = words.with_values(tf.ragged.range(words.row_lengths()).values)
    places = case.text_inputs.align_labels(words, numbers, ignore=-1).numpy()
    for row, position in np.argwhere(places >= 0):
        word, chosen = places[row, position], int(best[row, position])
        found[row][word] = (
            case.labels[chosen].encode(),
            scores[row, position, chosen],
        )
    return found


def path(logits: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Returns the log probability of all tags of a row under a CRF."""
    total = np.zeros(len(tags), np.float32)
    for row, best in enumerate(tags):
        before = 0
        for position, chosen in enumerate(best[best >= 0]):
            total[row] += logits[row, position, before, chosen]
            before = chosen
    return total


def roles(case: Case, inputs: Arrays) -> Arrays:
    """Returns the tags of `fine_tuning.predict_roles`, and their spans."""
    text, text_inputs = given(inputs), case.text_inputs
    answer = {}
    words: Any = text
    if "text" in inputs:
        words, *places = text_inputs.words(text)
        for key, value in zip(("starts", "ends"), places, strict=True):
            answer[key] = value.to_tensor(-1).numpy()
    place, tags = case.arguments["predicate"], case.labels
    assert tags is not None
    asked = [
        Proposition([word.decode() for word in row], int(position))
        for row, position in zip(
            words.to_list(), inputs["predicate"], strict=True
        )
    ]
    found = predict_roles(
        *(case.model, asked, tags, text_inputs, len(asked), place),
        verbose=False,
    )
    [(features, _, weights)] = data.roles_dataset(
        asked,
        [[0] * len(one.words) for one in asked],
        text_inputs,
        predicate=place,
        batch_size=len(asked),
        training=False,
    )
    first = np.asarray(weights["logits"]) > 0
    shares = softmax(outputs_of(case.model, features)["logits"])
    answer["words"] = words.to_tensor("").numpy()
    shape = answer["words"].shape
    for key in ("tags", "roles"):
        answer[key] = np.full(shape, b"", object)
    for key in ("role_starts", "role_ends"):
        answer[key] = np.full(shape, -1, np.int32)
    answer["scores"] = np.zeros(shape, np.float32)
    for row, one in enumerate(found):
        for word, share in enumerate(shares[row][first[row]]):
            tag = one.tags()[word]
            answer["tags"][row, word] = tag.encode()
            answer["scores"][row, word] = share[tags.index(tag)]
        for k, (start, end, role) in enumerate(one.arguments):
            answer["roles"][row, k] = role.encode()
            answer["role_starts"][row, k] = start
            answer["role_ends"][row, k] = end
    flags = np.asarray(features["predicate"])
    answer["predicate_cut"] = ~flags.any(axis=1)
    verbs = [[one.words[one.predicate].encode()] for one in asked]
    second = [ragged(verbs)] if place == "second_segment" else []
    return answer | counted(text_inputs, words, *second)


def fill_mask(case: Case, inputs: Arrays, top_k: int = 5) -> Arrays:
    """Returns the most probable words of every [MASK]."""
    text = given(inputs)
    config = {**case.text_inputs.get_config(), "special_tokens_in_text": True}
    reading = BertInputs.from_config(config)
    features = {key: value.numpy() for key, value in reading(text).items()}
    is_mask = features["token_ids"] == reading.vocabulary.index("[MASK]")
    count = is_mask.sum(axis=1, dtype=np.int32)
    positions = np.zeros((len(count), count.max(initial=1)), np.int32)
    for row, places in enumerate(is_mask):
        positions[row, : count[row]] = np.flatnonzero(places)
    features["masked_positions"] = positions
    shares = softmax(outputs_of(case.model, features)["masked_lm"])
    order = np.argsort(-shares, axis=-1)[:, :, :top_k]
    there = np.arange(positions.shape[1]) < count[:, None]
    words = strings(reading.vocabulary)[order]
    scores = np.take_along_axis(shares, order, axis=-1)
    return {
        "words": np.where(there[:, :, None], words, b""),
        "scores": np.where(there[:, :, None], scores, np.float32(0)),
        "num_masks": count,
    } | counted(reading, text)


def features(case: Case, inputs: Arrays) -> Arrays:
    """Returns the model's own outputs; padding follows from the ids."""
    if "token_ids" in inputs and "padding_mask" not in inputs:
        inputs = {**inputs, "padding_mask": inputs["token_ids"] != 0}
    return outputs_of(case.model, inputs)


def tokens(case: Case, inputs: Arrays) -> Arrays:
    """Returns the answers of the task's signature to words."""
    return KERAS_ANSWERS[case.task](case, inputs)


KERAS_ANSWERS: dict[str, Callable[[Case, Arrays], Arrays]] = {
    "align": align,
    "answer": answer,
    "classify": classify,
    "classify_examples": classify_examples,
    "embed": embed,
    "features": features,
    "fill_mask": fill_mask,
    "generate": generate,
    "regress": regress,
    "regress_examples": regress_examples,
    "roles": roles,
    "tag": tag,
    "tokens": tokens,
    "translate": translate,
}
