"""Loads recipes as modules; their folder is not a package."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
# Sizes of a biLM with very fast training steps.
ELMO = {
    "filters": ((1, 8), (2, 8)),
    "hidden_dim": 16,
    "projection_dim": 8,
    "num_negatives": 5,
}


def load_recipe(name: str) -> ModuleType:
    """Returns a fresh module of the recipe, without earlier state."""
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
