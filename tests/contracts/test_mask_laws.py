"""How every layer uses a mask: its own argument, or Keras's."""

import keras
import numpy as np
import pytest
from backends import compiled
from carried_masks import carried, carry
from keras import ops
from layer_calls import arrays, built, call, numpy
from layer_cases import CASES, LENGTHS, B, Case, T
from model_cases import INPUTS, bert, elmo, elmo_words
from random_weights import randomized

from keras_ctx import layers, models

MASKED = [case for case in CASES if "padding_mask" in case.arguments]
# Its mask covers the words, Keras's also the markers.
ANY = [case for case in MASKED if case.name != "StripSentenceMarkers"]
OTHERS = [  # also on vectors of tokens
    case
    for case in CASES
    if "padding_mask" not in case.arguments
    and next(iter(case.flat_arguments.values())).axes == "BTD"
    and "RNN" not in case.name
]
PADDING_IN_FRONT = np.arange(T)[None, ::-1] < np.array(LENGTHS)[:, None]
HOLES = np.array([[1, 0, 1, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 0, 0]], bool)


def subjects(cases: list[Case], law: str = "") -> pytest.MarkDecorator:
    chosen = [case for case in cases if law not in case.exempt]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)


def with_keras_mask(case: Case, mask, **explicit) -> dict:
    """Returns arguments of a call, the first with a mask."""
    arguments = case.nested(arrays(case))
    del arguments["padding_mask"]
    first = next(iter(arguments))
    arguments[first] = carry(arguments[first], mask)
    return {**arguments, **explicit, **case.call}


def answer(layer: keras.layers.Layer, arguments: dict) -> list:
    """Returns outputs, always from the same state if there is one."""
    before = layer.get_weights()
    outputs = keras.tree.flatten(layer(**arguments))
    layer.set_weights(before)
    return outputs


@pytest.mark.quick("[!B]*", "BiLM")
@subjects(ANY)
def test_keras_mask_is_the_default_and_an_explicit_one_wins(case) -> None:
    layer = built(case)
    # Not the mask of the cases, which a layer may match by chance.
    explicit = {**arrays(case), "padding_mask": HOLES}
    expected = numpy(answer(layer, {**case.nested(explicit), **case.call}))
    arguments = with_keras_mask(case, HOLES)
    found = answer(layer, arguments)
    for x, y in zip(numpy(found), expected, strict=True):
        np.testing.assert_array_equal(x, y)
    # Each output with these tokens carries the mask on.
    for x, axes in zip(found, case.outputs, strict=True):
        if axes.startswith("BT"):
            np.testing.assert_array_equal(carried(x), HOLES)
        else:
            assert carried(x) is None
    first = keras.tree.flatten(next(iter(arguments.values())))[0]
    np.testing.assert_array_equal(carried(first), HOLES)
    found = answer(
        layer, with_keras_mask(case, PADDING_IN_FRONT, padding_mask=HOLES)
    )
    for x, y in zip(numpy(found), expected, strict=True):
        np.testing.assert_array_equal(x, y)


@subjects(OTHERS)
def test_layer_without_a_mask_hands_keras_mask_on(case: Case) -> None:
    arguments = case.nested(arrays(case))
    name, first = next(iter(arguments.items()))
    arguments[name] = carry(first, HOLES)
    found = keras.tree.flatten(built(case)(**arguments, **case.call))
    for x, axes in zip(found, case.outputs, strict=True):
        mask = carried(x)
        assert (mask is None) == (not axes.startswith("BT"))


