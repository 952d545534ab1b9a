"""Writes a Marian translator with random weights, for all peers to load."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from keras_ctx.convert.marian.config import read_marian
from keras_ctx.convert.marian.load import marian_weights

# Blocks of each side, features, heads and inner features; "base" is the size
# of most published ones.
SIZES = {"marian_base": (6, 512, 8, 2048), "marian_tiny": (1, 32, 2, 64)}
VOCABULARY_SIZE = 58101


def write_translator(folder: Path) -> None:
    """Writes the size that has the name of the folder."""
    blocks, features, heads, inner = SIZES[folder.name]
    config = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "vocab_size": VOCABULARY_SIZE,
        "d_model": features,
        "max_position_embeddings": 512,
        "activation_function": "swish",
        "scale_embedding": True,
        "decoder_start_token_id": VOCABULARY_SIZE - 1,
        "pad_token_id": VOCABULARY_SIZE - 1,
        "eos_token_id": 0,
        "forced_eos_token_id": None,
    }
    for side in ("encoder", "decoder"):
        config |= {
            f"{side}_layers": blocks,
            f"{side}_attention_heads": heads,
            f"{side}_ffn_dim": inner,
        }
    path = folder / "config.json"
    path.write_text(json.dumps(config), "utf-8")
    generator = np.random.default_rng(0)
    arrays = {}
    for weight in marian_weights(read_marian(path)):
        [name] = weight.names
        scale = 0.1 if len(weight.shape) == 1 else features**-0.5
        drawn = generator.standard_normal(weight.shape, "float32") * scale
        arrays[name] = drawn + ("norm.weight" in name)
    save_file(
        {name: x.astype("float32") for name, x in arrays.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
