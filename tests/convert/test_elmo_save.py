"""`save_elmo` writes the same names and keys as were read."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from official_files import (
    arrays_of,
    content_of,
    read_hdf5,
    without_multi_cell,
    write_hdf5,
    write_options,
)
from parity.elmo_variants import BASE, VARIANTS

from keras_ctx import models
from keras_ctx.convert import load_elmo, save_elmo


@pytest.mark.quick(
    "tanh", "no projection of words", "published form", "one layer"
)
@pytest.mark.parametrize("name", VARIANTS)
def test_files_are_those_that_were_read(name: str, tmp_path: Path) -> None:
    options = VARIANTS[name]
    arrays, content = arrays_of(options), content_of(options)
    encoder = load_elmo(
        write_options(tmp_path / "options.json", content),
        write_hdf5(tmp_path / "weights.hdf5", arrays),
    )
    save_elmo(encoder, tmp_path / "mine.json", tmp_path / "mine.hdf5")
    assert json.loads((tmp_path / "mine.json").read_text("utf-8")) == content
    written = read_hdf5(tmp_path / "mine.hdf5")
    assert written.keys() == arrays.keys()
    for key, array in arrays.items():
        assert written[key].dtype == "float32"
        np.testing.assert_array_equal(written[key], array, err_msg=key)
    assert len(os.listdir(tmp_path)) == 4, "no temporary file stays"


def test_names_of_one_layer_become_those_that_are_found(
    tmp_path: Path,
) -> None:
    options = VARIANTS["one layer"]
    arrays = arrays_of(options)
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    write_options(files[0], content_of(options))
    write_hdf5(files[1], without_multi_cell(arrays))
    save_elmo(load_elmo(*files), *files)  # in place
    assert read_hdf5(files[1]).keys() == arrays.keys()


def test_new_encoder_survives(tmp_path: Path) -> None:
    encoder = models.elmo_encoder(
        [(1, 8), (3, 4)], 16, 4, num_highways=1, max_characters=11
    )
    files = tmp_path / "new" / "options.json", tmp_path / "new" / "weights"
    save_elmo(encoder, *files)
    loaded = load_elmo(*files)
    ids = np.random.default_rng(0).integers(1, 262, (2, 5, 11))
    assert np.array_equal(
        loaded({"char_ids": ids})["sequence"],
        encoder({"char_ids": ids})["sequence"],
    )


def test_float16_weights_are_written_as_float32(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("float16")
    try:
        encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    finally:
        keras.config.set_dtype_policy("float32")
    assert encoder.get_layer("char_cnn").projection.kernel.dtype == "float16"
    save_elmo(encoder, tmp_path / "options.json", tmp_path / "weights.hdf5")
    for array in read_hdf5(tmp_path / "weights.hdf5").values():
        assert array.dtype == "float32"


@pytest.mark.parametrize(
    "around",
    [
        lambda encoder: models.elmo_language_model(encoder, 9),
        models.distinct_words,
    ],
)
def test_encoder_inside_a_model_can_be_saved(around, tmp_path: Path) -> None:
    encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    files = [tmp_path / name for name in ("1.json", "1", "2.json", "2")]
    save_elmo(encoder, *files[:2])
    save_elmo(around(encoder), *files[2:])
    assert files[0].read_text() == files[2].read_text()
    one, two = read_hdf5(files[1]), read_hdf5(files[3])
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_other_models_are_refused(tmp_path: Path) -> None:
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    bert = models.bert_encoder(9, 1, 1, 4, 8, 8)
    with pytest.raises(ValueError, match="`encoder` must be a model of `elmo_"):
        save_elmo(bert, *files)
    encoder = models.elmo_encoder(
        [(1, 8)], 16, 4, max_characters=5, vocabulary_size=300
    )
    with pytest.raises(ValueError, match="262.*vocabulary_size=300"):
        save_elmo(encoder, *files)
    encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    with pytest.raises(ValueError, match=r"an encoder, pass `models\.enc"):
        save_elmo(models.tagger(encoder, 3), *files)
    assert not os.listdir(tmp_path)


def test_one_name_for_two_files_is_refused(tmp_path: Path) -> None:
    encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    with pytest.raises(ValueError, match="must be different files"):
        save_elmo(encoder, tmp_path / "one", str(tmp_path / "one"))


def test_weights_that_are_not_finite_leave_old_files_alone(
    tmp_path: Path,
) -> None:
    encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    save_elmo(encoder, *files)
    before = [path.read_bytes() for path in files]
    cell = encoder.get_layer("bilm").backward_cells[1]
    cell.bias.assign(np.full(cell.bias.shape, np.nan))
    with pytest.raises(ValueError) as caught:
        save_elmo(encoder, *files)
    assert "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/B: 64 of 64" in str(
        caught.value
    )
    assert [path.read_bytes() for path in files] == before
    assert len(os.listdir(tmp_path)) == 2


def test_base_is_the_published_form() -> None:
    # 37 datasets with seven filters; 3 filters here.
    assert len(arrays_of(BASE)) == 37 - 2 * 4
