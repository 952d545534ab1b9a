"""Writes files of BERT in others' formats, and checks a BERT loaded from them.

Arrays have the names of google-research/bert without the leading `bert/`. Other
names are derived here by renaming, independently of the library's tables. The
expected answers are computed with NumPy.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from parity import bert_numpy
from safetensors.numpy import save_file

Arrays = dict[str, np.ndarray]

V, L, H, D, F, T, S = 17, 2, 2, 8, 12, 9, 2
LENGTHS = [6, 2, 1]
POSITIONS = np.array([[5, 0, 2], [1, 1, 0], [0, 0, 0]], "int32")


def arrays(heads: bool = False, seed: int = 7) -> Arrays:
    """Returns random float32 arrays of an encoder, and of the two heads."""
    generator = np.random.default_rng(seed)
    made: Arrays = {}

    def put(name: str, *shape: int, scale: float = 0.6) -> None:
        numbers = scale * generator.normal(size=shape)
        made[name] = (numbers + name.endswith("gamma")).astype("float32")

    def dense(name: str, inputs: int, outputs: int) -> None:
        put(f"{name}/kernel", inputs, outputs)
        put(f"{name}/bias", outputs)

    def norm(name: str) -> None:
        put(f"{name}/gamma", D, scale=0.3)
        put(f"{name}/beta", D, scale=0.3)

    put("embeddings/word_embeddings", V, D)
    put("embeddings/position_embeddings", T, D)
    put("embeddings/token_type_embeddings", S, D)
    norm("embeddings/LayerNorm")
    for i in range(L):
        name = f"encoder/layer_{i}"
        for part in ("query", "key", "value"):
            dense(f"{name}/attention/self/{part}", D, D)
        dense(f"{name}/attention/output/dense", D, D)
        norm(f"{name}/attention/output/LayerNorm")
        dense(f"{name}/intermediate/dense", D, F)
        dense(f"{name}/output/dense", F, D)
        norm(f"{name}/output/LayerNorm")
    dense("pooler/dense", D, D)
    if heads:
        dense("cls/predictions/transform/dense", D, D)
        norm("cls/predictions/transform/LayerNorm")
        put("cls/predictions/output_bias", V)
        put("cls/seq_relationship/output_weights", 2, D)
        put("cls/seq_relationship/output_bias", 2)
    return made


def config(**changes: Any) -> dict[str, Any]:
    """Returns the content of config.json, and of bert_config.json."""
    return {
        "model_type": "bert",
        "vocab_size": V,
        "hidden_size": D,
        "num_hidden_layers": L,
        "num_attention_heads": H,
        "intermediate_size": F,
        "hidden_act": "gelu",
        "max_position_embeddings": T,
        "type_vocab_size": S,
        **changes,
    }


def as_torch(
    named: Mapping[str, np.ndarray], prefix: str = "", norms: str = "new"
) -> Arrays:
    """Returns the tensors of a PyTorch state dict.

    Args:
        named: Arrays by Google's names.
        prefix: Prefix of the encoder's names.
        norms: "new" for weight and bias, "old" for gamma and beta.
    """
    tensors = {}
    for name, array in named.items():
        dotted = name.replace("layer_", "layer.").replace("/", ".")
        if dotted.endswith("kernel"):
            dotted, array = dotted[: -len("kernel")] + "weight", array.T
        if norms == "new":
            dotted = dotted.replace("LayerNorm.gamma", "LayerNorm.weight")
            dotted = dotted.replace("LayerNorm.beta", "LayerNorm.bias")
        if dotted.endswith("_embeddings"):
            dotted += ".weight"
        dotted = dotted.replace("output_weights", "weight")
        dotted = dotted.replace("output_bias", "bias")
        if not dotted.startswith("cls."):
            dotted = prefix + dotted
        tensors[dotted] = np.ascontiguousarray(array)
    return tensors


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def write_huggingface(
    folder: Path,
    tensors: Mapping[str, np.ndarray],
    content: Mapping[str, Any] | None = None,
    shards: int = 1,
) -> Path:
    """Writes config.json and the tensors, in one file or several."""
    folder.mkdir(exist_ok=True)
    write_json(folder / "config.json", config() if content is None else content)
    if shards == 1:
        save_file(dict(tensors), folder / "model.safetensors")
        return folder
    names = sorted(tensors)
    weight_map = {}
    for i in range(shards):
        shard = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[i::shards]}
        save_file(part, folder / shard)
        weight_map.update(dict.fromkeys(part, shard))
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    write_json(folder / "model.safetensors.index.json", index)
    return folder


def write_checkpoint(
    folder: Path, named: Mapping[str, np.ndarray], name: str = "bert_model.ckpt"
) -> Path:
    """Writes a checkpoint with exactly these names."""
    folder.mkdir(exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(folder / name),
        tensor_names=list(named),
        shape_and_slices=[""] * len(named),
        tensors=list(named.values()),
    )
    return folder


def as_google(named: Mapping[str, np.ndarray]) -> Arrays:
    """Renames arrays as in a checkpoint."""
    return {
        name if name.startswith("cls/") else f"bert/{name}": array
        for name, array in named.items()
    }


def batch() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(8)
    shape = (len(LENGTHS), max(LENGTHS))
    return {
        "token_ids": generator.integers(0, V, shape).astype("int32"),
        "segment_ids": generator.integers(0, S, shape).astype("int32"),
        "padding_mask": np.arange(shape[1])[None] < np.array(LENGTHS)[:, None],
    }


def close(ours, expected: np.ndarray) -> None:
    ours = keras.ops.convert_to_numpy(ours)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def check(
    model: keras.Model,
    named: Mapping[str, np.ndarray],
    activation: str = "gelu",
    epsilon: float = 1e-12,
    pooler: bool = True,
) -> None:
    """Checks that our encoder answers as NumPy does with these arrays."""
    inputs = batch()
    outputs = model(inputs)
    no_pooler = {
        "pooler/dense/kernel": np.eye(D),
        "pooler/dense/bias": np.zeros(D),
    }
    for k, length in enumerate(LENGTHS):
        layers, pooled = bert_numpy.encoder(
            {**no_pooler, **named},
            inputs["token_ids"][k, :length],
            inputs["segment_ids"][k, :length],
            L,
            H,
            activation,
            norm_first=False,
            epsilon=epsilon,
        )
        for ours, expected in zip(outputs["layers"], layers, strict=True):
            close(ours[k, :length], expected)
        if pooler:
            close(outputs["pooled"][k], pooled)


def check_heads(
    model: keras.Model,
    named: Mapping[str, np.ndarray],
    activation: str = "gelu",
    next_sentence: bool = True,
) -> None:
    """Checks our pretrainer against NumPy, with the classes swapped."""
    inputs = batch()
    outputs = model({**inputs, "masked_positions": POSITIONS})
    for k, length in enumerate(LENGTHS):
        layers, pooled = bert_numpy.encoder(
            named,
            inputs["token_ids"][k, :length],
            inputs["segment_ids"][k, :length],
            L,
            H,
            activation,
            norm_first=False,
        )
        # The files have the transposed kernel of NumPy's dense layer.
        weights = named["cls/seq_relationship/output_weights"].T
        masked, classes = bert_numpy.heads(
            {
                **named,
                "cls/seq_relationship/kernel": weights,
                "cls/seq_relationship/bias": named[
                    "cls/seq_relationship/output_bias"
                ],
            },
            layers[-1],
            pooled,
            POSITIONS[k],
            activation,
        )
        close(outputs["masked_lm"][k], masked)
        if next_sentence:
            close(outputs["next_sentence"][k], classes[::-1])
