"""A path in a data file never leads out of its folder."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_ctx import convert, text
from keras_ctx.data.records.folder import open_records
from keras_ctx.data.vectors.folder import read_vectors

OUTSIDE = ["../secret", "/etc/passwd", "a/../../secret", "..", "a\\b", "", 7]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.mark.parametrize("vocabulary", ["/etc/passwd", "../vocab.txt", [1], {}])
@pytest.mark.parametrize("name", ["BertInputs", "WordInputs"])
def test_vocabulary_of_text_inputs(name, vocabulary, tmp_path):
    # Each would be a valid vocabulary if it were opened.
    (tmp_path.parent / "vocab.txt").write_text("\n".join(SPECIAL))
    config = {"vocabulary": vocabulary, "max_length": 8}
    path = tmp_path / "text_inputs.json"
    path.write_text(json.dumps({"class": name, "config": config}))
    for load in (
        lambda: text.load_inputs(path),
        lambda: convert.load_text_inputs(tmp_path),
    ):
        with pytest.raises(ValueError, match="must be a list of tokens"):
            load()


@pytest.mark.parametrize("name", OUTSIDE)
def test_shards_of_safetensors(name, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    save_file({"a": np.ones(1, "float32")}, tmp_path / "secret")
    config = {
        "vocab_size": 5,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "hidden_size": 4,
        "intermediate_size": 4,
    }
    (folder / "config.json").write_text(json.dumps(config))
    index = {"weight_map": {"a": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="to files in the same"):
        convert.load_bert(folder)


@pytest.mark.parametrize("name", OUTSIDE)
def test_files_of_a_manifest(name, tmp_path):
    file = {"name": name, "bytes": 0, "records": 1}
    manifest = {
        "settings": {"kind": "elmo", "split": "whitespace"},
        "source": {},
        "counts": {},
        "files": [file],
        "text_inputs": None,
        "text_inputs_sha256": None,
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="must be beside the manifest"):
        open_records(tmp_path)


@pytest.mark.parametrize("format", ["../secret", "/etc/passwd", [1], None])
def test_format_of_vectors(format, tmp_path):
    index = {"settings": {"format": format}, "num_lines": 1, "num_shards": 1}
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"index\.json: .* `format` one of"):
        list(read_vectors(tmp_path))
