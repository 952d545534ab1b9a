"""ELMo's language model: its targets and their contexts."""

import keras
import numpy as np
import pytest

from keras_ctx import models

V, T, P, LENGTHS = 11, 4, 3, (4, 2, 0)


def encoder() -> keras.Model:
    return models.elmo_encoder(
        [(1, 4), (2, 5)], 6, P, max_characters=5, dropout=0.0
    )


def inputs() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(2)
    real = np.arange(T) < np.array(LENGTHS)[:, None]
    char_ids = generator.integers(1, 257, (3, T, 5)) * real[..., None]
    targets = generator.integers(0, V, (2, 3, T + 1))
    return {
        "char_ids": char_ids.astype("int32"),
        "forward_targets": targets[0].astype("int32"),
        "backward_targets": targets[1].astype("int32"),
    }


def language_model(of: keras.Model, **arguments) -> keras.Model:
    model = models.elmo_language_model(of, V, **{"dropout": 0.0, **arguments})
    kernel, bias = model.get_layer("softmax").get_weights()
    bias = np.random.default_rng(3).normal(size=bias.shape)
    model.get_layer("softmax").set_weights([3 * kernel, bias])
    for cell in (
        *of.get_layer("bilm").forward_cells,
        *of.get_layer("bilm").backward_cells,
    ):
        cell.set_weights([4 * w for w in cell.get_weights()])
    return model


def run(model: keras.Model, features: dict, **call) -> dict[str, np.ndarray]:
    return {k: np.asarray(v) for k, v in model(features, **call).items()}


def test_log_likelihoods_by_hand() -> None:
    elmo, features = encoder(), inputs()
    model = language_model(elmo)
    found = run(model, features)
    kernel, bias = model.get_layer("softmax").get_weights()
    # Rows of begin marker, words, end marker.
    read = keras.Model(elmo.input, elmo.get_layer("bilm").output[-1])
    vectors = np.asarray(read({"char_ids": features["char_ids"]}))
    for row, n in enumerate(LENGTHS):
        for i in range(n + 1):
            for direction, vector in (
                ("forward", vectors[row, i, :P]),
                ("backward", vectors[row, i + 1, P:]),
            ):
                scores = kernel @ vector + bias
                target = features[f"{direction}_targets"][row, i]
                expected = np.log(np.exp(scores).sum()) - scores[target]
                np.testing.assert_allclose(
                    found[direction][row, i], expected, rtol=0, atol=1e-5
                )


@pytest.mark.parametrize("changed", range(T))
def test_no_prediction_sees_its_word(changed: int) -> None:
    """No prediction depends on its own word.

    Forward prediction i, of word i, depends on the words before i (0: only the
    begin marker; T, of the end marker: all). Backward prediction i, of word
    i - 1, depends on words i, i + 1 ... (T: only the end marker; 0, of the
    begin marker: all)."""
    features = inputs()
    model = language_model(encoder())
    before = run(model, features)
    features["char_ids"][0, changed] = [7, 99, 5, 180, 33]
    after = run(model, features)
    differs = {k: np.abs(after[k] - before[k])[0] > 1e-6 for k in before}
    index = np.arange(T + 1)
    assert differs["forward"].tolist() == (index > changed).tolist()
    assert differs["backward"].tolist() == (index <= changed).tolist()


def test_negatives_are_read_from_the_first_row_for_each_direction() -> None:
    model = language_model(encoder(), num_negatives=3)
    features = inputs()
    features["negative_ids"] = np.tile(
        np.array([[0, 3, 5], [1, 2, 9]], "int32"), (3, 1, 1)
    )
    before = run(model, features, training=True)
    full = run(model, features)
    features["negative_ids"][0, 1] = [4, 6, 10]
    features["negative_ids"][1:] = 8
    after = run(model, features, training=True)
    np.testing.assert_array_equal(after["forward"], before["forward"])
    assert np.abs(after["backward"] - before["backward"]).min() > 1e-4
    # Evaluation does not read them.
    np.testing.assert_array_equal(
        run(model, features)["backward"], full["backward"]
    )
    assert np.abs(full["forward"] - before["forward"]).max() > 0.1


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("`vocabulary_size` must be .*=0", {"vocabulary_size": 0}),
        ("`num_negatives` must be .*=11, voc", {"num_negatives": 11}),
        ("`num_negatives` must be .*=0, voc", {"num_negatives": 0}),
        ("`dropout` must be a rate .* dropout=-0.1", {"dropout": -0.1}),
    ],
)
def test_error_of_language_model(message: str, arguments: dict) -> None:
    with pytest.raises(ValueError, match=message):
        models.elmo_language_model(
            encoder(), **{"vocabulary_size": V, **arguments}
        )
