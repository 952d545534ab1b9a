"""Writes a small folder like the models of HIT-SCIR/ELMoForManyLangs."""

import json
from pathlib import Path
from typing import Any

from parity.many_langs_numpy import Settings, random_tensors
from safetensors.numpy import save_file

SETTINGS = "cnn_50_100_512_4096_sample.json"
CHARACTERS = [
    *("e", "a", "\u3000", "é", "今", "天", "\U00020000", "<", "b", "o", "s"),
    *("<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>", ">", "c", "d"),
]
WORDS = ["<oov>", "<bos>", "<eos>", "<pad>", "今天", "é", "abcdea", "ea"]


def content(s: Settings) -> dict[str, Any]:
    """Returns the content of the settings file."""
    return {
        "encoder": {
            "name": "elmo",
            "projection_dim": s.projection_dim,
            "cell_clip": s.cell_clip,
            "proj_clip": s.proj_clip,
            "dim": s.dim,
            "n_layers": s.n_layers,
        },
        "token_embedder": {
            "name": "cnn",
            "activation": s.activation,
            "filters": [list(pair) for pair in s.filters],
            "n_highway": s.n_highway,
            "word_dim": s.word_dim,
            "char_dim": s.char_dim,
            "max_characters_per_token": s.max_characters,
        },
        "classifier": {"name": "sampled_softmax", "n_samples": 8192},
        "dropout": 0.1,
    }


def write_folder(folder: Path, s: Settings) -> tuple[dict, dict]:
    """Writes the folder like the script in docs; returns the tensors."""
    tensors = random_tensors(s, len(CHARACTERS), len(WORDS))
    for name, part in zip(("token_embedder", "encoder"), tensors, strict=True):
        save_file(part, folder / f"{name}.safetensors")
        (folder / f"{name}.pkl").write_bytes(b"never opened")
    write_json(
        folder / "config.json",
        {
            "seed": 1,
            "gpu": 3,
            "train_path": "/home/trainer/en-20m.raw",
            "config_path": f"/home/trainer/models/word_elmo/{SETTINGS}",
            "word_embedding": None,
            "model": "/home/trainer/final_models/en.model",
        },
    )
    write_json(folder / SETTINGS, content(s))
    for name, entries in (("char.dic", CHARACTERS), ("word.dic", WORDS)):
        # Not in the order of the ids, as in published files.
        lines = [f"{entry}\t{i}\n" for i, entry in enumerate(entries)]
        (folder / name).write_text("".join(reversed(lines)), encoding="utf-8")
    return tensors


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
