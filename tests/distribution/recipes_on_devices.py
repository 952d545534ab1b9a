"""Runs a recipe at toy size on one device and on two.

Run in its own process, for two logical devices; or as one of the workers of
TF_CONFIG, with a file for the list of files it wrote.

    python recipes_on_devices.py FOLDER RECIPE
    TF_CONFIG=... python recipes_on_devices.py FOLDER RECIPE WRITTEN.json
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from train_on_devices import two_devices
from worker_processes import ROOT

# In each batch, one half has more words or rarer classes.
FINETUNE = {"epochs": 6, "batch_size": 6, "learning_rate": 0.01}
TAG = {**FINETUNE, "num_train": None, "compare": False, "dropout": 0.0}
RECIPES: dict[str, dict[str, Any]] = {
    "finetune_classifier": {
        **TAG,
        "class_weights": True,
        "gradient_accumulation_steps": 2,
    },
    "finetune_tagger": {**TAG, "crf": True, "mix_l2": 0.01},
    "finetune_squad": {
        **FINETUNE,
        **{"max_length": 16, "stride": 4, "max_question": 4, "max_answer": 3},
        "layer_decay": 0.5,
    },
    "finetune_semantic_roles": {
        **TAG,
        **{"mix": "last", "predicate": "second_segment", "predicate_dim": 4},
    },
    # In-batch negatives differ by design: those of each device.
    "train_embedder": {
        **FINETUNE,
        "loss": "triplet",
        "columns": ("0", "1", "2"),
    },
    "pretrain_elmo": {
        **{"filters": ((1, 4), (2, 4)), "hidden_dim": 8, "projection_dim": 4},
        **{"split": "whitespace", "num_negatives": 3, "max_characters": 7},
        **{"batch_size": 4, "window_size": 5, "reset_steps": 10},
        **{"epochs": 2, "steps_per_epoch": 25, "learning_rate": 0.05},
    },
    "pretrain_gpt": {
        **{"vocabulary_size": 290, "max_length": 16, "num_layers": 1},
        **{"num_heads": 2, "hidden_dim": 16, "batch_size": 4},
        **{"epochs": 2, "steps_per_epoch": 25, "learning_rate": 0.02},
    },
    "pretrain_cove": {
        **{"vocabulary_size": 40, "max_length": 24, "hidden_dim": 8},
        **{"embedding_dim": 8, "tokens_per_batch": 64, "dropout": 0.0},
        **{"epochs": 2, "steps_per_epoch": 25, "learning_rate": 0.02},
        "beams": 2,
    },
    "train_translator": {
        **{"vocabulary_size": 40, "max_length": 24, "num_layers": 1},
        **{"num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32},
        **{"tokens_per_batch": 64, "epochs": 2, "steps_per_epoch": 25},
        **{"warmup_steps": 10, "learning_rate": 0.02, "dropout": 0.0},
        **{"average_checkpoints": 2, "beams": 2},
    },
}


def run(folder: Path, name: str, strategy: str, output: str) -> dict:
    recipe = importlib.import_module(name)
    path = next(folder.glob(f"{name}.*"))
    if name.startswith("finetune") or name == "train_embedder":
        files = {"train": path, "dev": path, "test": path}
        files["init"] = folder / "encoder"
    elif name in ("train_translator", "pretrain_cove"):
        pair = (path, folder / "pretrain_elmo.txt")
        files = {"train": pair, "dev": pair, "test": pair}
    else:
        files = {"corpus": path, "held_out": path}
    return recipe.main(
        recipe.Config(
            **files,
            **RECIPES[name],
            output=folder / output / name,
            strategy=strategy,
        )
    )


def note_writes(folder: Path) -> set[str]:
    """Returns a set that collects files changed by this process."""
    written: set[str] = set()

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            changes = flags & (os.O_WRONLY | os.O_RDWR)
        elif event in ("os.remove", "os.rename"):
            path = arguments[1 if event == "os.rename" else 0]
            changes = True
        else:
            return
        if changes and str(path).startswith(str(folder)):
            written.add(str(path))

    sys.addaudithook(hook)
    return written


def main(path: str, name: str, written_to: str = "") -> None:
    sys.path.insert(0, str(ROOT / "recipes"))
    folder = Path(path)
    if written_to:
        written = note_writes(folder / "workers")
        run(folder, name, "multi_worker", "workers")
        Path(written_to).write_text(json.dumps(sorted(written)))
        return
    two_devices()
    run(folder, name, "one_device", "one")
    run(folder, name, "mirrored", "two")


if __name__ == "__main__":
    main(*sys.argv[1:])
