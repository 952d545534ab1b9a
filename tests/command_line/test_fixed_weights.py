"""Packed weights: only where no weight changes."""

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from keras_ctx.command_line import run_command
from keras_ctx.command_line.packed_weights import started_as

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
# In all others TensorFlow would keep using the first weights.
FIXED = {
    *("embed_corpus", "embed_sentences", "fill_mask", "predict"),
    *("cloze", "score_corpus", "serve", "generate", "translate"),
}


@dataclass(frozen=True)
class Config:
    rate: float = 0.1


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_weights_are_packed_before_a_recipe_that_has_the_process(
    fixed, own, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = [os.path.relpath(__file__)] if own else []
    monkeypatch.setattr(sys, "orig_argv", ["python", *script, "--rate", "1"])
    # Not the variable itself: this process trains.
    calls = []
    module = sys.modules["keras_ctx.command_line.run_command"]
    monkeypatch.setattr(module, "keep_weights_packed", lambda: calls.append(1))
    seen = []
    run_command(
        lambda config: seen.extend(calls), Config, [], fixed_weights=fixed
    )
    assert seen == ([1] if fixed and own else [])


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (["{}"], True),
        (["-X", "dev", "-W", "error", "-B", "{}", "--input", "a"], True),
        (["-Xdev", "-Werror", "{}"], True),
        # Programs that run the recipe, and may train afterwards.
        (["driver.py", "{}"], False),
        (["/usr/bin/ipython", "-i", "{}"], False),
        (["-m", "IPython", "-i", "{}"], False),
        (["-Bm", "pdb", "{}"], False),
        (["-c", "pass", "{}"], False),
        ([], False),
    ],
)
def test_only_the_script_of_python_itself_has_the_process(
    words, own, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [word.replace("{}", os.path.relpath(__file__)) for word in words]
    monkeypatch.setattr(sys, "orig_argv", ["python", *given])
    assert started_as(__file__) == own


def test_settings_typed_into_a_session_have_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(sys.modules[__name__], "__file__")
    seen = []
    run_command(seen.append, Config, [], fixed_weights=True)
    assert seen == [Config()]


@pytest.mark.slow
def test_a_program_that_runs_a_recipe_can_train_afterwards(tmp_path) -> None:
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "import os\n"
        "from dataclasses import dataclass\n"
        "from keras_ctx.command_line import run_command\n"
        "@dataclass\n"
        "class Config:\n"
        "    rate: float = 0.1\n"
        "def main(config):\n"
        "    print(os.environ.get('TF_ONEDNN_ASSUME_FROZEN_WEIGHTS'))\n"
        "run_command(main, Config, fixed_weights=True)\n"
    )
    run_it = f"import runpy; runpy.run_path({str(recipe)!r}, None, '__main__')"
    told = {}
    for name, words in {
        "script": [str(recipe)],
        "runpy": ["-c", run_it],
        "inspected": ["-i", str(recipe)],
    }.items():
        told[name] = subprocess.run(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            cwd=RECIPES.parent,
            env={**os.environ, "PYTHONPATH": str(RECIPES.parent)},
        ).stdout.strip()
    assert told == {"script": "1", "runpy": "None", "inspected": "None"}


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