@pytest.mark.quick("hole-[!B]*", "hole-BiLM")
@subjects(ANY, "alone")
@pytest.mark.parametrize(
    "mask", [PADDING_IN_FRONT, HOLES], ids=["front", "hole"]
)
def test_masked_tokens_are_as_if_absent(case: Case, mask: np.ndarray) -> None:
    layer = built(case)
    arguments = {**arrays(case), "padding_mask": mask}
    found = numpy(call(case, layer, arguments))
    for index in range(B):
        kept = {"B": [index], "T": np.flatnonzero(mask[index])}

        def cut(x, axes, kept=kept):
            for k, axis in enumerate(axes):
                x = np.take(x, kept.get(axis, range(x.shape[k])), axis=k)
            return x

        alone = {
            name: cut(arguments[name], each.axes)
            for name, each in case.flat_arguments.items()
        }
        expected = numpy(call(case, layer, alone))
        for x, y, axes in zip(found, expected, case.outputs, strict=True):
            np.testing.assert_allclose(cut(x, axes), y, rtol=0, atol=1e-6)


@pytest.mark.parametrize("encoder", [elmo, elmo_words])
def test_words_behind_padding_are_encoded_as_without_it(encoder) -> None:
    model = randomized(encoder())
    (name,) = model.input
    ids = INPUTS["elmo" if name == "char_ids" else "elmo_words"][name][0]
    row = ids[:1]  # six words
    expected = model({name: row})
    places = [1, 2, 4, 5, 6, 9]
    wide = np.zeros((1, 11, *row.shape[2:]), "int32")
    wide[:, places] = row
    found = model({name: wide})
    for x, y in zip(found["layers"], expected["layers"], strict=True):
        x = ops.convert_to_numpy(x)
        np.testing.assert_allclose(x[:, places], y, rtol=0, atol=1e-6)
        assert not np.delete(x, places, axis=1).any()
    np.testing.assert_allclose(
        found["pooled"], expected["pooled"], rtol=0, atol=1e-6
    )


def test_mask_of_words_from_that_of_words_and_markers() -> None:
    marked = np.array([[1, 1, 1, 1, 0], [0, 1, 1, 0, 1], [1, 1, 0, 0, 0]], bool)
    x = np.ones((3, 5, 2), "float32")
    found = layers.StripSentenceMarkers()(carry(x, marked))
    words = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
    np.testing.assert_array_equal(ops.convert_to_numpy(found)[..., 0], words)
    np.testing.assert_array_equal(carried(found), words)


IDS = np.array([[3, 1, 4, 0, 0], [5, 9, 2, 6, 5], [8, 0, 0, 0, 0]], "int32")


def transformer_stack(explicit: bool) -> keras.Model:
    ids = keras.Input((None,), dtype="int32", name="ids")
    mask = {"padding_mask": ids != 0} if explicit else {}
    x = keras.layers.Embedding(10, 6, mask_zero=not explicit)(ids)
    x = layers.TransformerEncoderBlock(2, 8)(x, **mask)
    x = keras.layers.Dropout(0.1)(keras.layers.Dense(6)(x))
    x = keras.layers.LayerNormalization()(x)
    x = layers.TransformerEncoderBlock(3, 8, norm_first=True)(x, **mask)
    x = layers.VocabularyBias()(x)
    return keras.Model(ids, layers.MaskedMean()(x, **mask))


def recurrent_stack(explicit: bool) -> keras.Model:
    ids = keras.Input((None,), dtype="int32", name="ids")
    vectors = keras.layers.Embedding(10, 4)(ids)
    real = ids != 0
    vectors = ops.where(ops.expand_dims(real, -1), vectors, 0)
    mask = {"padding_mask": real} if explicit else {}
    x = vectors if explicit else keras.layers.Masking()(vectors)
    x = layers.BiLM(6, 3)(x, **mask)
    x = layers.ScalarMix(2, layer_norm=True)(x, **mask)
    x = keras.layers.Dense(5)(x)
    return keras.Model(ids, layers.CRF(5)(x, **mask))


