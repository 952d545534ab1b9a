"""The searches of transformers that are stored beside tiny models."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.convert import load_gpt, load_marian, marian_ids
from keras_ctx.generation import BeamSearch, Generator
from keras_ctx.generation.sampling import filtered

MOST = 12  # new tokens


def assert_stored_searches(folder: Path) -> None:
    """Compares greedy search, all beams and all filters with the stored."""
    rows = json.loads((folder / "expected.json").read_text())["rows"]
    translates = folder.name == "marian"
    if translates:
        model = load_marian(folder)
        options: Any = {"start_id": marian_ids(folder)["start_id"]}
    else:
        model = models.causal_language_model(load_gpt(folder))
        options = {}
    for row in rows:
        ids = np.array([row["input"]])
        features = {"token_ids": ids, "padding_mask": ids >= 0}
        length = MOST + (1 if translates else ids.shape[1])

        def found(search, count, length=length, features=features):
            texts = Generator(
                *(model, length, search, [0]), num_returned=count, **options
            )(features)
            return [
                (texts.token_ids[0, i, : texts.lengths[0, i]].tolist(), score)
                for i, score in enumerate(texts.scores[0])
            ]

        _assert_same(found(None, 1), [row["greedy"]])
        for key, expected in row["beam4"].items():
            alpha = float(key.split()[1].rstrip(","))
            stopping = "never" if "never" in key else False
            rules = BeamSearch(4, alpha, "power", "huggingface", stopping)
            _assert_same(found(rules, 4), expected)
        _assert_filters(row["first_step"])


def _assert_same(found: list, expected: list) -> None:
    assert [ids for ids, _ in found] == [x["ids"] for x in expected]
    np.testing.assert_allclose(
        [score for _, score in found],
        [x["score"] for x in expected],
        rtol=0,
        atol=1e-5,
    )


def _assert_filters(stored: dict) -> None:
    logits = keras.ops.convert_to_tensor([stored["logits"]])
    for key, expected in stored.items():
        if key == "logits":
            continue
        values = dict(part.split() for part in key.split(", "))
        left = filtered(
            logits,
            float(values.get("temperature", 1)),
            int(values["top_k"]) if "top_k" in values else None,
            float(values["top_p"]) if "top_p" in values else None,
        )
        shares = np.asarray(keras.ops.softmax(left))[0]
        kept = {str(i) for i in np.flatnonzero(shares)}
        assert kept == set(expected)
        for i, share in expected.items():
            assert abs(shares[int(i)] - share) < 1e-5
