"""Frozen encoders, and tables that two parts of a model share."""

from typing import Any

import keras
import numpy as np
import pytest
from answer_saved_models import flat
from keras import ops
from model_cases import CASES, ModelCase
from random_weights import randomized
from test_model_laws import arrays

from keras_ctx import models

NAMES = (
    *("bert_encoder", "elmo_encoder", "gpt_encoder", "transformer_encoder"),
    *("awd_lstm_encoder", "mt_lstm_encoder", "recurrent_encoder"),
)
ENCODERS = [x for x in CASES if x.name in NAMES]


@pytest.mark.parametrize("case", ENCODERS, ids=lambda c: c.name)
def test_frozen_encoder(case: ModelCase) -> None:
    encoder = case.create()
    frozen = models.tagger(encoder, 3, frozen=True, dropout=0.0)
    randomized(frozen)  # untrained, some vectors hardly differ from zero
    assert [w.path.split("/")[-2:] for w in frozen.trainable_weights] == [
        ["logits", "kernel"],
        ["logits", "bias"],
    ]
    assert not encoder.trainable_weights

    def answer(training: bool) -> Any:
        logits = frozen(arrays(case), training=training)["logits"]
        return ops.convert_to_numpy(logits)

    np.testing.assert_array_equal(answer(True), answer(False))
    # Checks that there is dropout to be turned off.
    free = models.tagger(case.create(), 3, dropout=0.0)
    free.set_weights(frozen.get_weights())
    noisy = free(arrays(case), training=True)["logits"]
    assert np.abs(ops.convert_to_numpy(noisy) - answer(False)).max() > 1e-4


def test_tie_of_the_masked_language_model(tmp_path) -> None:
    model = randomized(models.bert_pretrainer(CASES[0].create()))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    # One variable: a table of 13 x 8 more would be counted here.
    assert loaded.count_params() == model.count_params()
    tables = [w for w in loaded.weights if tuple(w.shape) == (13, 8)]
    assert len(tables) == 1
    case = next(c for c in CASES if c.name == "bert_pretrainer")
    inputs = arrays(case)
    inputs["token_ids"] = np.minimum(inputs["token_ids"], 11)
    before = flat(loaded(inputs))["masked_lm"]
    table = ops.convert_to_numpy(tables[0].value).copy()
    table[12] += 1.0  # a word of no text: only the output reads it
    tables[0].assign(table)
    after = flat(loaded(inputs))["masked_lm"]
    np.testing.assert_array_equal(before[..., :12], after[..., :12])
    assert np.abs(before[..., 12] - after[..., 12]).max() > 0.1
