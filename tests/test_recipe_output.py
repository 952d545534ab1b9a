"""Output of recipes: no messages of TensorFlow, no control characters."""

import os
import re
import subprocess
import sys
from dataclasses import make_dataclass
from pathlib import Path

from keras_ctx.command_line import run_command

import keras
import pytest

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
STARTS = ("import keras", "import tensorflow", "from keras_ctx")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.py")), ids=str)
def test_recipe_asks_for_errors_only_before_tensorflow(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith(STARTS)]
    if not starts:
        return  # a client without TensorFlow
    before = "\n".join(lines[: starts[0]])
    assert 'os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")' in before


@pytest.mark.slow
def test_output_of_a_run_is_plain(tmp_path: Path) -> None:
    documents = ["一个 句子 。\n第二 句 。\n", "又 一 句 。\n最后 一 句 。\n"]
    (tmp_path / "a.txt").write_text("\n".join(documents), "utf-8")
    environment = {k: v for k, v in os.environ.items() if k[:7] != "TF_CPP_"}
    output, errors = tmp_path / "stdout", tmp_path / "stderr"
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        subprocess.run(
            [
                *(sys.executable, RECIPES / "prepare_corpus.py"),
                *("--inputs", tmp_path / "a.txt"),
                *("--output", tmp_path / "run", "--num-workers", "1"),
            ],
            env=environment,
            stdout=stdout,
            stderr=stderr,
            check=True,
        )
    text = output.read_bytes()
    assert b"1/1" in text
    assert {byte for byte in text if byte < 32} <= set(b"\n\t")
    # TensorFlow reports even a missing GPU as an error; infos and warnings are
    # off.
    lines = errors.read_text("utf-8").splitlines()
    assert all(re.search(r": E \S+/cuda\S*\.cc:\d+\] ", x) for x in lines)


def test_a_bar_is_a_line_in_a_file_and_a_bar_afterwards(capsys) -> None:
    empty = make_dataclass("Empty", [])
    empty.__module__ = __name__

    def main(config) -> None:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = keras.ops.ones((8, 1))
        model.fit(x, x, batch_size=2, epochs=2)

    run_command(main, empty, [])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines[::2]] == ["Epoch 1/2", "Epoch 2/2"]
    assert [line[:4] for line in lines[1::2]] == ["4/4 ", "4/4 "]
    assert len(lines) == 4
    keras.utils.Progbar(1).update(1)
    assert "\x1b" in capsys.readouterr().out
