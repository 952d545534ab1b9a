"""The rate and the first step of each layer, by hand."""

import keras
import pytest

from keras_ctx import models
from keras_ctx.training import layer_rates


def bert(**kwargs) -> keras.Model:
    return models.bert_encoder(9, 3, 2, 4, 8, 6, **kwargs)


def elmo() -> keras.Model:
    return models.elmo_encoder([(1, 4)], 5, 3, max_characters=5)


def by_layer(rates: dict) -> dict:
    """Returns the rate of each layer, equal for all its variables."""
    found: dict[str, set] = {}
    for path, rate in rates.items():
        name, inner = path.split("/")[:2]
        name = f"{name}/{inner}" if name == "bilm" else name
        found.setdefault(name, set()).add(rate)
    assert all(len(rates) == 1 for rates in found.values())
    return {name: rates.pop() for name, rates in found.items()}


def test_bert_from_the_head_down() -> None:
    model = models.classifier(bert(norm_first=True), 2)
    rates = layer_rates(model, decay=0.5, unfreeze_every=10)
    assert list(rates) == [x.path for x in model.trainable_variables]
    assert by_layer(rates) == {
        **{"logits": (1, 0), "pooler": (1, 0)},
        **{"final_norm": (0.5, 10), "block_2": (0.5, 10)},
        **{"block_1": (0.25, 20), "block_0": (0.125, 30)},
        "embeddings": (0.0625, 40),
    }


def test_elmo_from_the_head_down() -> None:
    model = models.tagger(elmo(), 2, "scalar_mix", crf=True)
    rates = layer_rates(model, decay=0.1, unfreeze_every=7)
    assert by_layer(rates) == {
        **{name: (1, 0) for name in ("scalar_mix", "mix_norm", "logits")},
        **{"crf": (1, 0), "bilm/forward_1": (0.1, 7)},
        **{"bilm/backward_1": (0.1, 7), "bilm/forward_0": (0.1**2, 14)},
        **{"bilm/backward_0": (0.1**2, 14), "char_cnn": (0.1**3, 21)},
    }


def test_table_of_words_is_the_lowest() -> None:
    encoder = models.elmo_word_encoder(8, 4, 3, num_layers=1)
    rates = by_layer(layer_rates(models.tagger(encoder, 2), decay=0.5))
    assert rates["word_embedding"] == (0.25, 0)
    assert rates["bilm/backward_0"] == (0.5, 0)


def test_pretrainer_holds_the_layers_itself() -> None:
    rates = by_layer(layer_rates(models.bert_pretrainer(bert()), decay=0.5))
    assert rates["masked_lm_dense"] == rates["next_sentence"] == (1, 0)
    assert rates["block_2"] == (0.5, 0)
    assert rates["embeddings"] == (0.0625, 0)


def test_frozen_encoder_has_no_rates() -> None:
    model = models.tagger(bert(), 2, frozen=True)
    expected = {"logits/kernel": (1, 0), "logits/bias": (1, 0)}
    assert layer_rates(model, decay=0.5, unfreeze_every=1) == expected


def two_encoders() -> keras.Model:
    first, second = bert(name="first"), elmo()
    inputs = {**first.input, **second.input}
    inputs = {
        key: keras.Input(x.shape[1:], dtype=x.dtype, name=key)
        for key, x in inputs.items()
    }
    vectors = [
        encoder({key: inputs[key] for key in encoder.input})["pooled"]
        for encoder in (first, second)
    ]
    return keras.Model(inputs, keras.ops.concatenate(vectors, axis=-1))


def test_one_encoder_of_two() -> None:
    rates = by_layer(
        layer_rates(two_encoders(), decay=0.5, encoder_name="first")
    )
    assert rates["block_0"] == (0.125, 0)
    assert rates["char_cnn"] == rates["bilm/forward_0"] == (1, 0)


ERRORS = [
    (bert, {"decay": 0.0}, "`decay` must be above 0 .*decay=0.0"),
    (bert, {"decay": 1.5}, "`decay` must be above 0 .*decay=1.5"),
    (bert, {"unfreeze_every": 0}, "`unfreeze_every` must be .*_every=0"),
    (bert, {"encoder_name": "x"}, "`encoder_name` must be .*'x', models"),
    (two_encoders, {}, r"`encoder_name` .*None, models \['first', 'elmo_enc"),
    (
        lambda: keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
        {},
        "`model` must be a task model .*layers",
    ),
]


@pytest.mark.parametrize(("model", "arguments", "message"), ERRORS)
def test_error(model, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer_rates(model(), **arguments)
