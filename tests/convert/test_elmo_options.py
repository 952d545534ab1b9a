"""Options files that cannot be read: each error names the key."""

from pathlib import Path
from typing import Any

import pytest
from official_files import (
    arrays_of,
    content_of,
    write_hdf5,
    write_options,
)
from parity.elmo_variants import BASE

from keras_ctx.convert import load_elmo


def message(options_file: Path) -> str:
    # Options are read first, so no weights are needed.
    with pytest.raises(ValueError) as caught:
        load_elmo(options_file, options_file.with_name("none"))
    assert str(options_file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"{'lstm': 1}"])
def test_no_json(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    path.write_bytes(content)
    assert "`options_file` must be JSON in UTF-8" in message(path)


def test_no_object(tmp_path: Path) -> None:
    path = write_options(tmp_path / "options.json", [1])
    assert "must hold one JSON object" in message(path)


@pytest.mark.parametrize(
    "key",
    [
        "lstm",
        "lstm.dim",
        "lstm.projection_dim",
        "char_cnn.activation",
        "char_cnn.embedding",
        "char_cnn.embedding.dim",
        "char_cnn.filters",
        "char_cnn.n_characters",
        "char_cnn.max_characters_per_token",
    ],
)
def test_missing_key(key: str, tmp_path: Path) -> None:
    content: dict[str, Any] = content_of(BASE)
    *parents, last = key.split(".")
    block = content
    for parent in parents:
        block = block[parent]
    del block[last]
    text = message(write_options(tmp_path / "options.json", content))
    assert f"`{key}" in text
    assert "is missing" in text


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("lstm", 3, "must be an object, for `lstm.dim`"),
        ("lstm.dim", "12", "an integer of at least 1. Received: '12'"),
        ("lstm.dim", 12.0, "an integer of at least 1. Received: 12.0"),
        ("lstm.dim", None, "an integer of at least 1. Received: None"),
        ("lstm.projection_dim", 0, "an integer of at least 1. Received: 0"),
        ("lstm.n_layers", True, "an integer of at least 1. Received: True"),
        ("lstm.cell_clip", 0, "a number above 0, or null. Received: 0"),
        ("lstm.proj_clip", "3", "a number above 0, or null. Received: '3'"),
        ("lstm.proj_clip", float("nan"), "above 0, or null. Received: nan"),
        ("lstm.use_skip_connections", 1, "true or false. Received: 1"),
        ("char_cnn", None, "must be an object, for `char_cnn.activation`"),
        ("char_cnn.activation", "gelu", '"relu" or "tanh". Received: \'ge'),
        ("char_cnn.activation", [1], '"relu" or "tanh". Received: [1]'),
        ("char_cnn.filters", [], "a list of pairs [width, count]"),
        ("char_cnn.filters", [[1, 2, 3]], "a list of pairs [width, count]"),
        ("char_cnn.filters", [[1, 0]], "a list of pairs [width, count]"),
        ("char_cnn.filters", "1:4", "a list of pairs [width, count]"),
        ("char_cnn.n_highway", -1, "an integer of at least 0. Received: -1"),
        ("char_cnn.n_characters", 260, "261 (the ids of training) or 262"),
        ("char_cnn.n_characters", 263, "shifted by one so that 0 is padding"),
        ("char_cnn.max_characters_per_token", 3, "the widest filter, 4"),
        ("bidirectional", False, "has no backward half"),
        ("dropout", 1, "a rate of at least 0 and below 1. Received: 1"),
        ("n_tokens_vocab", 1.5, "an integer of at least 1. Received: 1.5"),
    ],
)
def test_wrong_value(key: str, value, rule: str, tmp_path: Path) -> None:
    content: dict[str, Any] = content_of(BASE)
    *parents, last = key.split(".")
    block = content
    for parent in parents:
        block = block[parent]
    block[last] = value
    text = message(write_options(tmp_path / "options.json", content))
    assert f"`{key}`" in text
    assert rule in text


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    content: dict[str, Any] = content_of(BASE)
    content["lstm"] = {"dim": -1}
    content["char_cnn"]["n_characters"] = 300
    text = message(write_options(tmp_path / "options.json", content))
    for key in ("lstm.dim", "lstm.projection_dim", "char_cnn.n_characters"):
        assert f"`{key}`" in text


def test_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = write_options(tmp_path / "options.json", content_of(BASE))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    load_elmo(path, write_hdf5(tmp_path / "weights", arrays_of(BASE)))


def test_sizes_beyond_memory_are_refused_before_a_model_is_made(
    tmp_path: Path,
) -> None:
    content: dict[str, Any] = content_of(BASE)
    content["lstm"]["dim"] = 10**15
    path = write_options(tmp_path / "options.json", content)
    weights_file = write_hdf5(tmp_path / "weights", arrays_of(BASE))
    with pytest.raises(ValueError, match="other shape: RNN_0/.*4000000000000"):
        load_elmo(path, weights_file)
