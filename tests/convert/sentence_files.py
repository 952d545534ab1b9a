"""Writes small folders of sentence-transformers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from bert_files import (
    D,
    V,
    arrays,
    as_torch,
    config,
    write_huggingface,
    write_json,
)
from safetensors.numpy import save_file

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["query", ":", "good", "bank", "##s", "river", "the", "passage"]
WORDS += ["für", "fur", "a", "b"]
VOCABULARY = [*SPECIAL, *WORDS]
assert len(VOCABULARY) == V
PREFIX = "sentence_transformers.models."


def pooling(*modes: str, **more: Any) -> dict[str, Any]:
    """Returns a 1_Pooling/config.json; modes are the ends of its keys."""
    keys = ["cls_token", "mean_tokens", "max_tokens"]
    keys += ["mean_sqrt_len_tokens", *modes]
    flags = {f"pooling_mode_{key}": key in modes for key in keys}
    return {"word_embedding_dimension": D, **flags, **more}


def write_sentence_folder(
    folder: Path,
    pooled: Mapping[str, Any],
    *kinds: str,
    inside: str = "",
    sentence_config: Mapping[str, Any] | None = None,
    lower_case: bool = True,
) -> Path:
    """Writes a BERT, its Pooling, and modules of other kinds without files.

    Args:
        folder: The folder to create.
        pooled: The config.json of the Pooling.
        kinds: Kinds of the modules after it, such as "Normalize".
        inside: The folder of the Transformer; "" for the top.
        sentence_config: sentence_bert_config.json.
        lower_case: The setting of the tokenizer.
    """
    folder.mkdir(parents=True)
    encoder = folder / inside
    write_huggingface(encoder, as_torch(arrays()), config())
    (encoder / "vocab.txt").write_text("\n".join(VOCABULARY), "utf-8")
    write_json(encoder / "tokenizer_config.json", {"do_lower_case": lower_case})
    if sentence_config is not None:
        write_json(encoder / "sentence_bert_config.json", sentence_config)
    (folder / "1_Pooling").mkdir()
    write_json(folder / "1_Pooling" / "config.json", pooled)
    names = ["Transformer", "Pooling", *kinds]
    paths = [inside, *(f"{k + 1}_{x}" for k, x in enumerate(names[1:]))]
    write_json(
        folder / "modules.json",
        [
            {"idx": k, "name": str(k), "path": path, "type": PREFIX + name}
            for k, (name, path) in enumerate(zip(names, paths, strict=True))
        ],
    )
    return folder


def write_dense(
    folder: Path,
    inputs: int,
    units: int,
    activation: str = "activation.Tanh",
    bias: bool = True,
) -> dict[str, np.ndarray]:
    """Writes the files of a Dense module; returns its tensors."""
    folder.mkdir()
    content = {"in_features": inputs, "out_features": units, "bias": bias}
    content["activation_function"] = f"torch.nn.modules.{activation}"
    write_json(folder / "config.json", content)
    generator = np.random.default_rng(units)
    tensors = {"linear.weight": generator.normal(size=(units, inputs))}
    if bias:
        tensors["linear.bias"] = generator.normal(size=units)
    tensors = {key: x.astype("float32") for key, x in tensors.items()}
    save_file(tensors, folder / "model.safetensors")
    return tensors


def tokens_by_hand(ids: list[int]) -> np.ndarray:
    """Returns the last layer of `write_sentence_folder`'s BERT, (T, D)."""
    from parity import bert_numpy

    at = np.array(ids)
    layers, _ = bert_numpy.encoder(
        arrays(), at, 0 * at, 2, 2, "gelu", norm_first=False
    )
    return layers[-1]


def ids_by_hand(text: str, limit: int = 9) -> list[int]:
    """Returns ids by looking up words, without a tokenizer."""
    words = re.findall(r"\w+|:", text.lower())
    found = [VOCABULARY.index(word) for word in words][: limit - 2]
    return [2, *found, 3]


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)
