"""Weights that cannot be loaded: each error lists all problems."""

import re
from pathlib import Path

import numpy as np
import pytest
from official_files import (
    arrays_of,
    checkpoint_name,
    content_of,
    write_checkpoint,
    write_hdf5,
    write_options,
)
from parity.elmo_variants import BASE

from keras_ctx.convert import load_elmo

CELL = "RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell"


@pytest.fixture
def options_file(tmp_path: Path) -> Path:
    return write_options(tmp_path / "options.json", content_of(BASE))


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return arrays_of(BASE)


def message(
    options_file: Path,
    weights_file: Path,
    kind: type[Exception] = ValueError,
) -> str:
    with pytest.raises(kind) as caught:
        load_elmo(options_file, weights_file)
    assert caught.type is kind
    return str(caught.value)


@pytest.mark.parametrize("write", [write_hdf5, write_checkpoint])
def test_every_difference_is_named_at_once(
    write, options_file: Path, arrays, tmp_path: Path
) -> None:
    for name in (f"{CELL}/W_P_0", "CNN_high_1/b_carry"):
        del arrays[name]
    arrays["CNN_high_2/W_carry"] = np.zeros((15, 15), "float32")
    arrays["CNN/b_cnn_0"] = np.zeros(9, "float32")
    arrays[f"{CELL}/W_0"] = arrays[f"{CELL}/W_0"][1:]
    weights_file = write(tmp_path / "weights", arrays)
    named = str if write is write_hdf5 else checkpoint_name
    assert message(options_file, weights_file).splitlines() == [
        "The weights do not fit the options. Received: "
        f"weights_file={str(weights_file)!r}",
        f"  missing: {named('CNN_high_1/b_carry')} (15,)",
        f"  missing: {named(f'{CELL}/W_P_0')} (12, 5)",
        f"  not known: {named('CNN_high_2/W_carry')} (15, 15)",
        f"  other shape: {named('CNN/b_cnn_0')}: the options require (4,), the "
        "file has (9,)",
        f"  other shape: {named(f'{CELL}/W_0')}: the options require (10, 48), "
        "the file has (9, 48)",
        "Use the options file that belongs to these weights.",
    ]