@pytest.mark.quick("transformer_stack")
@pytest.mark.parametrize("stack", [transformer_stack, recurrent_stack])
def test_stack_under_keras_mask_equals_the_explicit_one(stack) -> None:
    expected, implicit = stack(True), stack(False)
    randomized(expected)
    implicit.set_weights(expected.get_weights())
    for run in (lambda model: model, lambda model: compiled(model, model)):
        found = keras.tree.flatten(run(implicit)(IDS))
        for x, y in zip(
            found, keras.tree.flatten(run(expected)(IDS)), strict=True
        ):
            np.testing.assert_array_equal(
                ops.convert_to_numpy(x), ops.convert_to_numpy(y)
            )
    # Shows that the mask is used: other padding, the same answers.
    longer = implicit(np.pad(IDS, ((0, 0), (0, 3))))
    for x, y in zip(keras.tree.flatten(longer), found, strict=True):
        x, y = ops.convert_to_numpy(x), ops.convert_to_numpy(y)
        x = x[:, : y.shape[1]]
        np.testing.assert_allclose(x[1], y[1], rtol=0, atol=1e-5)


def test_loss_behind_keras_mask_is_the_mean_over_real_tokens() -> None:
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(10, 4, mask_zero=True)(ids)
    x = layers.TransformerEncoderBlock(2, 8)(x)
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    model.compile(loss="mse")
    y = np.random.default_rng(0).normal(size=(3, 5, 1))
    errors = ((ops.convert_to_numpy(model(IDS)) - y) ** 2)[..., 0]
    expected = errors[IDS != 0].mean()
    found = model.evaluate(IDS, y, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "create",
    [
        lambda: models.tagger(bert(), 3, crf=True, lstm_dim=2),
        lambda: models.tagger(bert(), 3, mix="scalar_mix"),
        lambda: models.bert_pretrainer(bert()),
    ],
)
def test_models_lay_no_second_weight_on_their_losses(create) -> None:
    model = create()
    inputs = INPUTS[
        "bert_pretrainer" if "masked_positions" in model.input else "bert"
    ]
    outputs = model({name: value for name, (value, *_) in inputs.items()})
    assert all(carried(x) is None for x in keras.tree.flatten(outputs))


@pytest.mark.quick("[!B]*", "BiLM")
@subjects(MASKED)
def test_what_is_added_to_scores_is_no_mask(case: Case) -> None:
    layer = built(case)
    mask = arrays(case)["padding_mask"]
    wrong = (
        np.where(mask, 0, -1e9).astype("float32"),
        np.where(mask, 0, 1e4).astype("float32"),
        np.where(mask, 0.5, 0).astype("float32"),
        np.where(mask, np.nan, 0).astype("float32"),
        np.where(mask, 2, 0).astype("int32"),
        np.where(mask, 255, 0).astype("uint8"),
    )
    for bad in wrong:
        arguments = case.nested({**arrays(case), "padding_mask": bad})
        with pytest.raises(ValueError, match="0 at padding and 1 at real tok"):
            layer(**arguments, **case.call)
    expected = numpy(answer(layer, {**case.nested(arrays(case)), **case.call}))
    for dtype in ("float32", "uint8"):
        same = {**arrays(case), "padding_mask": mask.astype(dtype)}
        found = answer(layer, {**case.nested(same), **case.call})
        for x, y in zip(numpy(found), expected, strict=True):
            np.testing.assert_array_equal(x, y, err_msg=dtype)


@pytest.mark.parametrize("number", [-1e9, 0.5, np.nan, 2])
def test_what_is_added_to_scores_is_no_attention_mask(number) -> None:
    block, x = layers.TransformerEncoderBlock(2, 8), np.ones((1, 2, 4))
    seen = np.tril(np.ones((1, 2, 2), "float32"))
    expected = numpy(keras.tree.flatten(block(x, attention_mask=seen > 0)))
    found = numpy(keras.tree.flatten(block(x, attention_mask=seen)))
    np.testing.assert_array_equal(found[0], expected[0])
    with pytest.raises(ValueError, match="`attention_mask` must hold bool"):
        block(x, attention_mask=np.where(seen, 0, number).astype("float32"))
