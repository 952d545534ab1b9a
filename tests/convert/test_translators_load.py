"""Marian and tensor2tensor translators beside NumPy and stored numbers."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from beam_stored import assert_stored_searches
from safetensors.numpy import save_file

from keras_ctx.convert import load_marian, load_tensor2tensor, marian_ids

SHARED = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
D, HEADS, INNER, LAYERS, V = 8, 2, 12, 2, 13
SOURCE, TARGET = [4, 5, 6, 1], [0, 7, 7, 3, 2]


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def norm(x: np.ndarray, gain: Any, bias: Any, epsilon: float) -> np.ndarray:
    x = x - x.mean(axis=1, keepdims=True)
    return (
        x / np.sqrt((x**2).mean(axis=1, keepdims=True) + epsilon) * gain + bias
    )


def attention(q, k, v, causal: bool) -> np.ndarray:
    size, out = D // HEADS, []
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        dots = q[:, part] @ k[:, part].T / math.sqrt(size)
        if causal:
            dots = np.where(np.tril(np.ones_like(dots)) > 0, dots, -np.inf)
        out.append(softmax(dots) @ v[:, part])
    return np.concatenate(out, axis=1)


def of(model: Any, source: list[int], target: list[int]) -> np.ndarray:
    features = {
        "token_ids": np.array([source]),
        "padding_mask": np.ones((1, len(source)), "bool"),
        "decoder_token_ids": np.array([target]),
        "decoder_padding_mask": np.ones((1, len(target)), "bool"),
    }
    return np.asarray(model(features)["next_token"])[0]


def marian_config(**changes) -> dict:
    return {
        "model_type": "marian",
        "vocab_size": V,
        "d_model": D,
        "encoder_layers": LAYERS,
        "encoder_attention_heads": HEADS,
        "encoder_ffn_dim": INNER,
        "decoder_layers": LAYERS,
        "decoder_attention_heads": HEADS,
        "decoder_ffn_dim": INNER,
        "max_position_embeddings": 16,
        "activation_function": "swish",
        "scale_embedding": True,
        "decoder_start_token_id": V - 1,
        "eos_token_id": 0,
        "pad_token_id": V - 1,
        **changes,
    }


def marian_arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(9)
    shapes: dict[str, tuple[int, ...]] = {
        "model.shared.weight": (V, D),
        "final_logits_bias": (1, V),
    }

    def dense(name: str, rows: int, columns: int) -> None:
        shapes[f"{name}.weight"] = (rows, columns)
        shapes[f"{name}.bias"] = (rows,)

    for side in ("encoder", "decoder"):
        for i in range(LAYERS):
            name = f"model.{side}.layers.{i}"
            parts = ["self_attn"]
            if side == "decoder":
                parts.append("encoder_attn")
            for part in parts:
                for letter in ("q", "k", "v", "out"):
                    dense(f"{name}.{part}.{letter}_proj", D, D)
                shapes |= {
                    f"{name}.{part}_layer_norm.{x}": (D,)
                    for x in ("weight", "bias")
                }
            dense(f"{name}.fc1", INNER, D)
            dense(f"{name}.fc2", D, INNER)
            shapes |= {
                f"{name}.final_layer_norm.{x}": (D,) for x in ("weight", "bias")
            }
    return {
        name: (0.6 * random.normal(size=shape)).astype("float32")
        for name, shape in shapes.items()
    }


def marian_logits(arrays: dict, source: list[int], target: list[int]):
    w = {name: x.astype("float64") for name, x in arrays.items()}

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def embed(ids):
        rates = 10000.0 ** -(np.arange(0, D, 2) / D)
        angles = np.arange(len(ids))[:, None] * rates
        positions = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        return w["model.shared.weight"][ids] * math.sqrt(D) + positions

    def attend(x, keys, name, causal):
        parts = (
            linear(x, f"{name}.q_proj"),
            linear(keys, f"{name}.k_proj"),
            linear(keys, f"{name}.v_proj"),
        )
        return linear(attention(*parts, causal), f"{name}.out_proj")

    def added(x, y, name):
        return norm(x + y, w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)

    def network(x, name):
        x = linear(x, f"{name}.fc1")
        return linear(x / (1 + np.exp(-x)), f"{name}.fc2")

    x = embed(source)
    for i in range(LAYERS):
        name = f"model.encoder.layers.{i}"
        y = attend(x, x, f"{name}.self_attn", causal=False)
        x = added(x, y, f"{name}.self_attn_layer_norm")
        x = added(x, network(x, name), f"{name}.final_layer_norm")
    encoder, x = x, embed(target)
    for i in range(LAYERS):
        name = f"model.decoder.layers.{i}"
        y = attend(x, x, f"{name}.self_attn", causal=True)
        x = added(x, y, f"{name}.self_attn_layer_norm")
        y = attend(x, encoder, f"{name}.encoder_attn", causal=False)
        x = added(x, y, f"{name}.encoder_attn_layer_norm")
        x = added(x, network(x, name), f"{name}.final_layer_norm")
    return x @ w["model.shared.weight"].T + w["final_logits_bias"]


def write_marian(folder: Path, arrays: dict, settings: dict) -> Path:
    folder.mkdir(exist_ok=True)
    save_file(arrays, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


def test_marian_equals_numpy(tmp_path) -> None:
    arrays = marian_arrays()
    folder = write_marian(tmp_path / "marian", arrays, marian_config())
    found = of(load_marian(folder), SOURCE, TARGET)
    assert_close(found, marian_logits(arrays, SOURCE, TARGET))
    assert marian_ids(folder) == {"start_id": 12, "end_id": 0, "pad_id": 12}


def test_marian_copies_are_not_read(tmp_path) -> None:
    arrays = marian_arrays()
    copies = {
        f"model.{side}.embed_tokens.weight": arrays["model.shared.weight"] * 1
        for side in ("encoder", "decoder")
    }
    folder = write_marian(
        tmp_path / "marian", {**arrays, **copies}, marian_config()
    )
    found = of(load_marian(folder), SOURCE, TARGET)
    assert_close(found, marian_logits(arrays, SOURCE, TARGET))


MARIAN_CONFIGS = [
    ({"model_type": "bart"}, '`model_type` must be "marian"'),
    ({"share_encoder_decoder_embeddings": False}, "`share_encoder_decoder_em"),
    ({"normalize_embedding": True}, "`normalize_embedding` must be false"),
    ({"decoder_vocab_size": 99}, "`decoder_vocab_size` must be `vocab_size`"),
    ({"activation_function": "tanh"}, "`activation_function` must be one of"),
    ({"decoder_layers": 3}, "missing: model.decoder.layers.2.self_attn"),
    ({"encoder_layers": 1}, "not known: model.encoder.layers.1.fc1.bias"),
    ({"d_model": 16}, "other shape: model.shared.weight"),
]


@pytest.mark.parametrize(("changes", "message"), MARIAN_CONFIGS)
def test_refused_marian_configurations(tmp_path, changes, message) -> None:
    folder = write_marian(
        tmp_path / "marian", marian_arrays(), marian_config(**changes)
    )
    with pytest.raises(ValueError, match=message):
        load_marian(folder)


def t2t_arrays(shards: int) -> dict[str, np.ndarray]:
    """Returns the variables; the first shards have one row more."""
    random = np.random.default_rng(10)
    shapes: dict[str, tuple[int, ...]] = {
        "transformer/body/target_space_embedding/kernel": (32, D)
    }
    for shard in range(shards):
        rows = V // shards + (shard < V % shards)
        name = f"transformer/symbol_modality_{V}_{D}/shared/weights_{shard}"
        shapes[name] = (rows, D)

    def of_norm(name: str) -> None:
        for kind in ("scale", "bias"):
            path = f"{name}layer_prepostprocess/layer_norm/layer_norm_{kind}"
            shapes[f"transformer/body/{path}"] = (D,)

    for side in ("encoder", "decoder"):
        of_norm(f"{side}/")
        for i in range(LAYERS):
            name = f"{side}/layer_{i}"
            parts = ["self_attention"]
            if side == "decoder":
                parts.append("encdec_attention")
            for part in parts:
                of_norm(f"{name}/{part}/")
                for kernel in ("q", "k", "v", "output_transform"):
                    path = f"{name}/{part}/multihead_attention/{kernel}/kernel"
                    shapes[f"transformer/body/{path}"] = (D, D)
            of_norm(f"{name}/ffn/")
            for conv, shape in (("conv1", (D, INNER)), ("conv2", (INNER, D))):
                path = f"transformer/body/{name}/ffn/{conv}"
                shapes |= {f"{path}/kernel": shape, f"{path}/bias": shape[1:]}
    return {
        name: (0.6 * random.normal(size=shape)).astype("float32")
        for name, shape in shapes.items()
    }


def t2t_logits(arrays: dict, source: list[int], target: list[int], space: int):
    w = {
        name.removeprefix("transformer/body/"): x.astype("float64")
        for name, x in arrays.items()
    }
    shards = sorted(
        (int(name.rpartition("_")[2]), x)
        for name, x in w.items()
        if "/shared/weights_" in name
    )
    table = np.concatenate([x for _, x in shards])

    def timing(count: int) -> np.ndarray:
        step = math.log(10000) / (D // 2 - 1)
        angles = np.arange(count)[:, None] * np.exp(-np.arange(D // 2) * step)
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)

    def embed(ids):
        ids = np.array(ids)
        return table[ids] * (ids != 0)[:, None] * math.sqrt(D)

    def normed(x, name):
        path = f"{name}layer_prepostprocess/layer_norm/layer_norm_"
        return norm(x, w[f"{path}scale"], w[f"{path}bias"], 1e-6)

    def attend(x, keys, name, causal):
        path = f"{name}/multihead_attention"
        parts = (
            x @ w[f"{path}/q/kernel"],
            keys @ w[f"{path}/k/kernel"],
            keys @ w[f"{path}/v/kernel"],
        )
        out = attention(*parts, causal)
        return out @ w[f"{path}/output_transform/kernel"]

    def network(x, name):
        x = x @ w[f"{name}/conv1/kernel"] + w[f"{name}/conv1/bias"]
        x = np.maximum(x, 0)
        return x @ w[f"{name}/conv2/kernel"] + w[f"{name}/conv2/bias"]

    x = embed(source) + w["target_space_embedding/kernel"][space]
    x = x + timing(len(source))
    for i in range(LAYERS):
        name = f"encoder/layer_{i}"
        y = normed(x, f"{name}/self_attention/")
        x = x + attend(y, y, f"{name}/self_attention", causal=False)
        x = x + network(normed(x, f"{name}/ffn/"), f"{name}/ffn")
    encoder = normed(x, "encoder/")
    # The targets are shifted after they are embedded: 0 begins.
    x = embed(target)
    assert not x[0].any()
    x = x + timing(len(target))
    for i in range(LAYERS):
        name = f"decoder/layer_{i}"
        y = normed(x, f"{name}/self_attention/")
        x = x + attend(y, y, f"{name}/self_attention", causal=True)
        y = normed(x, f"{name}/encdec_attention/")
        x = x + attend(y, encoder, f"{name}/encdec_attention", causal=False)
        x = x + network(normed(x, f"{name}/ffn/"), f"{name}/ffn")
    return normed(x, "decoder/") @ table.T


def write_t2t(folder: Path, arrays: dict, **changes) -> Path:
    folder.mkdir(exist_ok=True)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        for name, x in arrays.items():
            tf.compat.v1.get_variable(name, initializer=x)
        tf.compat.v1.get_variable("global_step", initializer=np.int64(1))
        name = "transformer/body/encoder/layer_0/ffn/conv1/bias"
        moments = np.zeros_like(arrays[name])
        tf.compat.v1.get_variable(f"{name}/Adam", initializer=moments)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver()
        saver.save(session, str(folder / "model.ckpt"), write_meta_graph=False)
    settings = {
        "hidden_size": D,
        "num_hidden_layers": LAYERS,
        "num_heads": HEADS,
        "filter_size": INNER,
        "layer_postprocess_sequence": "da",
        **changes,
    }
    (folder / "hparams.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("shards", [1, 11])
def test_tensor2tensor_equals_numpy(tmp_path, shards: int) -> None:
    arrays = t2t_arrays(shards)
    folder = write_t2t(tmp_path / "t2t", arrays)
    for space in (0, 17):
        model = load_tensor2tensor(folder, target_space_id=space)
        assert_close(
            of(model, SOURCE, TARGET),
            t2t_logits(arrays, SOURCE, TARGET, space),
        )


T2T_CONFIGS = [
    ({"num_hidden_layers": 3}, "missing: transformer/body/encoder/layer_2"),
    ({"num_hidden_layers": 1}, "not known: transformer/body/decoder/layer_1"),
    ({"hidden_size": 16}, "other shape: "),
    ({"layer_preprocess_sequence": "none"}, "`layer_preprocess_sequence` must"),
    ({"max_relative_position": 20}, "`max_relative_position` must be 0"),
]


@pytest.mark.parametrize(("changes", "message"), T2T_CONFIGS)
def test_refused_hyperparameters(tmp_path, changes, message) -> None:
    folder = write_t2t(tmp_path / "t2t", t2t_arrays(2), **changes)
    with pytest.raises(ValueError, match=message):
        load_tensor2tensor(folder, target_space_id=0)


def test_refused_space(tmp_path) -> None:
    folder = write_t2t(tmp_path / "t2t", t2t_arrays(2))
    with pytest.raises(ValueError, match="`target_space_id` must be from 0 to"):
        load_tensor2tensor(folder, target_space_id=32)


@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the stored numbers are not at {SHARED}"
)
def test_stored_logits() -> None:
    folder = SHARED / "beam" / "marian"
    stored = np.load(folder / "forward.npz")
    model = load_marian(folder)
    for row, mask in enumerate(stored["mask"].astype(bool)):
        found = of(
            model,
            stored["input_ids"][row][mask].tolist(),
            stored["decoder_input_ids"][row].tolist(),
        )
        # Logits up to 9: 1e-6 of the largest.
        np.testing.assert_allclose(
            found, stored["logits"][row], rtol=0, atol=1e-5
        )
    folder = SHARED / "t2t_transformer_toy"
    model = load_tensor2tensor(folder, target_space_id=0)
    assert model.get_layer("decoder_embeddings").vocabulary_size == 8190
    assert np.isfinite(of(model, [5, 8189, 1], [0, 9])).all()


@pytest.mark.slow
@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the stored numbers are not at {SHARED}"
)
@pytest.mark.parametrize("kind", ["gpt2", "marian"])
def test_stored_searches(kind: str) -> None:
    assert_stored_searches(SHARED / "beam" / kind)
