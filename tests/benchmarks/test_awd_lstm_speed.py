"""The works of `benchmarks/awd_lstm_speed.py`: sizes, peers, the page."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_modules import BENCHMARKS, module

awd_lstm_speed = module("awd_lstm_speed")
awd_lstm_works = module("harness.awd_lstm_works")
cells = module("harness.cells")
inputs = module("harness.inputs")
registry = module("harness.registry")

WORKS = awd_lstm_works.WORKS


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_peers_do_the_work(work: Any) -> None:
    assert work.peers == ("ours", "torch.nn.LSTM")
    assert (work.rows, work.length, work.dropout) == (64, 70, 0.0)
    for name in work.peers:
        path = BENCHMARKS / "peers" / f"{registry.PEERS[name].module}.py"
        steps = path.read_text("utf-8").partition("\nSTEPS = {")[2]
        assert f'"{work.kind}":' in steps
    (tiny,) = awd_lstm_works.by_names([work.name], True)
    assert tiny.kind == work.kind and tiny.rows * tiny.length < 50


def test_targets_are_the_next_tokens() -> None:
    work = WORKS[1]
    given = inputs.make_inputs(work, 0, [])
    ids, targets = (np.array(given[x]) for x in ("token_ids", "targets"))
    assert ids.shape == targets.shape == (64, 70)
    np.testing.assert_array_equal(ids[:, 1:], targets[:, :-1])
    assert 0 <= ids.min() and ids.max() < 10_000
    assert inputs.count(work, given) == 64 * 70
    other = inputs.make_inputs(work, 1, [])
    assert other["token_ids"] != given["token_ids"]


def test_page_has_the_ratios(tmp_path: Path) -> None:
    config = awd_lstm_speed.Config(output=tmp_path / "page.md")
    rows = [cells.Row(x, "float32", [2.0], peak=7.0) for x in WORKS[0].peers]
    rows[0].seconds = [1.0]
    cell = cells.Cell("encoder", "float32", 2, 0, rows, counts=[4480])
    awd_lstm_speed.write(config, list(WORKS), [cell], 0.0)
    page = config.output.read_text("utf-8")
    assert "tokens | 4,480 | 2,240 | torch.nn.LSTM | **2.00** |" in page
    raw = json.loads(config.output.with_suffix(".json").read_text("utf-8"))
    assert [x["work"] for x in raw["cells"]] == ["encoder"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"works": ("nonsense",)}, "`works` must be names of encoder,"),
        ({"rounds": 0}, "`rounds` must be at least 1"),
        ({"precisions": ()}, "`precisions` must be names of float32"),
        ({"output": Path("page.json")}, "`output` must be a page .* .md"),
    ],
)
def test_wrong_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        awd_lstm_speed.Config(**settings)


@pytest.mark.slow
def test_measures_ours(tmp_path: Path) -> None:
    output = tmp_path / "page.md"
    command = [sys.executable, str(BENCHMARKS / "awd_lstm_speed.py"), "--tiny"]
    command += ["--rounds", "1", "--threads", "1", "--output", str(output)]
    command += ["--precisions", "float32"]
    command += ["--bench-python", str(tmp_path / "none")]
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)}
    subprocess.run(command, check=True, env=environment)
    found = json.loads(output.with_suffix(".json").read_text("utf-8"))
    for cell in found["cells"]:
        ours, torch = cell["rows"]
        assert len(ours["seconds"]) == 1 and ours["difference"] == 0
        assert "there is no" in torch["problem"]
