"""AWD-LSTM: its layers, its language model and its stream, beside NumPy."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized
from parity.recurrent_numpy import Arrays, awd_lstm, random_awd_lstm

from keras_ctx import layers, models
from keras_ctx.training import causal_losses, layer_rates

V, E, H = 13, 6, 8
ARRAYS = random_awd_lstm(V, E, (H, H, E))
LENGTHS = (7, 3, 1)
GENERATOR = np.random.default_rng(4)
IDS = GENERATOR.integers(0, V, (3, 7)).astype("int32")
MASK = np.arange(7) < np.array(LENGTHS)[:, None]
FEATURES = {"token_ids": IDS, "padding_mask": MASK}
ALL = {"token_ids": IDS, "padding_mask": np.ones_like(MASK)}


def with_arrays(model: keras.Model, arrays: Arrays) -> keras.Model:
    """Returns an AWD-LSTM with the weights of the arrays."""
    model.get_layer("embeddings").set_weights([arrays["encoder.weight"]])
    for k in range(3):
        name = f"rnns.{k}.module."
        model.get_layer(f"lstm_{k}").set_weights(
            [
                arrays[f"{name}weight_ih_l0"].T,
                arrays[f"{name}weight_hh_l0_raw"].T,
                arrays[f"{name}bias_ih_l0"] + arrays[f"{name}bias_hh_l0"],
            ]
        )
    return model


def encoder(**arguments: Any) -> keras.Model:
    return with_arrays(models.awd_lstm_encoder(V, E, H, **arguments), ARRAYS)


def language_model(**arguments: Any) -> keras.Model:
    rates = {"input_dropout": 0.0, "hidden_dropout": 0.0}
    rates |= {"weight_dropout": 0.0, "word_dropout": 0.0}
    model = models.awd_lstm_language_model(encoder(**rates), **arguments)
    model.get_layer("output_bias").set_weights([ARRAYS["decoder.bias"]])
    return model


def close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_layers_are_those_of_numpy() -> None:
    outputs = encoder()(FEATURES)
    for row, length in enumerate(LENGTHS):
        expected, _ = awd_lstm(ARRAYS, IDS[row, :length])
        for ours, theirs in zip(outputs["layers"], expected, strict=True):
            ours, width = ours[row, :length], theirs.shape[-1]
            close(ours[:, :width], theirs)
            # All have the width of the widest.
            assert ours.shape[-1] == H and not np.any(ours[:, width:])
        close(outputs["sequence"][row, :length], expected[-1])
        close(outputs["pooled"][row], expected[-1][-1])
    assert outputs["sequence"].shape == (3, 7, E)


def test_logits_are_those_of_numpy() -> None:
    logits = language_model()(FEATURES)["next_token"]
    for row, length in enumerate(LENGTHS):
        vectors = awd_lstm(ARRAYS, IDS[row, :length])[0][-1]
        expected = vectors @ ARRAYS["decoder.weight"].T
        close(logits[row, :length], expected + ARRAYS["decoder.bias"])


@pytest.mark.parametrize("places", [[4, 5, 6], [0, 1, 2], [1, 3, 4]])
def test_padding_anywhere_changes_nothing(places: list[int]) -> None:
    model = encoder()
    alone = {key: x[1:2, :3] for key, x in FEATURES.items()}
    wide = {"token_ids": np.full((1, 7), 5), "padding_mask": np.zeros((1, 7))}
    wide["token_ids"][:, places] = alone["token_ids"]
    wide["padding_mask"][:, places] = 1
    found, expected = model(wide), model(alone)
    sequence = np.asarray(found["sequence"])
    close(sequence[:, places], expected["sequence"])
    assert not np.delete(sequence, places, axis=1).any()
    close(found["pooled"], expected["pooled"])
    close(model(FEATURES)["sequence"][1:2, :3], expected["sequence"])


def test_state_never_leaks_from_call_to_call() -> None:
    model = language_model()
    first = model(FEATURES)["next_token"]
    stream = models.awd_lstm_stream_model(model, 3)
    stream(ALL)
    model(ALL)
    np.testing.assert_array_equal(model(FEATURES)["next_token"], first)


@pytest.mark.quick("True")
@pytest.mark.parametrize("jit", [False, True])
def test_stream_goes_on_and_resets(jit: bool) -> None:
    model = language_model()
    stream = models.awd_lstm_stream_model(model, 4)
    run = tf.function(stream, jit_compile=jit)
    windows = [
        {key: tf.constant(x[:, part]) for key, x in ALL.items()}
        for part in (slice(0, 4), slice(4, 7))
    ]
    expected = model(ALL)["next_token"]
    for _ in range(2):
        found = [run(window)["next_token"] for window in windows]
        close(np.concatenate(found, axis=1), expected)
        for k in range(3):
            lstm = stream.get_layer(f"stream_lstm_{k}")
            last = awd_lstm(ARRAYS, IDS[1])[1][k]
            for state, wanted in zip(lstm.states, last, strict=True):
                close(state[1], wanted)
            lstm.reset_state()


@pytest.mark.slow
def test_training_the_stream_trains_the_encoder() -> None:
    model = language_model()
    stream = models.awd_lstm_stream_model(model, 3)
    paths = [x.path for x in model.trainable_weights]
    assert sorted(x.path for x in stream.trainable_weights) == sorted(paths)
    before = [np.array(x) for x in model.trainable_weights]
    stream.compile("sgd", causal_losses(), jit_compile=False)
    stream.train_on_batch(ALL, {"next_token": IDS})
    for old, new in zip(before, model.trainable_weights, strict=True):
        assert (old != np.array(new)).any(), new.path


def test_penalties_are_in_the_loss_of_training_alone() -> None:
    model = language_model(output_dropout=0.0)
    vectors = [
        awd_lstm(ARRAYS, IDS[k, :n])[0][-1] for k, n in enumerate(LENGTHS)
    ]
    logits = [
        x @ ARRAYS["decoder.weight"].T + ARRAYS["decoder.bias"] for x in vectors
    ]
    nats = 0.0
    for row, x in enumerate(logits):
        log_sum = np.log(np.exp(x).sum(axis=1))
        nats += (log_sum - x[np.arange(len(x)), IDS[row, : len(x)]]).sum()
    squares = np.concatenate([x**2 for x in vectors])
    changes = np.concatenate([np.diff(x, axis=0) ** 2 for x in vectors])
    penalty = 2 * squares.mean() + changes.mean()
    assert squares.shape == (11, E) and changes.shape == (8, E)
    model.compile(
        keras.optimizers.SGD(0.0),
        causal_losses(),
        weighted_metrics={
            "next_token": keras.metrics.SparseCategoricalCrossentropy(
                from_logits=True, name="nats"
            )
        },
    )
    targets = ({"next_token": IDS}, {"next_token": MASK.astype("float32")})
    for _ in range(2):  # the penalty of a step is not added to the next
        found = model.train_on_batch(FEATURES, *targets, return_dict=True)
        np.testing.assert_allclose(found["loss"], nats + penalty, rtol=1e-5)
        np.testing.assert_allclose(found["nats"], nats / 11, rtol=1e-5)
        model.reset_metrics()
    found = model.evaluate(
        FEATURES,
        targets[0],
        sample_weight=targets[1],
        verbose=0,
        return_dict=True,
    )
    np.testing.assert_allclose(found["loss"], nats, rtol=1e-5)


def test_dropouts_stand_where_the_paper_has_them() -> None:
    model = models.awd_lstm_language_model(
        models.awd_lstm_encoder(V, E, H, 3, 0.4, 0.3, 0.5, 0.05), 0.2
    )
    rates = {
        x.name: x.rate
        for x in model.layers
        if isinstance(x, layers.LockedDropout)
    }
    assert rates == {
        "dropout_0": 0.4,
        "dropout_1": 0.3,
        "dropout_2": 0.3,
        "output_dropout": 0.2,
    }
    assert model.get_layer("embeddings").word_dropout == 0.05
    assert [model.get_layer(f"lstm_{k}").weight_dropout for k in range(3)] == [
        0.5
    ] * 3
    # The last layer itself is not dropped: heads read it whole.
    read = encoder(
        input_dropout=0.0,
        weight_dropout=0.0,
        hidden_dropout=0.0,
        word_dropout=0.0,
    )
    np.testing.assert_array_equal(
        read(FEATURES, training=True)["sequence"], read(FEATURES)["sequence"]
    )


def test_heads_learn_from_a_loaded_encoder(tmp_path: Path) -> None:
    model = randomized(models.classifier(encoder(), 3, mix="scalar_mix"))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded(FEATURES)["logits"], model(FEATURES)["logits"]
    )
    inside = models.encoder_of(loaded)
    assert models.family_of(inside).name == "awd_lstm"
    assert inside(FEATURES)["pooled"].shape == (3, E)
    rates = layer_rates(models.classifier(encoder(), 3), decay=0.5)
    assert {path: rate for path, (rate, _) in rates.items()} == {
        "logits/kernel": 1.0,
        "logits/bias": 1.0,
        **{
            f"lstm_{k}/{name}": 0.5 ** (3 - k)
            for k in range(3)
            for name in ("kernel", "recurrent_kernel", "bias")
        },
        "embeddings/token_embedding/embeddings": 0.0625,
    }


def test_classifier_with_the_loss_of_the_next_token() -> None:
    model = models.classifier(encoder(), 3, language_model=True)
    found = model(FEATURES)["next_token"]
    vectors = awd_lstm(ARRAYS, IDS[0])[0][-1]
    close(found[0], vectors @ ARRAYS["encoder.weight"].T)


def test_published_size() -> None:
    with keras.StatelessScope(initialize_variables=False):
        model = models.awd_lstm_language_model(models.awd_lstm_encoder(60_000))
    lstms = 4 * 1152 * (400 + 1152 + 1) + 4 * 1152 * (2 * 1152 + 1)
    lstms += 4 * 400 * (1152 + 400 + 1)
    assert model.count_params() == 60_000 * 401 + lstms


def test_errors() -> None:
    with pytest.raises(ValueError, match="`num_layers` must be at least 1"):
        models.awd_lstm_encoder(V, num_layers=0)
    untied = models.awd_lstm_encoder(V, E, H, tied=False)
    with pytest.raises(ValueError, match="`tied` needs .* 8 and 6 features"):
        models.awd_lstm_language_model(untied)
    with pytest.raises(ValueError, match="must have 6 features"):
        models.causal_language_model(untied)
    gpt = models.gpt_encoder(V, 1, 2, 8, 8, 8)
    with pytest.raises(ValueError, match="`encoder` must be a model of `awd_l"):
        models.awd_lstm_language_model(gpt)
    model = models.causal_language_model(encoder())
    with pytest.raises(ValueError, match="`language_model` must be one of `aw"):
        models.awd_lstm_stream_model(model, 2)
    with pytest.raises(ValueError, match="`encoder` must be"):
        models.warm_start(encoder(), [FEATURES, FEATURES])
