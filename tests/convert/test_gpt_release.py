"""GPT from OpenAI's release: flat arrays in params_*.npy, beside NumPy."""

import json
from pathlib import Path

import numpy as np
import pytest
from gpt_files import LAYERS, arrays, logits
from test_gpt_load import IDS, of

from keras_ctx.convert import load_encoder, load_gpt
from keras_ctx.convert.gpt.shards import read_shapes

# Two heads of 64 features.
WIDTH = 128
BLOCK = (
    *("attn.c_attn", "attn.c_proj", "ln_1"),
    *("mlp.c_fc", "mlp.c_proj", "ln_2"),
)
RELEASE = [
    *([512, 768], [40478, 768]),
    *12
    * [
        *([1, 768, 2304], [2304], [1, 768, 768], [768], [768], [768]),
        *([1, 768, 3072], [3072], [1, 3072, 768], [768], [768], [768]),
    ],
]


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    return arrays(gpt1=True, width=WIDTH)


def in_order(found: dict) -> list[np.ndarray]:
    names = ["positions_embed.weight", "tokens_embed.weight"]
    for i in range(LAYERS):
        for part in BLOCK:
            names += [f"h.{i}.{part}.weight", f"h.{i}.{part}.bias"]
    assert set(names) == set(found)
    return [
        x[None] if x.ndim == 2 and name[0] == "h" else x
        for name in names
        for x in [found[name]]
    ]


def write(folder: Path, found: dict, files: int = 10) -> Path:
    """Writes the arrays as the release has them."""
    folder.mkdir(exist_ok=True)
    parts = in_order(found)
    shapes = [x.shape for x in parts]
    (folder / "params_shapes.json").write_text(json.dumps(shapes))
    flat = np.concatenate([x.ravel() for x in parts])
    for i, part in enumerate(np.array_split(flat, files)):
        np.save(folder / f"params_{i}.npy", part)
    return folder


@pytest.mark.parametrize("files", [1, 10])
def test_logits_equal_numpy(tmp_path, found, files: int) -> None:
    folder = write(tmp_path, found, files)
    load = load_gpt if files == 1 else load_encoder
    # Logits up to 60: 1e-6 of the largest.
    np.testing.assert_allclose(
        of(load(folder)), logits(found, IDS, gpt1=True), rtol=0, atol=5e-5
    )


def test_sizes_of_the_release(tmp_path) -> None:
    path = tmp_path / "params_shapes.json"
    path.write_text(json.dumps(RELEASE))
    assert read_shapes(path) == {
        "vocabulary_size": 40478,
        "num_layers": 12,
        "num_heads": 12,
        "hidden_dim": 768,
        "intermediate_dim": 3072,
        "max_length": 512,
        "norm_first": False,
    }


def test_refused_files(tmp_path, found) -> None:
    folder = write(tmp_path, found)
    (folder / "params_7.npy").rename(folder / "kept")
    with pytest.raises(ValueError, match="params_6.npy. Get params_7.npy and"):
        load_gpt(folder)
    np.save(folder / "params_7.npy", np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match=r"params_7.* flat .*float32 \(2, 3"):
        load_gpt(folder)
    np.save(folder / "params_7.npy", np.zeros(3, "int32"))
    with pytest.raises(ValueError, match="flat array of floating .*int32"):
        load_gpt(folder)
    objects = np.array([{}], dtype=object)
    np.save(folder / "params_7.npy", objects, allow_pickle=True)
    with pytest.raises(ValueError, match="damaged.*Python objects in dtype"):
        load_gpt(folder)
    (folder / "params_7.npy").write_bytes((folder / "kept").read_bytes()[:-40])
    with pytest.raises(ValueError, match="cut off or damaged.*params_7.npy"):
        load_gpt(folder)
    (folder / "params_0.npy").unlink()
    with pytest.raises(FileNotFoundError, match="params_0.npy"):
        load_gpt(folder)


def test_refused_numbers(tmp_path, found) -> None:
    bad = {name: x.copy() for name, x in found.items()}
    bad["h.1.ln_2.bias"][3] = np.nan
    folder = write(tmp_path, bad)
    with pytest.raises(ValueError, match="model/h1/ln_2/b: 1 of 128 are NaN"):
        load_gpt(folder)


def of_width(width: int) -> list[list[int]]:
    found = arrays(gpt1=True, width=width)
    return [[*x.shape] for x in in_order(found)]


SHAPES = [
    ({}, "must list the shapes of GPT's arrays"),
    (RELEASE[:-1], "must list the shapes"),
    ([[512], *RELEASE[1:]], "must list the shapes"),
    ([[512, -3], *RELEASE[1:]], "must list the shapes"),
    (of_width(96), "a multiple of 64, those of a head of GPT. Received: 96"),
    (RELEASE[:14], "have the numbers of params_shapes.json together: 38,568"),
    (
        [*of_width(WIDTH)[:3], [2, 192], *of_width(WIDTH)[4:]],
        r"(?s)other shape: model/h0/attn/c_attn/b: .* \(384,\), .* \(2, 192\)"
        ".*Use the params_shapes.json that",
    ),
]


@pytest.mark.parametrize(("shapes", "message"), SHAPES)
def test_refused_shapes(tmp_path, found, shapes, message) -> None:
    folder = write(tmp_path, found)
    (folder / "params_shapes.json").write_text(json.dumps(shapes))
    with pytest.raises(ValueError, match=message):
        load_gpt(folder)


def test_shapes_that_are_no_json(tmp_path, found) -> None:
    folder = write(tmp_path, found)
    (folder / "params_shapes.json").write_text("[[512, 768],")
    with pytest.raises(ValueError, match="must be JSON in UTF-8"):
        load_gpt(folder)
