"""Packed weights: only where no weight changes."""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

from keras_ctx.command_line import run_command

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
# TensorFlow would go on with the first weights in all others.
FIXED = {
    *("embed_corpus", "embed_sentences", "fill_mask", "predict"),
    *("score_corpus", "serve"),
}


@dataclass(frozen=True)
class Config:
    rate: float = 0.1


@pytest.mark.parametrize("fixed", [True, False])
def test_weights_are_packed_before_the_recipe_starts(
    fixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not the variable itself: this process trains.
    calls = []
    module = sys.modules["keras_ctx.command_line.run_command"]
    monkeypatch.setattr(module, "keep_weights_packed", lambda: calls.append(1))
    seen = []
    run_command(
        lambda config: seen.extend(calls), Config, [], fixed_weights=fixed
    )
    assert seen == ([1] if fixed else [])


def test_recipes_that_change_weights_do_not_pack_them() -> None:
    found = set()
    for path in RECIPES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        names = [
            word.arg
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call)
            for word in node.keywords
        ]
        if "fixed_weights" in names:
            found.add(path.stem)
            assert ".fit(" not in text and "optimizer" not in text
    assert found == FIXED