def test_one_layer_under_two_names_is_refused(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    twice = f"{CELL}/B".replace("Cell1", "Cell 1")
    arrays[twice] = arrays[f"{CELL}/B"]
    weights_file = write_hdf5(tmp_path / "weights", arrays)
    assert f"not known: {twice} (48,)" in message(options_file, weights_file)


@pytest.mark.parametrize("write", [write_hdf5, write_checkpoint])
def test_table_with_a_row_of_padding_is_explained(
    write, options_file: Path, arrays, tmp_path: Path
) -> None:
    arrays["char_embed"] = np.zeros((262, 4), "float32")
    text = message(options_file, write(tmp_path / "weights", arrays))
    assert "the options require (261, 4), the file has (262, 4)" in text
    assert "A character table must have 261 rows" in text
    assert "remove its row 0" in text


def test_checkpoint_of_one_direction_is_explained(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    one_way = {
        name.replace("RNN_0/RNN/", "rnn/"): array
        for name, array in arrays.items()
        if not name.startswith("RNN_1")
    }
    text = message(options_file, write_checkpoint(tmp_path / "w", one_way))
    assert "missing: lm/RNN_1/rnn/multi_rnn_cell/cell_0/lstm_cell/bias" in text
    assert "not known: lm/rnn/multi_rnn_cell/cell_0/lstm_cell/bias" in text
    assert "it has no backward half" in text


@pytest.mark.parametrize("write", [write_hdf5, write_checkpoint])
def test_numbers_that_are_not_finite_are_named(
    write, options_file: Path, arrays, tmp_path: Path
) -> None:
    arrays["char_embed"][7, 1] = np.nan
    arrays[f"{CELL}/B"][:2] = -np.inf
    text = message(options_file, write(tmp_path / "weights", arrays))
    named = str if write is write_hdf5 else checkpoint_name
    assert "must be finite numbers" in text
    assert f"  {named('char_embed')}: 1 of 1044 are NaN or infinite" in text
    assert f"  {named(f'{CELL}/B')}: 2 of 48 are NaN or infinite" in text


def test_float64_beyond_float32_is_named(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    arrays["CNN/b_cnn_0"] = np.array([1e300, 1, 2, 3])
    text = message(options_file, write_hdf5(tmp_path / "weights", arrays))
    assert "  CNN/b_cnn_0: 1 of 4 are NaN or infinite" in text


def test_integers_are_refused(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    arrays["CNN/b_cnn_0"] = np.arange(4)
    text = message(options_file, write_hdf5(tmp_path / "weights", arrays))
    assert "  CNN/b_cnn_0: int64, which is not a floating point type" in text


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_hdf5_that_is_cut_off(
    share: float, options_file: Path, arrays, tmp_path: Path
) -> None:
    weights_file = write_hdf5(tmp_path / "weights.hdf5", arrays)
    whole = weights_file.read_bytes()
    weights_file.write_bytes(whole[: int(len(whole) * share)])
    text = message(options_file, weights_file)
    assert "must be whole, and this one is cut off" in text
    assert str(weights_file) in text


def test_hdf5_with_bytes_overwritten(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    weights_file = write_hdf5(tmp_path / "weights.hdf5", arrays)
    content = bytearray(weights_file.read_bytes())
    content[96:1200] = b"\xff" * (1200 - 96)
    weights_file.write_bytes(content)
    assert "cut off or damaged" in message(options_file, weights_file)


@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_checkpoint_that_is_cut_off(
    part: str, share: float, options_file: Path, arrays, tmp_path: Path
) -> None:
    prefix = write_checkpoint(tmp_path / "model.ckpt-9", arrays)
    file = Path(f"{prefix}.{part}")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    text = message(options_file, prefix)
    assert "must be whole, and this one is cut off" in text
    assert "model.ckpt-9" in text


def test_checkpoint_with_bits_flipped(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    prefix = write_checkpoint(tmp_path / "model.ckpt-9", arrays)
    file = Path(f"{prefix}.data-00000-of-00001")
    file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()))
    assert "cut off or damaged" in message(options_file, prefix)


def test_checkpoint_without_its_data(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    prefix = write_checkpoint(tmp_path / "model.ckpt-9", arrays)
    Path(f"{prefix}.data-00000-of-00001").unlink()
    assert "cut off or damaged" in message(options_file, prefix)


def test_files_that_are_not_there(options_file: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    text = message(options_file, gone, FileNotFoundError)
    assert "`weights_file` must name an HDF5 file" in text
    assert repr(str(gone)) in text
    text = message(gone, gone, FileNotFoundError)
    assert "`options_file` must name a file that exists" in text


def test_another_file_is_not_taken_for_weights(options_file: Path) -> None:
    text = message(options_file, options_file)
    assert "must be an HDF5 file or the prefix of a checkpoint" in text


def test_folder_of_checkpoints(
    options_file: Path, arrays, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert re.search(
        "with the checkpoints \\[\\]", message(options_file, folder)
    )
    write_checkpoint(folder / "model.ckpt-1250", arrays)
    load_elmo(options_file, folder)
    load_elmo(options_file, folder / "model.ckpt-1250.index")
    broken = {**arrays, "CNN/b_cnn_0": np.full(4, np.nan, "float32")}
    write_checkpoint(folder / "model.ckpt-2500", broken)
    text = message(options_file, folder)
    assert "['model.ckpt-1250', 'model.ckpt-2500']" in text
    # As copied from the machine of the training.
    (folder / "checkpoint").write_text(
        'model_checkpoint_path: "/gone/run/model.ckpt-1250"\n'
        'all_model_checkpoint_paths: "/gone/run/model.ckpt-2500"\n'
    )
    load_elmo(options_file, folder)
