"""A killed export leaves a complete version or none."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_ctx.serving import newest_version
from keras_ctx.serving.verify.raw_answers import answers_of

SCRIPT = Path(__file__).with_name("export_again_and_again.py")


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, folder],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # kills its checking process, too
    )


def read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow  # twenty processes of ten seconds
def test_twenty_kills(tmp_path: Path) -> None:
    generator = random.Random()
    seed = generator.randrange(10**6)
    print(f"seed {seed}")  # pytest shows it if the test fails
    generator.seed(seed)

    process = start(tmp_path)
    assert read(process) == "begins"
    seconds = float(read(process))
    kill(process)
    seen = {"1"}
    unfinished = 0
    for _ in range(20):
        process = start(tmp_path)
        assert read(process) == "begins"
        time.sleep(generator.uniform(0, 1.1 * seconds))
        kill(process)
        unfinished += any(tmp_path.glob(".unfinished-*"))
        for version in tmp_path.glob("[0-9]*"):
            if version.name in seen:
                continue
            seen.add(version.name)
            card = json.loads((version / "signature.json").read_text("utf-8"))
            for name in card["signatures"]:
                if list(card["signatures"][name]["inputs"]) == ["text"]:
                    [answer] = answers_of(version, [(name, {"text": ["书好"]})])
                    assert answer["num_tokens"].tolist() == [4]
    assert unfinished > 5  # most kills were during an export
    # The next export cleans up, and takes the next number.
    process = start(tmp_path)
    assert read(process) == "begins"
    assert float(read(process)) > 0
    kill(process)
    assert int(newest_version(tmp_path).name) > len(seen)
