"""`load_elmo` on files of every kind, compared with NumPy."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from official_files import (
    arrays_of,
    content_of,
    without_multi_cell,
    write_checkpoint,
    write_hdf5,
    write_options,
)
from parity.elmo_numpy import Options, elmo, random_weights, word_ids
from parity.elmo_variants import BASE, CHAR_DIM, LENGTH, VARIANTS

from keras_ctx.convert import load_elmo

# An empty row, a long word (cut), bytes beyond ASCII.
SENTENCES = [
    "A rather incomprehensible sentence".split(),
    [],
    ["naïve", "语言模型", "x", "", "of", "words", "."],
    ["one"],
]


def batch_of(length: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns padded ids, and the ids of each sentence."""
    rows = [
        np.array([word_ids(word, length) for word in words], "int32")
        for words in SENTENCES
    ]
    rows = [ids.reshape(-1, length) for ids in rows]
    batch = np.zeros((len(rows), 8, length), "int32")
    for ids, row in zip(rows, batch, strict=True):
        row[: len(ids)] = ids
    return batch, rows


def check_outputs(
    encoder: keras.Model, arrays, options: Options, length: int = LENGTH
) -> None:
    batch, rows = batch_of(length)
    outputs = [
        keras.ops.convert_to_numpy(layer)
        for layer in encoder({"char_ids": batch})["layers"]
    ]
    assert len(outputs) == options.n_layers + 1
    for k, ids in enumerate(rows):
        expected = elmo(arrays, options, ids)
        for ours, theirs in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(
                ours[k, : len(ids)], theirs, rtol=0, atol=1e-5
            )
            assert not ours[k, len(ids) :].any()


def load(
    folder: Path,
    arrays,
    content: object,
    write: Callable[[Path, Any], Path] = write_hdf5,
    **arguments,
) -> keras.Model:
    options_file = write_options(folder / "options.json", content)
    weights_file = write(folder / "weights", arrays)
    return load_elmo(options_file, weights_file, **arguments)


@pytest.mark.quick(
    "no projection of words*", "tanh*", "one layer, no*", "published form*"
)
@pytest.mark.parametrize(
    "write",
    [write_hdf5, pytest.param(write_checkpoint, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_option(name: str, write, tmp_path: Path) -> None:
    options = VARIANTS[name]
    arrays = arrays_of(options)
    encoder = load(tmp_path, arrays, content_of(options), write)
    check_outputs(encoder, arrays, options)
    assert encoder.get_layer("bilm").residual is options.use_skip_connections


@pytest.mark.parametrize("length", [7, 50, 61])
def test_other_numbers_of_characters(length: int, tmp_path: Path) -> None:
    arrays = arrays_of(BASE)
    encoder = load(tmp_path, arrays, content_of(BASE, length))
    check_outputs(encoder, arrays, BASE, length)


@pytest.mark.parametrize("write", [write_hdf5, write_checkpoint])
@pytest.mark.parametrize("dim", [12, 5])
def test_names_of_one_layer(write, dim: int, tmp_path: Path) -> None:
    options = replace(BASE, n_layers=1, dim=dim)
    arrays = arrays_of(options)
    renamed = without_multi_cell(arrays)
    assert "RNN_1/RNN/LSTMCell/W_0" in renamed
    encoder = load(tmp_path, renamed, content_of(options), write)
    check_outputs(encoder, arrays, options)


def test_old_names_of_cells(tmp_path: Path) -> None:
    arrays = arrays_of(BASE)
    old = {name.replace("/Cell", "/Cell "): a for name, a in arrays.items()}
    assert "RNN_0/RNN/MultiRNNCell/Cell 1/LSTMCell/B" in old
    check_outputs(load(tmp_path, old, content_of(BASE)), arrays, BASE)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_precisions(dtype: str, tmp_path: Path) -> None:
    arrays = {name: a.astype(dtype) for name, a in arrays_of(BASE).items()}
    check_outputs(load(tmp_path, arrays, content_of(BASE)), arrays, BASE)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16", "float64"])
def test_model_of_another_precision(policy: str, tmp_path: Path) -> None:
    arrays = arrays_of(BASE)
    keras.config.set_dtype_policy(policy)
    try:
        encoder = load(tmp_path, arrays, content_of(BASE))
    finally:
        keras.config.set_dtype_policy("float32")
    bias = encoder.get_layer("bilm").forward_cells[1].bias
    assert bias.dtype == policy.replace("mixed_bfloat16", "float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(bias),
        arrays["RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/B"],
        rtol=1e-3,  # float16 has 11 bits
    )


def test_what_may_be_left_out_of_the_options(tmp_path: Path) -> None:
    options = replace(
        BASE,
        n_layers=1,
        n_highway=0,
        cell_clip=None,
        proj_clip=None,
        use_skip_connections=False,
    )
    content = content_of(options)
    for key in ("n_layers", "cell_clip", "proj_clip", "use_skip_connections"):
        del content["lstm"][key]
    del content["char_cnn"]["n_highway"]
    arrays = arrays_of(options)
    encoder = load(tmp_path, arrays, content)
    check_outputs(encoder, arrays, options)
    assert encoder.get_layer("bilm").dropout == 0


def test_options_of_a_training(tmp_path: Path) -> None:
    content = {
        **content_of(BASE),
        "bidirectional": True,
        "dropout": 0.25,
        "n_tokens_vocab": 793471,
        "share_embedding_softmax": False,
        "all_clip_norm_val": 10.0,
        "unroll_steps": 20,
    }
    content["char_cnn"]["n_characters"] = 261
    arrays = arrays_of(BASE)
    encoder = load(tmp_path, arrays, content)
    check_outputs(encoder, arrays, BASE)
    assert encoder.get_layer("bilm").dropout == 0.25
    encoder = load(tmp_path, arrays, content, dropout=0.5, name="mine")
    assert encoder.get_layer("bilm").dropout == 0.5
    assert encoder.name == "mine"


def test_characters_of_an_unknown_word_are_those_of_the_file(
    tmp_path: Path,
) -> None:
    arrays = arrays_of(BASE)
    table = load(tmp_path, arrays, content_of(BASE)).get_layer("char_cnn")
    rows = keras.ops.convert_to_numpy(table.char_embedding.embeddings)
    assert rows.shape == (262, CHAR_DIM)
    assert not rows[0].any()
    np.testing.assert_array_equal(rows[1:], arrays["char_embed"])


def test_carried_state(tmp_path: Path) -> None:
    arrays = arrays_of(BASE)
    encoder = load(
        tmp_path, arrays, content_of(BASE), stateful=True, max_batch_size=4
    )
    batch, rows = batch_of(LENGTH)
    states: list[dict] = [{} for _ in rows]
    for _ in range(3):
        outputs = encoder({"char_ids": batch})["layers"]
        for k, ids in enumerate(rows):
            expected = elmo(arrays, BASE, ids, states[k])
            for ours, theirs in zip(outputs, expected, strict=True):
                np.testing.assert_allclose(
                    ours[k, : len(ids)], theirs, rtol=0, atol=1e-5
                )


def test_loaded_model_is_trainable_and_saved(tmp_path: Path) -> None:
    options = replace(BASE, n_layers=1)
    arrays = random_weights(options, CHAR_DIM, seed=1, scale=1.0)
    encoder = load(tmp_path, arrays, content_of(options))
    # All arrays of the file; W_0 becomes two of our variables.
    assert len(encoder.trainable_variables) == len(arrays) + 2
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    check_outputs(loaded, arrays, options)
