"""The curves of `benchmarks/scaling.py`: points, table, picture."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_modules import BENCHMARKS, module

scaling = module("scaling")
cells = module("harness.cells")
curve_page = module("harness.curve_page")
curve_picture = module("harness.curve_picture")
curves = module("harness.curves")
files = module("harness.files")
inputs = module("harness.inputs")
registry = module("harness.registry")
step = module("peers.step")

CURVES = {curve.name: curve for curve in curves.CURVES}
TINY = {name: curves.tiny(curve) for name, curve in CURVES.items()}


def cell(work: Any) -> Any:
    """Returns a point where ours is twice as fast; the last peer fails."""
    rows = [
        cells.Row(peer, "float32", [2.0, 4.0], peak=7.0) for peer in work.peers
    ]
    rows[0].seconds = [1.0, 2.0]
    rows[-1].seconds, rows[-1].problem = [], "no memory."
    return cells.Cell(work.name, "float32", 2, 0, rows, counts=[8, 8])


def measured(*names: str) -> dict[str, Any]:
    return {
        work.name: cell(work)
        for name in names
        for _, work in CURVES[name].works()
    }


# Points


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_one_number_grows_and_the_rest_stays(curve: Any) -> None:
    works = [work for _, work in curve.works()]
    assert [value for value, _ in curve.works()] == sorted(curve.values)
    assert len({work.name for work in works}) == len(curve.values) > 1
    ours = {"layers": "model", "words": "model"}
    varied = ours.get(curve.number, curve.number)
    for name in ("kind", "model", "rows", "length", "peers", "tolerance"):
        different = {getattr(work, name) for work in works}
        assert (len(different) > 1) == (name == varied)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_peers_of_a_curve_do_its_work(curve: Any) -> None:
    assert curve.work.peers[0] == "ours"
    assert set(curve.work.peers) <= set(curve_picture.STYLES)
    for name in curve.work.peers:
        path = BENCHMARKS / "peers" / f"{registry.PEERS[name].module}.py"
        steps = path.read_text("utf-8").partition("\nSTEPS = {")[2]
        assert f'"{curve.work.kind}":' in steps


def test_curves_reach_the_sizes_that_they_promise() -> None:
    most = {curve.number: max(curve.values) for curve in CURVES.values()}
    assert most == {
        "length": 2048,
        "rows": 256,
        "layers": 24,
        "words": 800_000,
    }


@pytest.mark.parametrize("curve", TINY.values(), ids=TINY)
def test_tiny_points_have_few_tokens(curve: Any) -> None:
    assert all(w.rows * w.length <= 64 for _, w in curve.works())


def test_targets_lie_in_the_vocabulary_and_are_mostly_frequent() -> None:
    [*_, (words, work)] = CURVES["vocabulary"].works()
    given = inputs.make_inputs(work, 0, [])
    targets = np.array(given["targets"])
    assert targets.shape == (2, work.rows, work.length)
    assert 0 <= targets.min() and targets.max() < words
    assert np.median(targets) < words / 100
    assert inputs.count(work, given) == work.rows * work.length
    assert given == inputs.make_inputs(work, 0, [])


def test_distinct_words_give_the_windows_back() -> None:
    windows = [["a", "b"], ["b", "b"]], [["c", "a"], ["a", "b"]]
    words, ids = step.distinct_words(*windows)
    assert words == ["a", "b", "c"] and ids.dtype == "int32"
    assert np.array(words)[ids].tolist() == [*map(list, windows)]


# Page and picture


def test_table_has_ours_beside_the_best_peer() -> None:
    found = "\n".join(curve_page.section(CURVES["length"], measured("length")))
    assert "| 2,048 | 1.5 | 1 to 2 | 7 | KerasHub | 3 | 7 | **2.00** |" in found
    assert (
        "- Not measured: ONNX Runtime, at 32; 128; 512; 1,024; 2,048: no "
        "memory." in found
    )
    assert "KerasHub: it computes GELU by its approximation" in found


def test_sampled_softmax_is_ours_and_not_the_best_peer() -> None:
    [(value, work), *_] = CURVES["vocabulary"].works()
    point = cell(work)
    full, sampled = curve_page.point_rows(value, point)
    assert full[0] == "1,000" and full[4] == "none"
    assert sampled[:2] == ["1,000, sampled softmax", "3"]


def test_point_that_ours_does_not_reach_is_named() -> None:
    [*_, (value, work)] = CURVES["vocabulary"].works()
    failed = cells.Row("ours", "float32", problem="killed")
    one = {work.name: cells.Cell(work.name, "float32", 2, 0, [failed])}
    found = "\n".join(curve_page.section(CURVES["vocabulary"], one))
    assert "| 800,000 | not measured |" in found
    assert "- Not measured: ours, at 800,000: killed." in found


def test_curve_without_points_has_no_section() -> None:
    assert list(curve_page.section(CURVES["length"], {})) == []


@pytest.mark.parametrize(
    "names", [tuple(CURVES), ("vocabulary",), ("length", "length_training")]
)
def test_page_picture_and_numbers_are_written(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    config = scaling.Config(curves=names, output=tmp_path / "new" / "page.md")
    chosen = curves.by_names(names, False)
    points = measured(*names)
    scaling.write(config, chosen, points, 0.5)
    page = config.output.read_text("utf-8")
    assert "(page.png)" in page
    assert page.count("\n## ") == len(names)
    picture = config.output.with_suffix(".png").read_bytes()
    assert struct.unpack(">I", picture[16:20]) == (1200,)
    raw = json.loads(config.output.with_suffix(".json").read_text("utf-8"))
    assert [x["work"] for x in raw["points"]] == list(points)
    assert not list(config.output.parent.glob("*.part"))


def test_killed_write_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    files.write_text(path, "earlier")

    def killed(part: Path) -> None:
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_whole(path, killed)
    assert path.read_text() == "earlier"


# Settings


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"curves": ()}, "`curves` must be names of .* Received: none"),
        ({"output": Path("page.json")}, "`output` must be a page .* .md"),
        ({"output": Path("/dev/null/page.md")}, "that can be written"),
        ({"rounds": 0}, "`rounds` must be at least 1"),
        ({"threads": 0}, "`threads` must be at least 1"),
        ({"curves": ("nonsense",)}, "`curves` must be names of length,"),
    ],
)
def test_wrong_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scaling.Config(**settings)


def test_failure_of_ours_becomes_a_row(tmp_path: Path) -> None:
    missing = registry.pythons_of(tmp_path, tmp_path)
    missing.paths["here"] = tmp_path / "none"
    bench = scaling.Bench(
        missing, {}, [], 1, tmp_path, tmp_path / "log", matmul=0
    )
    [(_, work), *_] = CURVES["layers"].works()
    [row] = scaling.measured(bench, work, 1).rows
    assert row.peer == "ours" and "there is no" in row.problem


@pytest.mark.slow
def test_measures_ours_and_keras_hub(tmp_path: Path) -> None:
    output = tmp_path / "scaling.md"
    command = [sys.executable, str(BENCHMARKS / "scaling.py"), "--tiny"]
    command += ["--curves", "batch_training", "vocabulary", "--rounds", "1"]
    command += ["--threads", "1", "--output", str(output)]
    command += ["--bench-python", str(tmp_path / "none")]
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)}
    subprocess.run(command, check=True, env=environment)
    found = json.loads(output.with_suffix(".json").read_text("utf-8"))
    training, language_model = found["points"][:2], found["points"][2:]
    for point in training:
        ours, keras_hub, torch = point["rows"]
        assert len(ours["seconds"]) == len(keras_hub["seconds"]) == 1
        assert min(ours["peak"], keras_hub["peak"]) > 100
        assert "there is no" in torch["problem"]
    few, many = (point["rows"][:2] for point in language_model)
    assert few[0]["seconds"] and many[0]["seconds"] and many[1]["seconds"]
    assert "below `vocabulary_size`" in few[1]["problem"]
    assert output.with_suffix(".png").is_file()
