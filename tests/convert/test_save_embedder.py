"""Folders for sentence-transformers, beside those that tests write by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bert_files import D
from safetensors.numpy import load_file
from sentence_files import pooling, write_dense, write_sentence_folder

from keras_ctx import convert, models, text

TEXTS = ["the good bank", "RIVER für", "a b the river bank good a b the"]


def contents(folder: Path) -> tuple[list, dict, dict[str, np.ndarray]]:
    """Returns the kinds and paths of modules, the true flags, the tensors."""

    def read(path: str) -> Any:
        return json.loads((folder / path).read_text("utf-8"))

    modules = [(x["type"], x["path"]) for x in read("modules.json")]
    flags = {key: x for key, x in read("1_Pooling/config.json").items() if x}
    tensors = {
        f"{path.parent.name}/{name}" if path.parent != folder else name: x
        for path in folder.rglob("model.safetensors")
        for name, x in load_file(path).items()
    }
    return modules, flags, tensors


@pytest.mark.parametrize("name", ["minilm", "labse"])
def test_a_folder_is_written_as_it_was_read(name: str, tmp_path: Path) -> None:
    if name == "minilm":
        folder = write_sentence_folder(
            tmp_path / name,
            pooling("mean_tokens", include_prompt=True),
            "Normalize",
            sentence_config={"max_seq_length": 6, "do_lower_case": False},
        )
    else:
        folder = write_sentence_folder(
            tmp_path / name,
            pooling("cls_token", "max_tokens", include_prompt=True),
            *("Dense", "Dense", "Normalize"),
            lower_case=False,
        )
        write_dense(folder / "2_Dense", 2 * D, 5)
        write_dense(folder / "3_Dense", 5, 3, "linear.Identity", False)
    model, inputs = convert.load_embedder(folder)
    made = tmp_path / "made"
    convert.save_embedder(model, made, inputs)
    (modules, flags, tensors), found = contents(folder), contents(made)
    assert found[:2] == (modules, flags)
    # An embedder has no pooler; heads are not part of it.
    expected = {
        key: x
        for key, x in tensors.items()
        if "pooler" not in key and not key.startswith("cls.")
    }
    prefix = "bert." if any(x.startswith("bert.") for x in expected) else ""
    assert {key.removeprefix(prefix) for key in expected} == set(found[2])
    for key, x in expected.items():
        np.testing.assert_array_equal(found[2][key.removeprefix(prefix)], x)
    for path in folder.glob("*_Dense/config.json"):
        other = made / path.relative_to(folder)
        assert json.loads(other.read_text()) == json.loads(path.read_text())
    # The vectors are equal, and so are lengths and case.
    again, read = convert.load_embedder(made)
    assert read.max_length == inputs.max_length
    assert read.lower_case == (name == "minilm")  # type: ignore
    for key, x in inputs(TEXTS).items():
        np.testing.assert_array_equal(read(TEXTS)[key], x)
    np.testing.assert_allclose(
        again(read(TEXTS))["embedding"],
        model(inputs(TEXTS))["embedding"],
        rtol=0,
        atol=1e-6,
    )


def test_lora_is_merged(tmp_path: Path) -> None:
    folder = write_sentence_folder(tmp_path / "a", pooling("mean_tokens"))
    model, inputs = convert.load_embedder(folder, normalize=True)
    models.enable_lora(model, 2)
    for weight in model.weights:
        if "lora" in weight.path:
            weight.assign(np.full(weight.shape, 0.1))
    convert.save_embedder(model, tmp_path / "made", inputs)
    again, _ = convert.load_embedder(tmp_path / "made")
    expected = model(inputs(TEXTS))["embedding"]
    np.testing.assert_allclose(
        again(inputs(TEXTS))["embedding"], expected, rtol=0, atol=1e-5
    )
    before, _ = convert.load_embedder(folder, normalize=True)
    assert np.abs(before(inputs(TEXTS))["embedding"] - expected).max() > 1e-2


def test_another_pooling_than_the_folder_says(tmp_path: Path) -> None:
    folder = write_sentence_folder(tmp_path / "a", pooling("mean_tokens"))
    model, inputs = convert.load_embedder(folder, pooling=["max", "cls"])
    plain = convert.load_embedder(folder)[0](inputs(TEXTS))["embedding"]
    assert model.output["embedding"].shape == (None, 2 * D)
    normal, _ = convert.load_embedder(folder, normalize=True)
    np.testing.assert_allclose(
        normal(inputs(TEXTS))["embedding"],
        plain / np.linalg.norm(plain, axis=-1, keepdims=True),
        rtol=0,
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="`pooling` must be one or several"):
        convert.load_embedder(folder, pooling=["sum"])
    model.save(tmp_path / "model.keras")
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    with pytest.raises(ValueError, match="is an embedder, which has its own"):
        convert.load_embedder(tmp_path, normalize=False)


def test_refusals(tmp_path: Path) -> None:
    folder = write_sentence_folder(tmp_path / "a", pooling("mean_tokens"))
    encoder, inputs = (
        convert.load_encoder(folder),
        convert.load_text_inputs(folder),
    )
    made = tmp_path / "made"

    def refused(message: str, model, inputs=inputs) -> None:
        with pytest.raises(ValueError, match=message):
            convert.save_embedder(model, made, inputs)
        assert not made.exists()

    refused(
        "must be `BertInputs`", models.embedder(encoder), text.ElmoInputs(5)
    )
    characters = inputs.with_settings(split="character", strip_accents=None)
    refused('`split="wordpiece"`', models.embedder(encoder), characters)
    deep = models.bert_encoder(17, 3, 2, 8, 12, max_length=9)
    for mix in ("scalar_mix", "concat_last_4"):
        refused("of the last layer", models.embedder(deep, mix))
    refused("without skipped", models.embedder(encoder, num_skipped=2))
    swish = models.embedder(encoder, dense=[(3, "swish", True)])
    refused("an activation among", swish)
    refused("which pools no tokens|of the last", models.classifier(encoder, 2))
    elmo = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    refused("must be a model of `bert_encoder`", models.embedder(elmo))
