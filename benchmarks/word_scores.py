"""Log likelihoods of words by a GPT, whose tokens are pieces, and by a biLM."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import convert, data
from keras_ctx.files.model_file import load_model
from keras_ctx.predictions.sentence_scorer import SentenceScorer
from keras_ctx.text import GPTInputs

Sentences = list[list[str]]


def scorer(model: keras.Model, begins: np.ndarray):
    """Returns a function of rows of ids `(B, T + 1)`.

    It gives two log likelihoods `(B, T)`: of the next token, and of all tokens
    at once before which a word has ended.
    """

    @tf.function(reduce_retracing=True)
    def score(ids):
        inputs = ids[:, :-1]
        real = tf.ones_like(inputs, tf.bool)
        features = {"token_ids": inputs, "padding_mask": real}
        logits = model(features, training=False)["next_token"]
        likelihoods = tf.nn.log_softmax(logits)
        return (
            tf.gather(likelihoods, ids[:, 1:], batch_dims=2),
            tf.reduce_logsumexp(tf.gather(likelihoods, begins, axis=2), 2),
        )

    return score


def token_scores(score, ids: np.ndarray, length: int) -> np.ndarray:
    """Returns both likelihoods of each token but the first, `(2, T)`.

    A longer sentence is read in windows that overlap by half.
    """
    parts, start, done = [], 0, 0
    while done < len(ids) - 1:
        window = ids[start : start + length + 1]
        found = np.stack([x[0] for x in score(window[None])]).astype("float64")
        parts.append(found[:, done - start :])
        done = start + len(window) - 1
        start = done - length // 2
    return np.concatenate(parts, axis=1)


def word_scores(found: np.ndarray, lengths: list[int]) -> np.ndarray:
    """Returns log likelihoods of words and end, `(2, N + 1)`.

    The first are those of words, which sum to 1; the second those of the
    pieces alone.

    Args:
        found: Both likelihoods of each token, `(2, T)`.
        lengths: Pieces of each of N words.
    """
    tokens, ended = found
    places = np.cumsum([0, *lengths])
    pieces = np.add.reduceat(tokens, places)
    begin = ended[places]
    return np.stack([pieces - begin + np.append(begin[1:], 0), pieces])


def gpt_scores(folder: Path, sentences: Sentences) -> np.ndarray:
    """Returns the likelihoods of `word_scores`, sentence by sentence."""
    inputs = convert.load_text_inputs(folder)
    if not isinstance(inputs, GPTInputs):
        raise TypeError(f"No GPT: {folder}")
    begins = [
        i
        for i, token in enumerate(inputs.vocabulary)
        if token.startswith("Ġ") or i == inputs.end_id
    ]
    length = inputs.max_length
    model = load_model(folder / "language_model.keras", compile=False)
    score = scorer(model, np.array(begins))
    words = sorted({word for sentence in sentences for word in sentence})
    rows = inputs.encode([f" {word}" for word in words]).to_list()
    pieces = dict(zip(words, rows, strict=True))
    encoded = inputs.encode(
        ["".join(f" {word}" for word in sentence) for sentence in sentences]
    ).to_list()
    end, parts = inputs.end_id, []
    for sentence, ids in zip(sentences, encoded, strict=True):
        if ids != [x for word in sentence for x in pieces[word]]:
            raise RuntimeError(f"A piece crosses words: {sentence}")
        found = token_scores(score, np.array([end, *ids, end]), length)
        parts.append(word_scores(found, [len(pieces[x]) for x in sentence]))
    return np.concatenate(parts, axis=1)


def bilm_scores(folder: Path, sentences: Sentences) -> np.ndarray:
    """Returns the likelihoods of both directions, `(2, N)`, as `trigram`."""
    score = SentenceScorer(folder)
    lines = [" ".join(sentence) for sentence in sentences]
    parts: dict[int, np.ndarray] = {}
    for places in data.word_batches(sentences, 2048):
        found = score([lines[place] for place in places])
        for place, scored in zip(places, found, strict=True):
            if scored["words"] != sentences[place]:
                raise RuntimeError(f"Other words: {sentences[place]}")
            backward = np.roll(scored["backward"], -1)
            parts[place] = np.stack([scored["forward"], backward])
    return np.concatenate([parts[i] for i in range(len(lines))], axis=1)
