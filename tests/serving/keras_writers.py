"""Writes texts with NumPy and Python lists, as a reference for serving.

Each text is searched alone, and the model reads all of it for each token,
without a cache.
"""

import functools
from typing import Any

import numpy as np
import tensorflow as tf
from contracts.beam_lists import beam_search
from cpp_server import Arrays
from served_models import Case

from keras_ctx import models
from keras_ctx.serving import GenerateSettings, TranslateSettings


def generate(case: Case, inputs: Arrays) -> Arrays:
    """Returns the continuations of prompts; settings may be left out."""
    settings: GenerateSettings = case.arguments["writing"]
    size = case.text_inputs.vocabulary_size
    defaults = {
        "max_length": settings.max_length,
        "temperature": settings.temperature,
        "top_k": settings.top_k or size,
        "top_p": settings.top_p,
        "seed": settings.seed,
        "num_samples": settings.num_samples,
    }
    rows = len(inputs["prompt"])
    given = {
        key: np.broadcast_to(inputs.get(key, [x]), [rows])
        for key, x in defaults.items()
    }
    most = int(given["num_samples"].max(initial=1))
    answer = _empty(rows, most)
    for row, prompt in enumerate(inputs["prompt"]):
        asked = {key: x[row].item() for key, x in given.items()}
        for sample in range(asked["num_samples"]):
            ids, total, ended = _continued(case, prompt, asked, sample)
            _write(answer, case.text_inputs, row, sample, ids, total, ended)
    return answer


def _continued(
    case: Case, prompt: bytes, asked: dict[str, Any], sample: int
) -> tuple[list[int], float, bool]:
    inputs: Any = case.text_inputs
    start = [inputs.end_id, *inputs.encode([prompt]).numpy()[0].tolist()]
    # LSTMs have no positions: the most tokens of a search.
    positions = inputs.max_length or 1024
    uniforms = tf.random.stateless_uniform(
        [positions - 1], (asked["seed"], sample)
    ).numpy()
    ids: list[int] = []
    total, ended = 0.0, False
    while len(start) + len(ids) < asked["max_length"] and not ended:
        chances = _next(case, [*start, *ids])
        kept = _kept(chances, asked)
        shares = np.where(kept, np.exp(chances / asked["temperature"]), 0.0)
        sums = np.cumsum(shares / shares.sum())
        token = int(np.argmax(sums > uniforms[len(ids)] * sums[-1]))
        ids.append(token)
        total += float(chances[token])
        ended = token == inputs.end_id
    return ids, total, ended


def _kept(chances: np.ndarray, asked: dict[str, Any]) -> np.ndarray:
    """Returns the tokens to draw from: the best k, then the mass p."""
    scaled = chances / asked["temperature"]
    order = np.argsort(-scaled, kind="stable")
    best = order[: asked["top_k"]]
    shares = np.exp(scaled[best])
    shares /= shares.sum()
    before = np.cumsum(shares) - shares
    kept = np.zeros(len(chances), bool)
    kept[best[(before < asked["top_p"]) | (np.arange(len(best)) == 0)]] = True
    return kept


def translate(case: Case, inputs: Arrays) -> Arrays:
    """Returns translations, the best first; settings may be left out."""
    settings: TranslateSettings = case.arguments["writing"]
    rows = len(inputs["text"])
    alphas: Any = inputs.get("length_penalty", [settings.length_penalty])
    lengths: Any = inputs.get("max_length", [settings.max_length])
    alphas, lengths = (np.broadcast_to(x, [rows]) for x in (alphas, lengths))
    answer = _empty(rows, settings.num_returned)
    reading: Any = case.text_inputs
    counts = []
    for row, text in enumerate(inputs["text"]):
        pieces = reading.encode([text]).numpy()[0].tolist()
        counts.append(len(pieces) + 1)
        if not pieces:
            continue
        source = [*pieces[: reading.max_length - 1], reading.end_id]
        found = beam_search(
            functools.partial(_next_of, case, source),
            reading.vocabulary_size,
            int(lengths[row]) - 1,
            reading.end_id,
            settings.width,
            float(alphas[row]),
            "gnmt",
            "tensor2tensor",
            "never",
        )
        for place, (score, ids) in enumerate(found[: settings.num_returned]):
            ended = ids[-1] == reading.end_id
            _write(answer, reading, row, place, ids, score, ended)
    answer["truncated"] = np.array(counts) > reading.max_length
    return answer


def align(case: Case, inputs: Arrays) -> Arrays:
    """Returns tokens and the cross-attention, means over the heads."""
    reading: Any = case.text_inputs
    source, target = reading(inputs["text"]), reading(inputs["translation"])
    ids = target["token_ids"].numpy()
    start = np.full((len(ids), 1), reading.begin_id, ids.dtype)
    mask = target["padding_mask"].numpy()
    model = models.cross_attention_scores(case.model)
    found = model(
        {
            **{key: x.numpy() for key, x in source.items()},
            "decoder_token_ids": np.concatenate([start, ids[:, :-1]], 1),
            "decoder_padding_mask": mask,
        }
    )["cross_attention_scores"]
    weights = np.stack([np.asarray(x).mean(axis=1) for x in found], axis=1)
    return {
        "source_tokens": reading.tokens(inputs["text"]).numpy(),
        "target_tokens": reading.tokens(inputs["translation"]).numpy(),
        "weights": weights * mask[:, None, :, None],
    }


def _empty(rows: int, most: int) -> Arrays:
    return {
        "texts": np.full((rows, most), b"", object),
        "scores": np.zeros((rows, most), np.float32),
        "num_tokens": np.zeros((rows, most), np.int32),
        "stopped": np.full((rows, most), b"", object),
    }


def _write(
    answer: Arrays,
    text_inputs: Any,
    row: int,
    place: int,
    ids: list[int],
    score: float,
    ended: bool,
) -> None:
    real = [x for x in ids if x != text_inputs.end_id]
    text = text_inputs.decode(tf.constant([real], tf.int32)).numpy()[0]
    answer["texts"][row, place] = text
    answer["scores"][row, place] = score
    answer["num_tokens"][row, place] = len(ids)
    answer["stopped"][row, place] = b"end" if ended else b"length"


def _next(case: Case, ids: list[int]) -> np.ndarray:
    mask = np.ones((1, len(ids)), bool)
    return _last(case, {"token_ids": np.array([ids]), "padding_mask": mask})


def _next_of(case: Case, source: list[int], ids: list[int]) -> np.ndarray:
    begin: Any = case.text_inputs
    ids = [begin.begin_id, *ids]
    return _last(
        case,
        {
            "token_ids": np.array([source]),
            "padding_mask": np.ones((1, len(source)), bool),
            "decoder_token_ids": np.array([ids]),
            "decoder_padding_mask": np.ones((1, len(ids)), bool),
        },
    )


def _last(case: Case, features: dict[str, Any]) -> np.ndarray:
    """Returns the log probabilities of the token after the last."""
    found = compiled(case)(features)[0, -1].numpy().astype("float64")
    return found - np.log(np.exp(found - found.max()).sum()) - found.max()


@functools.cache
def _compiled(model: Any) -> Any:
    specs = {k: tf.TensorSpec(x.shape, x.dtype) for k, x in model.input.items()}
    return tf.function(
        lambda x: model(x, training=False)["next_token"],
        input_signature=[specs],
    )


def compiled(case: Case) -> Any:
    """Returns a function of features that is quicker than the model."""
    run = _compiled(case.model)
    return lambda features: run(
        {
            key: tf.cast(features[key], x.dtype)
            for key, x in case.model.input.items()
        }
    )
