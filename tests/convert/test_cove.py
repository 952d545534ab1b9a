"""The MT-LSTM from the names of torch.nn.LSTM, beside NumPy."""

from pathlib import Path

import numpy as np
import pytest
from parity.recurrent_numpy import mt_lstm, random_mt_lstm
from safetensors.numpy import save_file

from keras_ctx.convert import load_cove

D, H, V = 6, 5, 9
VECTORS = np.random.default_rng(5).normal(size=(V, D))
IDS = np.array([[3, 9, 1, 4], [2, 8, 0, 0]])


def written(tmp_path: Path, change=None, layers: int = 2) -> tuple[Path, dict]:
    arrays = random_mt_lstm(D, H, layers)
    if change is not None:
        change(arrays)
    path = tmp_path / "cove.safetensors"
    save_file(arrays, path)
    return path, arrays


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_layers_are_those_of_numpy(layers: int, tmp_path: Path) -> None:
    path, arrays = written(tmp_path, layers=layers)
    encoder = load_cove(path, VECTORS, layer0=True, dropout=0.1, name="mine")
    outputs = encoder({"word_ids": IDS})
    for row, length in ((0, 4), (1, 2)):
        expected = mt_lstm(arrays, VECTORS[IDS[row, :length] - 1])
        for ours, theirs in zip(outputs["layers"], expected, strict=True):
            np.testing.assert_allclose(
                ours[row, :length, : theirs.shape[1]],
                *(theirs, 0, 1e-5),
            )
    assert outputs["sequence"].shape == (2, 4, layers * 2 * H)
    assert encoder.name == "mine"
    assert encoder.get_layer("dropout_0").rate == 0.1
    table = encoder.get_layer("word_embedding")
    assert not table.trainable and len(encoder.trainable_weights) == 6 * layers
    np.testing.assert_array_equal(table.get_weights()[0][0], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda x: x.pop("weight_ih_l1_reverse"),
            r"missing: weight_ih_l1_reverse \(20, 10\)",
        ),
        (
            lambda x: x.pop("bias_ih_l0"),
            r"missing: bias_ih_l0 \+ bias_hh_l0(.|\n)*not known: bias_hh_l0",
        ),
        (
            lambda x: x.update(weight_ih_l1=x["weight_ih_l1"][:, 1:].copy()),
            r"other shape: weight_ih_l1: .*\(20, 10\), the file has \(20, 9\)",
        ),
        (
            lambda x: x.update(weight_hr_l0=np.ones(3, "float32")),
            r"not known: weight_hr_l0 \(3,\)",
        ),
        (
            lambda x: x["bias_hh_l1"].__setitem__(0, np.inf),
            r"bias_ih_l1 \+ bias_hh_l1: 1 of 20 are NaN or infinite",
        ),
        (lambda x: x.pop("weight_hh_l0"), "`path` must have `weight_ih_l0`"),
    ],
)
def test_arrays_that_do_not_belong_together(
    change, message: str, tmp_path: Path
) -> None:
    path, _ = written(tmp_path, change)
    with pytest.raises(ValueError, match=message):
        load_cove(path, VECTORS)


def test_error_of_word_vectors(tmp_path: Path) -> None:
    path, _ = written(tmp_path)
    for wrong in (VECTORS[:, 1:], VECTORS[0], VECTORS[:0]):
        with pytest.raises(ValueError, match=r"have the shape \(V, 6\)"):
            load_cove(path, wrong)
    for wrong in (np.where(VECTORS > 2, np.nan, VECTORS), VECTORS.astype(str)):
        wrong[0, 0] = np.nan if wrong.dtype.kind == "f" else "a"
        with pytest.raises(ValueError, match="must hold finite numbers"):
            load_cove(path, wrong)


def test_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "wmtlstm-8f474287.pth"
    path.write_bytes(b"\x80\x02.")
    with pytest.raises(ValueError, match=r"pickle(.|\n)*recurrent.md"):
        load_cove(path, VECTORS)
