"""The works of `benchmarks/generation.py`: sizes, peers, seconds, the page."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_modules import BENCHMARKS, module

generation = module("generation")
cells = module("harness.cells")
generation_works = module("harness.generation_works")
inputs = module("harness.inputs")
registry = module("harness.registry")
generation_steps = module("peers.generation_steps")

CURVE = generation_works.CURVE
WORKS = (*generation_works.WORKS, *(work for _, work in CURVE.works()))


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_peers_do_the_work_with_equal_ids(work: Any) -> None:
    assert work.peers[0] == "ours" and work.tolerance == 0
    for name in work.peers:
        path = BENCHMARKS / "peers" / f"{registry.PEERS[name].module}.py"
        steps = path.read_text("utf-8").partition("\nSTEPS = {")[2]
        assert f'"{work.kind}":' in steps


def test_works_are_those_that_their_titles_promise() -> None:
    assert {work.name: (work.rows, work.new) for work in WORKS[:4]} == {
        "greedy_1": (1, 128),
        "greedy_8": (8, 128),
        "beams_1": (1, 64),
        "beams_8": (8, 64),
    }
    assert all(f", {work.rows} row" in work.title for work in WORKS[:4])
    # GPT-2 has 1,024 positions; a first token comes before the timed ones.
    assert max(CURVE.values) + 1 + CURVE.work.new <= 1024
    tiny, _ = generation_works.by_names(generation_works.NAMES, True)
    assert all(work.rows * work.new <= 8 for work in tiny)


def test_new_tokens_of_all_rows_count() -> None:
    work = WORKS[1]
    given = inputs.make_inputs(work, 0, [])
    assert np.shape(given["token_ids"]) == (8, 32)
    assert inputs.count(work, given) == 8 * 128


def test_seconds_of_a_new_token_leave_the_beginning_out(monkeypatch) -> None:
    now = 0.0

    def generate(ids: np.ndarray, new: int) -> np.ndarray:
        nonlocal now
        now += 5 + 0.25 * new
        return np.zeros((len(ids), new))

    monkeypatch.setattr(time, "perf_counter", lambda: now)

    step = generation_steps.next_token_step(generate, {"new": 4})
    result = step.compute(step.feed({"token_ids": [[1, 2]]}))
    assert step.fetch(result).shape == (1, 5)
    assert step.seconds(result) == 0.25


def test_page_has_the_ratios_and_the_curve(tmp_path: Path) -> None:
    config = generation.Config(
        works=("greedy_8", "written"), output=tmp_path / "page.md"
    )
    found = generation.Page(config, 0.0, 2e10)
    for work in (WORKS[1], *WORKS[4:]):
        rows = [
            cells.Row(x, "float32", [2.0, 2.0], peak=7.0) for x in work.peers
        ]
        rows[0].seconds = [1.0, 1.0]
        found.cells[work.name] = cells.Cell(
            work.name, "float32", 2, 0, rows, counts=[1024, 1024]
        )
    found.write()
    page = config.output.read_text("utf-8")
    assert "reads all 498 MB of `gpt2_small`, takes 25 ms at least." in page
    assert "| new tokens | 1,024 | 512 | KerasHub | **2.00** |" in page
    assert "| 1,000 | 1 | 1 to 1 |" in page and "of ceiling" not in page
    assert config.output.with_suffix(".png").is_file()
    raw = json.loads(config.output.with_suffix(".json").read_text("utf-8"))
    assert len(raw["cells"]) == 1 + len(CURVE.values)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"works": ("nonsense",)}, "`works` must be names of greedy_1,"),
        ({"rounds": 0}, "`rounds` must be at least 1"),
        ({"output": Path("page.json")}, "`output` must be a page .* .md"),
    ],
)
def test_wrong_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generation.Config(**settings)


@pytest.mark.slow
def test_measures_ours_and_keras_hub(tmp_path: Path) -> None:
    output = tmp_path / "generation.md"
    command = [sys.executable, str(BENCHMARKS / "generation.py"), "--tiny"]
    command += ["--works", "greedy_1", "beams_1", "--rounds", "1"]
    command += ["--threads", "1", "--output", str(output)]
    command += ["--bench-python", str(tmp_path / "none")]
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)}
    subprocess.run(command, check=True, env=environment)
    found = json.loads(output.with_suffix(".json").read_text("utf-8"))
    ours, keras_hub, torch, _ = found["cells"][0]["rows"]
    assert len(ours["seconds"]) == len(keras_hub["seconds"]) == 1
    assert keras_hub["difference"] == 0
    assert "there is no" in torch["problem"]
    assert found["cells"][1]["rows"][0]["seconds"]
