"""Sizes that differ from a `.keras` file's weights are refused at once."""

import json
import time
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from refusal_costs import check_refusals

from keras_ctx import convert, models
from keras_ctx.convert.files.archive_positions import archive_positions
from keras_ctx.files.hdf5_file import check_hdf5
from keras_ctx.files.model_file import load_model

HUGE = [2**31, 10**6, 60_000, 10**400]


def bert():
    return models.bert_encoder(20, 1, 2, 8, 12, max_length=16)


def elmo():
    return models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=8)


def plain():
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(4)(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(hidden))


# An argument of a layer, and a model with it.
CASES = [
    *((bert, "vocabulary_size"), (bert, "hidden_dim"), (bert, "max_length")),
    *((bert, "num_segments"), (bert, "intermediate_dim"), (bert, "num_heads")),
    *((elmo, "filters"), (elmo, "hidden_dim"), (elmo, "projection_dim")),
    *((elmo, "num_layers"), (elmo, "num_highways"), (elmo, "output_dim")),
    *((elmo, "vocabulary_size"), (elmo, "max_characters"), (plain, "units")),
]


def set_everywhere(node, key, value):
    """Sets an argument everywhere; returns how often."""
    if isinstance(node, list):
        return sum(set_everywhere(child, key, value) for child in node)
    if not isinstance(node, dict):
        return 0
    if key in node:
        node[key] = [[1, value], [2, 5]] if key == "filters" else value
        return 1
    return sum(set_everywhere(child, key, value) for child in node.values())


def change_config(path, change):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = json.loads(parts["config.json"])
    parts["config.json"] = json.dumps(change(content) or content).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def saved(make, key, value, path):
    make().save(path)
    found = []

    def change(content):
        found.append(set_everywhere(content, key, value))

    change_config(path, change)
    return found[0]


@pytest.mark.quick(
    "*-max_characters-60000",
    "*-hidden_dim-60000",
    "*-num_highways-*",
    "*-vocabulary_size-1000000",
)
@pytest.mark.parametrize("value", HUGE, ids=lambda value: str(value)[:9])
@pytest.mark.parametrize(
    ("make", "key"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_size_is_refused_at_once(make, key, value, tmp_path):
    path = tmp_path / "encoder.keras"
    assert saved(make, key, value, path)
    before = time.perf_counter()
    with pytest.raises(ValueError, match=r"encoder\.keras") as caught:
        load_model(path)
    # A generous share of the second, for a busy machine.
    assert time.perf_counter() - before < 5
    assert len(str(caught.value)) < 10_000
    if make is not plain:
        with pytest.raises(ValueError, match=r"encoder\.keras"):
            convert.load_encoder(tmp_path)


def test_a_refused_size_leaves_no_variables_behind(tmp_path):
    # Keras initializes a variable created without values at the end of the next
    # stateless scope: here with 3 * 2^31 numbers.
    path = tmp_path / "encoder.keras"
    saved(plain, "units", 2**31, path)
    with pytest.raises(ValueError, match=r"encoder\.keras"):
        load_model(path)
    with keras.StatelessScope():
        pass
    assert plain()(np.ones((1, 3))).shape == (1, 2)


def test_widths_of_inputs(tmp_path):
    path = tmp_path / "encoder.keras"
    plain().save(path)

    def change(content):
        text = json.dumps(content).replace("[null, 3]", "[null, 2147483648]")
        assert "2147483648" in text
        return json.loads(text)

    change_config(path, change)
    with pytest.raises(ValueError, match="config.json that needs"):
        load_model(path)


def test_many_layers(tmp_path):
    path = tmp_path / "encoder.keras"
    plain().save(path)

    def change(content):
        content["config"]["layers"] *= 200

    change_config(path, change)
    with pytest.raises(ValueError, match="`layers` must be at most"):
        load_model(path)


def test_a_config_without_end(tmp_path):
    path = tmp_path / "encoder.keras"
    bert().save(path)
    change_config(path, lambda content: {**content, "more": "a" * (1 << 23)})
    for load in (load_model, archive_positions):
        with pytest.raises(ValueError, match="at most 4,194,304 bytes"):
            load(path)


@pytest.mark.parametrize("text", ["{", "[]", "3", "[" * 100_000, "\xff"])
def test_a_config_that_is_none(text, tmp_path):
    path = tmp_path / "encoder.keras"
    bert().save(path)
    with zipfile.ZipFile(path) as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", text.encode("latin-1"))
        archive.writestr("model.weights.h5", weights)
    with pytest.raises(ValueError, match=r"encoder\.keras, config\.json"):
        load_model(path)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_part_that_is_not_there(name, tmp_path):
    path = tmp_path / "encoder.keras"
    bert().save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for each in parts.keys() - {name}:
            archive.writestr(each, parts[each])
    with pytest.raises(ValueError, match=rf"encoder\.keras.*{name}"):
        load_model(path)


def test_packed_arrays_of_which_nothing_is_there(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "a", (2**20, 2**20), "float32", chunks=True, compression="gzip"
        )
    with pytest.raises(ValueError, match="contain all data"):
        check_hdf5(path, "weights.h5")


@pytest.mark.slow
def test_what_fits_is_loaded(tmp_path):
    path = tmp_path / "model.keras"
    encoder = bert()
    encoder.get_layer("block_0").enable_lora(4)
    model = models.classifier(encoder, num_classes=3)
    model.save(path)
    assert load_model(path).count_params() == model.count_params()
    quantized = bert()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for layers without matrices
        quantized.quantize("int4")
    quantized.save(path)
    assert load_model(path).count_params() == quantized.count_params()


@pytest.mark.slow
def test_memory_of_refusals(tmp_path):
    for number, (make, key) in enumerate(CASES):
        for value in (60_000, 10**6, 2**31):
            path = tmp_path / f"{number}-{key}-{value}.keras"
            saved(make, key, value, path)
    check_refusals("keras_ctx.files.model_file", "load_model", tmp_path)
