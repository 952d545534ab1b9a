"""A loaded encoder in another dtype."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models

HEAD = ("logits/kernel", "logits/bias")
IDS = np.array([[2, 7, 3, 0], [5, 0, 0, 0]], "int32")


def bert(**kwargs) -> tuple[keras.Model, dict]:
    features = {
        "token_ids": IDS,
        "segment_ids": 0 * IDS,
        "padding_mask": IDS > 0,
    }
    return models.bert_encoder(9, 2, 2, 6, 8, 8, **kwargs), features


def elmo(**kwargs) -> tuple[keras.Model, dict]:
    ids = np.random.default_rng(1).integers(1, 257, (2, 4, 5)).astype("int32")
    encoder = models.elmo_encoder([(1, 4)], 5, 3, max_characters=5, **kwargs)
    return encoder, {"char_ids": ids * (IDS > 0)[..., None]}


FAMILIES = {
    "bert": bert,
    "bert, norm first": lambda: bert(norm_first=True),
    "elmo": elmo,
    "elmo, stateful": lambda: elmo(stateful=True, max_batch_size=2),
}


def numbers(outputs: dict) -> list[np.ndarray]:
    return [
        np.asarray(keras.ops.cast(x, "float32"))
        for x in keras.tree.flatten(outputs)
    ]


@pytest.mark.quick("elmo", "bert")
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_it_is_the_encoder_made_under_that_policy(
    family, tmp_path: Path
) -> None:
    encoder, features = family()
    randomized(encoder).save(tmp_path / "encoder.keras")
    encoder = keras.saving.load_model(tmp_path / "encoder.keras")
    weights = encoder.get_weights()
    half = models.with_dtype(encoder, "mixed_bfloat16")
    assert {w.dtype for w in half.weights} == {"float32"}
    assert half.name == encoder.name
    assert [w.path for w in half.weights] == [w.path for w in encoder.weights]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made, _ = family()
    finally:
        keras.config.set_dtype_policy(before)
    made.set_weights(weights)
    found, expected = half(features), made(features)
    assert found["sequence"].dtype == "bfloat16"
    for one, other in zip(numbers(found), numbers(expected), strict=True):
        np.testing.assert_array_equal(one, other)
    # Close to before: bfloat16 has 8 bits, and values are up to about 3.
    exact = encoder(features)
    for one, other in zip(numbers(found), numbers(exact), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=0.1)
    difference = numbers(found["sequence"])[0] - numbers(exact["sequence"])[0]
    assert np.abs(difference).max() > 1e-4


@pytest.mark.quick("elmo, stateful", "bert")
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_file_and_way_back(family, tmp_path: Path) -> None:
    encoder, features = family()
    half = models.with_dtype(encoder, "mixed_bfloat16")
    half.save(tmp_path / "half.keras")
    loaded = keras.saving.load_model(tmp_path / "half.keras")
    assert loaded.output["sequence"].dtype == "bfloat16"
    back = models.with_dtype(loaded, "float32")
    found, expected = numbers(back(features)), numbers(encoder(features))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_it_trains_under_a_head_and_the_first_one_stays() -> None:
    encoder, features = bert()
    first = encoder.get_weights()
    half = models.with_dtype(encoder, "mixed_bfloat16")
    model = models.classifier(half, 2)
    assert model.output["logits"].dtype == "float32"
    model.compile(
        "adam",
        {"logits": keras.losses.SparseCategoricalCrossentropy(True)},
        jit_compile=False,
    )
    labels = {"logits": np.array([0, 1])}
    model.fit(features, labels, epochs=2, verbose=0)
    for old, new in zip(first, encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    table = half.get_layer("embeddings").get_weights()[0]
    assert np.abs(table - first[0]).max() > 1e-4


@pytest.mark.quick("bert")
@pytest.mark.parametrize("family", ["bert", "elmo"])
def test_a_head_keeps_its_policy(family: str, tmp_path: Path) -> None:
    encoder, features = FAMILIES[family]()
    model = randomized(models.classifier(encoder, 2))
    half = models.with_dtype(model, "bfloat16")
    dtypes = {w.path: w.dtype for w in half.weights}
    of_head = {path: dtypes.pop(path) for path in HEAD}
    assert set(of_head.values()) == {"float32"}
    assert set(dtypes.values()) == {"bfloat16"}
    found = half(features)["logits"]
    assert found.dtype == "float32"
    # By hand: the encoder in bfloat16 below the same head in float32.
    inside = models.classifier(
        models.with_dtype(models.encoder_of(model), "bfloat16"), 2
    )
    inside.get_layer("logits").set_weights(
        model.get_layer("logits").get_weights()
    )
    np.testing.assert_array_equal(found, inside(features)["logits"])
    np.testing.assert_allclose(
        found, model(features)["logits"], rtol=0, atol=0.1
    )
    half.save(tmp_path / "half.keras")
    loaded = keras.saving.load_model(tmp_path / "half.keras")
    np.testing.assert_array_equal(loaded(features)["logits"], found)


def test_unknown_policy() -> None:
    with pytest.raises(ValueError, match="bfloat17"):
        models.with_dtype(bert()[0], "bfloat17")


WRONG = ["int8", "float8_e4m3fn", "int32", "string", "complex64", "half", None]


@pytest.mark.parametrize("dtype", WRONG)
def test_policies_of_no_floats_are_refused(dtype) -> None:
    with pytest.raises(ValueError, match="`dtype` must be one of 'float32'"):
        models.with_dtype(bert()[0], dtype)


def test_what_has_no_policy_is_refused() -> None:
    with pytest.raises(TypeError, match="`model` must be a `keras.Model`"):
        models.with_dtype("bert", "bfloat16")
    encoder, _ = bert()
    encoder.get_layer("pooler").quantize("int8")
    with pytest.raises(ValueError, match="`model` must not be quantized"):
        models.with_dtype(encoder, "bfloat16")
