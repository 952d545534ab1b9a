"""GPT and GPT-2 in Hugging Face's files, and their logits in NumPy."""

import json
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SIZES = {"vocab_size": 19, "n_positions": 12, "n_embd": 8}
LAYERS, HEADS, D = 2, 2, 8
KINDS = ("weight", "bias")


def config(gpt1: bool, **changes) -> dict:
    own = (
        {"model_type": "openai-gpt", "afn": "gelu"}
        if gpt1
        else {"model_type": "gpt2", "activation_function": "gelu_new"}
    )
    return {**own, **SIZES, "n_layer": LAYERS, "n_head": HEADS, **changes}


def arrays(gpt1: bool, inner: int = 32, width: int = D) -> dict:
    """Returns random arrays by their names without a prefix."""
    random = np.random.default_rng(6)
    shapes: dict[str, tuple[int, ...]] = {
        ("tokens_embed" if gpt1 else "wte") + ".weight": (19, width),
        ("positions_embed" if gpt1 else "wpe") + ".weight": (12, width),
    }
    for i in range(LAYERS):
        for name, shape in (
            ("attn.c_attn", (width, 3 * width)),
            ("attn.c_proj", (width, width)),
            ("mlp.c_fc", (width, inner)),
            ("mlp.c_proj", (inner, width)),
        ):
            shapes[f"h.{i}.{name}.weight"] = shape
            shapes[f"h.{i}.{name}.bias"] = shape[1:]
        for name in ("ln_1", "ln_2"):
            shapes |= {f"h.{i}.{name}.{x}": (width,) for x in KINDS}
    if not gpt1:
        shapes |= {f"ln_f.{x}": (width,) for x in KINDS}
    return {
        name: (0.6 * random.normal(size=shape)).astype("float32")
        for name, shape in shapes.items()
    }


def write(
    folder: Path, found: dict, settings: dict, prefix: str = "transformer."
) -> Path:
    folder.mkdir(exist_ok=True)
    named = {f"{prefix}{name}": x for name, x in found.items()}
    save_file(named, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def logits(found: dict, ids: list[int], gpt1: bool) -> np.ndarray:
    """Computes the logits `(T, V)` of one text in float64."""
    w = {name: x.astype("float64") for name, x in found.items()}
    names = ("tokens_embed", "positions_embed") if gpt1 else ("wte", "wpe")
    words, positions = (w[f"{name}.weight"] for name in names)
    x = words[ids] + positions[: len(ids)]

    def norm(x, name):
        x = x - x.mean(axis=1, keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def dense(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def attention(x, name):
        q, k, v = np.split(dense(x, f"{name}.attn.c_attn"), 3, axis=1)
        size, out = x.shape[1] // HEADS, []
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            dots = q[:, part] @ k[:, part].T / math.sqrt(size)
            e = np.exp(dots) * np.tril(np.ones_like(dots))
            out.append(e / e.sum(axis=1, keepdims=True) @ v[:, part])
        return dense(np.concatenate(out, axis=1), f"{name}.attn.c_proj")

    def network(x, name):
        x = dense(x, f"{name}.mlp.c_fc")
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return dense(x * (1 + np.tanh(inner)) / 2, f"{name}.mlp.c_proj")

    for i in range(LAYERS):
        name = f"h.{i}"
        if gpt1:
            x = norm(x + attention(x, name), f"{name}.ln_1")
            x = norm(x + network(x, name), f"{name}.ln_2")
        else:
            x = x + attention(norm(x, f"{name}.ln_1"), name)
            x = x + network(norm(x, f"{name}.ln_2"), name)
    if not gpt1:
        x = norm(x, "ln_f")
    return x @ words.T
