"""Schedules one after another, and the stages of gradual unfreezing."""

import json
from typing import Any

import keras
import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.training import (
    SlantedTriangular,
    Stages,
    layer_rates,
    ulmfit_stages,
)


def clr(step: int, steps: int, cut: float) -> float:
    """The formula of section 3.2, with ratio 8."""
    top = int(steps * cut)
    if step < top:
        share = step / top
    else:
        share = 1 - (step - top) / (top * (1 / cut - 1))
    return (1 + max(share, 0) * 7) / 8


def test_rates_of_ulmfits_scripts() -> None:
    rate = ulmfit_stages(0.01, [9, 12, 40])
    expected = [
        *(clr(k, 9, 1 / 3) for k in range(9)),
        *(clr(k, 12, 1 / 3) for k in range(12)),
        *(clr(k, 40, 1 / 8) for k in range(41)),
    ]
    assert max(expected) == 1 and expected[3] == expected[21 + 5] == 1
    found = [float(rate(step)) for step in range(62)]
    np.testing.assert_allclose(found, 0.01 * np.array(expected), rtol=1e-5)
    schedules = keras.optimizers.schedules
    config = json.loads(json.dumps(schedules.serialize(rate)))
    again = schedules.deserialize(config)
    assert isinstance(again, Stages)
    assert [float(again(step)) for step in range(62)] == found


def test_refusals() -> None:
    one = SlantedTriangular(1.0, 10)
    with pytest.raises(ValueError, match="a number for each schedule but the"):
        Stages([one], [3])
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        Stages([one, one], [0])


def bert() -> keras.Model:
    return models.classifier(models.bert_encoder(9, 3, 2, 4, 8, 6), 2)


def by_layer(rates: dict) -> dict:
    return {path.split("/")[0]: rate for path, rate in rates.items()}


def test_the_last_stage_unfreezes_the_rest() -> None:
    rates = by_layer(layer_rates(bert(), 0.5, unfreeze_every=10, stages=3))
    assert rates == {
        **{"logits": (1, 0), "pooler": (1, 0), "block_2": (0.5, 10)},
        **{"block_1": (0.25, 20), "block_0": (0.125, 20)},
        "embeddings": (0.0625, 20),
    }
    one = layer_rates(bert(), 0.5, unfreeze_every=10, stages=1)
    assert {first for _, first in one.values()} == {0}


def test_factors_of_a_language_model() -> None:
    model = models.awd_lstm_language_model(models.awd_lstm_encoder(9, 4, 6))
    factors = (1 / 2, 1 / 6, 1 / 3, 1, 1 / 2)
    rates = by_layer(layer_rates(model, factors=factors))
    assert rates == {
        **{"embeddings": (1 / 2, 0), "lstm_0": (1 / 6, 0)},
        **{"lstm_1": (1 / 3, 0), "lstm_2": (1, 0), "output_bias": (1 / 2, 0)},
    }
    wrongs: list[dict[str, Any]] = [
        {"factors": factors[1:]},
        {"factors": factors, "decay": 0.5},
    ]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="`factors` must hold 5 numbers"):
            layer_rates(model, **wrong)
