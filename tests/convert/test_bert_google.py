"""TensorFlow 1 checkpoints of google-research/bert."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from bert_files import (
    arrays,
    as_google,
    check,
    check_heads,
    close,
    config,
    write_checkpoint,
    write_json,
)
from parity import bert_numpy

from keras_ctx.convert import load_bert

FIXTURE = Path(__file__).parents[3] / "shared" / "fixtures" / "bert_tf1"


def written(tmp_path: Path, named, **changes) -> Path:
    folder = write_checkpoint(tmp_path / "bert", as_google(named))
    write_json(folder / "bert_config.json", config(**changes))
    return folder


def test_gelu_is_the_tanh_form(tmp_path: Path) -> None:
    named = arrays()
    check(load_bert(written(tmp_path, named)), named, "gelu_tanh")


def test_relu(tmp_path: Path) -> None:
    named = arrays()
    folder = written(tmp_path, named, hidden_act="relu")
    check(load_bert(folder), named, "relu")


def test_heads(tmp_path: Path) -> None:
    named = arrays(heads=True)
    model = load_bert(written(tmp_path, named), heads=True)
    check_heads(model, named, "gelu_tanh")


def test_state_of_training_is_left(tmp_path: Path) -> None:
    named = arrays(heads=True)
    training = {
        f"{name}/{slot}": np.zeros_like(array)
        for name, array in as_google(named).items()
        for slot in ("adam_m", "adam_v")
    }
    training["global_step"] = np.array(5, "int64")
    training["output_weights"] = np.zeros((3, 8), "float32")  # a classifier's
    folder = write_checkpoint(
        tmp_path / "bert", {**as_google(named), **training}
    )
    write_json(folder / "bert_config.json", config())
    check(load_bert(folder), named, "gelu_tanh")
    check_heads(load_bert(folder, heads=True), named, "gelu_tanh")


def test_one_of_several_checkpoints(tmp_path: Path) -> None:
    first, second = arrays(seed=1), arrays(seed=2)
    folder = write_checkpoint(tmp_path, as_google(first), "model.ckpt-10")
    write_checkpoint(tmp_path, as_google(second), "model.ckpt-20")
    write_json(folder / "bert_config.json", config())
    check(load_bert(folder / "model.ckpt-20"), second, "gelu_tanh")
    with pytest.raises(ValueError, match=r"'model\.ckpt-10', 'model\.ckpt-20'"):
        load_bert(folder)
    state = 'model_checkpoint_path: "/elsewhere/model.ckpt-10"\n'
    (folder / "checkpoint").write_text(state)
    check(load_bert(folder), first, "gelu_tanh")


@pytest.mark.skipif(not FIXTURE.is_dir(), reason="../shared is not here")
def test_checkpoint_of_google(tmp_path: Path) -> None:
    reader = tf.train.load_checkpoint(str(FIXTURE / "bert_model.ckpt"))
    named = {
        name.removeprefix("bert/"): reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
    }
    content = json.loads((FIXTURE / "bert_config.json").read_text())
    ids = np.array([2, 9, 5, 14, 3], "int32")
    segments = np.array([0, 0, 1, 1, 1], "int32")
    layers, pooled = bert_numpy.encoder(
        named,
        ids,
        segments,
        content["num_hidden_layers"],
        content["num_attention_heads"],
        "gelu_tanh",
        norm_first=False,
    )
    inputs = {
        "token_ids": ids[None],
        "segment_ids": segments[None],
        "padding_mask": np.ones((1, 5), bool),
    }
    outputs = load_bert(FIXTURE)(inputs)
    for ours, expected in zip(outputs["layers"], layers, strict=True):
        close(ours[0], expected)
    close(outputs["pooled"][0], pooled)
    # It is untrained and has both heads.
    positions = {"masked_positions": np.array([[1, 4]], "int32")}
    masked, classes = bert_numpy.heads(
        {
            **named,
            "cls/seq_relationship/kernel": named[
                "cls/seq_relationship/output_weights"
            ].T,
            "cls/seq_relationship/bias": named[
                "cls/seq_relationship/output_bias"
            ],
        },
        layers[-1],
        pooled,
        np.array([1, 4]),
        "gelu_tanh",
    )
    outputs = load_bert(FIXTURE, heads=True)({**inputs, **positions})
    close(outputs["masked_lm"][0], masked)
    close(outputs["next_sentence"][0], classes[::-1])
