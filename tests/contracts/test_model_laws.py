"""The laws that every model obeys, on every backend."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from answer_saved_models import flat
from backends import BACKEND, compiled, gradients, quickest
from keras import ops
from model_cases import (
    CASES,
    IN_PLACE,
    INPUTS,
    LENGTHS,
    ROWS,
    SIZES,
    B,
    ModelCase,
    T,
)
from random_weights import randomized

from keras_ctx import models

ROOT = Path(__file__).resolve().parents[2]
POLICIES = {  # name: the bound on the difference from float32
    "float16": 3e-2,
    "bfloat16": 3e-1,
    "mixed_float16": 3e-2,
    "mixed_bfloat16": 3e-1,
    "float64": 1e-5,
}
EXPORTED = {  # one of each kind: an export takes seconds
    "bert_encoder, norm first",
    "packed",
    "bert_pretrainer",
    "elmo_encoder",
    "span_extractor of bert, scalar_mix",
    "embedder of elmo, last",
    "tagger of elmo, crf",
    "tagger of bert, lstm and crf",
    "distinct_words",
    "elmo_word_encoder, stateful",
    "warm_start",
    "word_vector_encoder of n-grams and characters",
    "awd_lstm_stream_model",
    "mt_lstm_encoder",
    "recurrent_encoder",
}
# One of each kind of encoder, head and loop.
QUICK = {
    "bert_encoder, norm first",
    "packed",
    "bert_pretrainer",
    "elmo_encoder",
    "elmo_stream_model",
    "tagger of elmo, crf",
    "word_vector_encoder of n-grams and characters",
}
IN_OTHER_POLICIES = {
    "bert_encoder",
    "packed",
    "bert_pretrainer",
    "elmo_encoder",
    "elmo_language_model",
    "elmo_word_encoder",
    "distinct_words",
    "warm_start",
    "elmo_stream_model",
    "span_extractor of bert, scalar_mix",
    "classifier of elmo, scalar_mix",
    "embedder of bert, last",
    "tagger of elmo, crf",
    "classifier of bert, concat_last_4",
    "word_vector_encoder of n-grams and characters",
    "awd_lstm_encoder",
    "awd_lstm_language_model",
    "mt_lstm_encoder",
    "recurrent_encoder",
}


def subjects(
    names: set[str] | None = None,
    law: str = "",
    quick: set[str] = QUICK,
) -> pytest.MarkDecorator:
    """Returns the cases with these names, or all that can obey a law.

    A case takes about a second: the others than `quick` are slow tests.
    """
    chosen = [c for c in CASES if names is None or c.name in names]
    assert names is None or len(chosen) == len(names)
    chosen = [c for c in chosen if law not in c.exempt]
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(c, marks=[pytest.mark.slow] * (c.name not in quick))
            for c in chosen
        ],
        ids=lambda c: c.name,
    )


def arrays(case: ModelCase) -> dict[str, np.ndarray]:
    return {name: value for name, (value, *_) in INPUTS[case.family].items()}


def padded(case: ModelCase, amount: int) -> dict[str, np.ndarray]:
    return {
        name: np.pad(
            value,
            np.array([(0, amount if axis == "T" else 0) for axis in axes]),
            constant_values=pad,
        )
        for name, (value, axes, pad) in INPUTS[case.family].items()
    }


def answer(model: keras.Model, inputs: dict, run=None) -> dict[str, np.ndarray]:
    """Returns the outputs of a call, and restores the state of the model for
    the next call."""
    before = model.get_weights()
    outputs = flat((run or model)(inputs))
    model.set_weights(before)
    return outputs


def row(case: ModelCase, index: int) -> dict[str, np.ndarray]:
    """Returns one row of the batch, alone and without its padding."""
    surplus = T - max(LENGTHS[index], 1)
    return {
        name: value[
            tuple(
                slice(index, index + 1)
                if axis == "B"
                else slice(size - surplus if axis == "T" else size)
                for axis, size in zip(axes, value.shape, strict=True)
            )
        ]
        for name, (value, axes, _) in INPUTS[case.family].items()
    }


def assert_same_where_real(
    case: ModelCase,
    found: dict[str, np.ndarray],
    expected: dict[str, np.ndarray],
    rows: list[int],
    bound: float = 1e-6,
) -> None:
    assert found.keys() == expected.keys()
    # Predictions: one for each word and one for a marker.
    extra = 1 if case.family in ("elmo_language_model", "elmo_sampled") else 0
    extra = 2 if case.name == "with_markers" else extra
    least = 1 if case.family.startswith("bert") else 0
    for key in expected:
        axes = case.outputs[key.split("/")[0]]
        for k, index in enumerate(rows):
            real = tuple(
                slice(max(LENGTHS[index], least) + extra if a == "T" else None)
                for a in axes[1:]
            )
            np.testing.assert_allclose(
                found[key][k][real].astype("float64"),
                expected[key][k][real].astype("float64"),
                rtol=1e-6,  # eight steps of float32, for numbers above 1
                atol=bound,
                err_msg=key,
            )


def test_no_public_model_escapes() -> None:
    covered = {case.name.replace(",", "").split()[0] for case in CASES}
    assert covered | SIZES | IN_PLACE | ROWS == set(models.__all__)
    assert not covered & (SIZES | IN_PLACE)


def test_every_exemption_names_a_law() -> None:
    assert {law for case in CASES for law in case.exempt} <= {
        "alone",
        "no rows",
        "no rows, op by op",
    }


@subjects()
def test_symbolic_shape_and_dtype_are_the_eager_ones(case: ModelCase) -> None:
    model = case.create()
    before = [weight.path for weight in model.variables]
    assert len(set(before)) == len(before)
    symbolic = {
        "/".join(map(str, key)): value
        for key, value in keras.tree.flatten_with_path(model.output)
    }
    eager = flat(model(arrays(case)))
    assert [weight.path for weight in model.variables] == before
    assert eager.keys() == symbolic.keys()
    assert {key.split("/")[0] for key in eager} == set(case.outputs)
    for key, value in eager.items():
        axes = case.outputs[key.split("/")[0]]
        assert symbolic[key].dtype == value.dtype
        for s, e, axis in zip(
            symbolic[key].shape, value.shape, axes, strict=True
        ):
            assert s == (None if axis in "BTM" else e)


@pytest.mark.slow
@pytest.mark.parametrize(
    "variants", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_saved_and_loaded_in_a_fresh_process(variants: bool, tmp_path) -> None:
    expected, trainable = {}, {}
    cases = [case for case in CASES if case.variant == variants]
    for k, case in enumerate(cases):
        model = randomized(case.create())
        model.save(tmp_path / f"{k}.keras")
        np.savez(
            tmp_path / f"{k}.inputs.npz", allow_pickle=False, **arrays(case)
        )
        expected[k] = flat(model(arrays(case)))
        trainable[k] = len(model.trainable_weights)
    frozen = models.tagger(CASES[0].create(), 3, frozen=True, dropout=0.0)
    frozen.save(tmp_path / "frozen.keras")
    np.savez(
        tmp_path / "frozen.inputs.npz", allow_pickle=False, **arrays(CASES[0])
    )
    subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("answer_saved_models.py"),
            tmp_path,
        ],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    for k, case in enumerate(cases):
        found = dict(np.load(tmp_path / f"{k}.outputs.npz"))
        assert found.pop("trainable") == trainable[k]
        assert found.keys() == expected[k].keys()
        for key, value in expected[k].items():
            np.testing.assert_array_equal(
                found[key], value, err_msg=f"{case.name}: {key}"
            )
    found = np.load(tmp_path / "frozen.outputs.npz")
    assert found["trainable"] == 2  # kernel and bias of the head
    np.testing.assert_array_equal(found["training"], found["logits"])


@subjects()
def test_cloned_is_equal_to_the_bit(case: ModelCase) -> None:
    model = randomized(case.create())
    clone = keras.models.clone_model(model)
    assert flat_shapes(clone) == flat_shapes(model)
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    weights = model.get_weights()
    clone.set_weights(weights)
    for found, expected in zip(clone.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    if case.name in IN_OTHER_POLICIES:  # one of each kind: time
        found = answer(clone, arrays(case))
        for key, expected in answer(model, arrays(case)).items():
            np.testing.assert_array_equal(found[key], expected, err_msg=key)


def flat_shapes(model: keras.Model) -> dict[str, tuple]:
    return {
        "/".join(map(str, key)): value.shape
        for key, value in keras.tree.flatten_with_path(model.output)
    }


@pytest.mark.skipif(
    BACKEND != "tensorflow", reason="a SavedModel is a format of TensorFlow"
)
@subjects(EXPORTED, quick={"bert_encoder, norm first"})
def test_exported_and_loaded_raw_is_equal(case: ModelCase, tmp_path) -> None:
    import tensorflow as tf

    model = randomized(case.create())
    # A signature cannot hold the list of an encoder's layers.
    named = {
        "_".join(map(str, key)): value
        for key, value in keras.tree.flatten_with_path(model.output)
    }
    model = keras.Model(model.input, named)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    for inputs in (arrays(case), padded(case, 2), row(case, 1)):
        found = exported.serve({k: tf.constant(v) for k, v in inputs.items()})
        found = flat(found)
        for key, value in flat(model(inputs)).items():
            np.testing.assert_allclose(
                found[key].astype("float64"),
                value.astype("float64"),
                rtol=1e-6,  # its graph fuses ops that run separately here
                atol=1e-6,
            )


# A whole and a mixed one: the layers' laws try them all.
@pytest.mark.quick("mixed_bfloat16-*", "float16-tagger*")
@subjects(IN_OTHER_POLICIES)
@pytest.mark.parametrize("policy", POLICIES)
def test_policy(case: ModelCase, policy: str) -> None:
    if policy == "float64" and BACKEND == "jax":
        pytest.skip("JAX has float64 only by a switch for the whole process")
    reference = randomized(case.create())
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = case.create()
    finally:
        keras.config.set_dtype_policy(before)
    model.set_weights(reference.get_weights())
    compute = keras.DTypePolicy(policy).compute_dtype
    at_least_float32 = "float64" if compute == "float64" else "float32"
    run = quickest(model, model)
    outputs = flat(run(arrays(case)))
    expected = flat(reference(arrays(case)))
    for key, value in outputs.items():
        wanted = {
            "padding_mask": "bool",
            "forward": at_least_float32,
            "backward": at_least_float32,
            "start_logits": "float32",
            "end_logits": "float32",
            "scores": at_least_float32,
            "tags": "int32",
            "text_ids": "int32",
        }.get(key, compute)
        if case.outputs[key.split("/")[0]] == "BTKK":  # of a CRF
            wanted = at_least_float32
        assert keras.backend.standardize_dtype(value.dtype) == wanted, key
        difference = np.abs(
            value.astype("float64") - expected[key].astype("float64")
        )
        scale = np.maximum(1, np.abs(expected[key].astype("float64")))
        assert np.all(difference / scale < POLICIES[policy]), key


@subjects()
def test_every_trainable_weight_gets_a_gradient(case: ModelCase) -> None:
    model = randomized(case.create())
    generator = np.random.default_rng(6)
    # Random, since a plain sum is constant behind a norm.
    directions = {
        key: generator.normal(size=value.shape).astype("float32")
        for key, value in flat(model(arrays(case))).items()
        if key != "padding_mask"
    }

    def loss():
        return sum(
            ops.sum(
                directions["/".join(map(str, key))] * ops.cast(value, "float32")
            )
            # A score of -1e9 at padding would dominate the rest.
            * (1e-9 if "start_logits" in key or "end_logits" in key else 1)
            for key, value in keras.tree.flatten_with_path(
                model(arrays(case), training=True)
            )
            if "padding_mask" not in key
        )

    unused = _without_gradient(case)
    for path, gradient in gradients(model, loss).items():
        if any(name in path for name in unused):
            continue
        assert gradient is not None, path
        assert np.isfinite(gradient).all(), path
        assert np.abs(gradient).max() > 0, path


def _without_gradient(case: ModelCase) -> set[str]:
    """Returns weights that the outputs of a model do not use."""
    # The softmax cancels an equal shift of all keys.
    unused = {"attention/key/bias"}
    if "of bert" in case.name and case.name != "classifier of bert, last":
        unused.add("pooler")
    if case.name.startswith("packed "):  # with a head that reads the tokens
        unused.add("pooler")
    if case.name.endswith("of word vectors, scalar_mix"):
        unused.add("scalar_mix/weights")  # a softmax over one layer
    if case.name == "attention_scores":
        # Nothing reads the attention output of the last block.
        unused |= {"block_1/attention/value", "block_1/attention/attention"}
        unused |= {"block_1/attention_norm", "block_1/feedforward_norm"}
        unused |= {"block_1/intermediate", "block_1/output_projection"}
    if case.name == "cross_attention_scores":
        # The same of the last block of the decoder.
        last = "decoder_block_1"
        unused |= {f"{last}/cross/value", f"{last}/cross/attention"}
        unused |= {f"{last}/cross_norm", f"{last}/feedforward_norm"}
        unused |= {f"{last}/intermediate", f"{last}/output_projection"}
    return unused


@subjects()
def test_padding_changes_no_real_output(case: ModelCase) -> None:
    model = randomized(case.create())
    expected = answer(model, arrays(case))
    found = answer(model, padded(case, 3), quickest(model, model))
    assert_same_where_real(case, found, expected, list(range(B)))


@subjects(law="alone")
def test_alone_is_as_in_a_batch(case: ModelCase) -> None:
    model = randomized(case.create())
    expected = flat(model(arrays(case)))
    run = quickest(model, model)
    for index in (1, 3):  # 3 is the empty text
        found = flat(run(row(case, index)))
        of_row = {key: y[index : index + 1] for key, y in expected.items()}
        assert_same_where_real(case, found, of_row, [index])


@pytest.mark.quick("elmo_encoder")
@subjects(quick={"elmo_encoder"})
def test_compiled_is_as_eager(case: ModelCase) -> None:
    model = randomized(case.create())
    found = answer(model, arrays(case), compiled(model, model))
    expected = answer(model, arrays(case))
    assert_same_where_real(case, found, expected, list(range(B)), 1e-5)
