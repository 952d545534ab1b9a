"""Embedding processes that are killed at any moment and restarted."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recipe_files import RECIPES
from tiny_encoders import save_encoders

from keras_ctx import data

ARGUMENTS = {
    "embed_corpus": ("--corpus", "{}", "--batch-words", "64"),
    "embed_sentences": ("--input", "{}", "--batch-size", "4"),
}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ARGUMENTS)
def test_killed_process_ends_in_the_same_files(
    recipe: str, tmp_path: Path
) -> None:
    encoder = save_encoders(tmp_path / "encoders")["elmo"]
    rng = random.Random(2)
    lines = [
        " ".join(f"w{rng.randrange(3000)}" for _ in range(rng.randrange(30)))
        for _ in range(800)
    ]
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(lines))
    whole, killed = tmp_path / "whole", tmp_path / "killed"

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / f"{recipe}.py")]
            + ["--init", str(encoder), "--output", str(output)]
            + ["--window", "10", "--format", "npz"]
            + [word.format(corpus) for word in ARGUMENTS[recipe]],
            stdout=subprocess.DEVNULL,
        )

    assert start(whole).wait() == 0
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    for _ in range(2):
        process = start(killed)
        before = len(list(killed.glob("vectors-*")))
        deadline = time.monotonic() + 600  # others may be busy here
        try:
            while len(list(killed.glob("vectors-*"))) == before:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.001)
            time.sleep(rng.random() / 5)
        finally:
            process.kill()
            process.wait()
        with pytest.raises(ValueError, match="whole corpus"):
            next(data.read_vectors(killed))
    assert start(killed).wait() == 0
    found, expected = content(killed), content(whole)
    assert found.keys() == expected.keys(), seed
    assert len(expected) == 81
    for name, value in expected.items():
        assert found[name] == value, (name, seed)
