"""The harness of `benchmarks/speed.py`: inputs, counts, ratios, the page."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_modules import BENCHMARKS, module

speed = module("speed")
cells = module("harness.cells")
inputs = module("harness.inputs")
measure = module("harness.measure")
operations = module("harness.operations")
page = module("harness.page")
registry = module("harness.registry")
texts = module("harness.texts")
works = module("harness.works")

SENTENCES = [(f"text {k}", k % 2) for k in range(50)]
TINY = {work.name: works.tiny(work) for work in works.WORKS}


def cell() -> Any:
    """Returns two rounds of 100 and 120 tokens, ours twice as fast."""
    return cells.Cell(
        work="bert_base",
        precision="float32",
        threads=2,
        matmul=10,
        rows=[
            cells.Row("ours", "float32", [1.0, 1.0], peak=5.0),
            cells.Row("KerasHub", "float32", [2.0, 2.0], difference=1e-3),
            cells.Row("torch SDPA", "float32", problem="there is no torch"),
        ],
        ceilings={"torch": cells.Row("torch", "float32", [1.0, 1.0])},
        counts=[100, 120],
        operations=[3000.0, 3000.0],
    )


# Works and peers


@pytest.mark.parametrize("work", works.WORKS, ids=lambda work: work.name)
def test_work_has_ours_first_and_known_peers(work: Any) -> None:
    assert work.peers[0] == "ours"
    assert set(work.peers) <= set(registry.PEERS)
    assert work.kind in inputs.MAKERS


@pytest.mark.parametrize("name", registry.PEERS)
def test_peer_has_its_module_with_the_kinds_of_its_works(name: str) -> None:
    path = BENCHMARKS / "peers" / f"{registry.PEERS[name].module}.py"
    source = path.read_text("utf-8")
    steps = source[source.index("\nSTEPS = {") :]
    for work in works.WORKS:
        if name in work.peers:
            assert f'"{work.kind}":' in steps


def test_missing_environment_is_named(tmp_path: Path) -> None:
    pythons = registry.Pythons({"bench": tmp_path / "no"}, {"bench": "make it"})
    with pytest.raises(RuntimeError, match="there is no .*no; make it"):
        pythons.of(registry.PEERS["ONNX Runtime"])


def test_policies_are_those_of_keras_or_one() -> None:
    work = TINY["bert_base"]
    ours, torch = (registry.PEERS[x] for x in ("ours", "torch eager"))
    assert measure.policies(ours, work, "float32") == ("float32",)
    assert measure.policies(ours, work, "bfloat16") == works.WORKS[0].bfloat16
    assert measure.policies(torch, work, "bfloat16") == ("bfloat16",)


# Inputs and counts


@pytest.mark.parametrize("work", TINY.values(), ids=lambda work: work.name)
def test_inputs_differ_by_round_and_not_by_call(work: Any) -> None:
    one, same, other = (
        inputs.make_inputs(work, seed, SENTENCES) for seed in (1, 1, 2)
    )
    assert one == same != other
    assert json.loads(json.dumps(one)) == one


def test_padding_does_not_count() -> None:
    given = inputs.make_inputs(TINY["bert_base_padded"], 3, SENTENCES)
    ids = np.array(given["token_ids"])
    assert inputs.count(TINY["bert_base_padded"], given) == (ids > 0).sum()
    assert (ids > 0).sum() < ids.size
    vectors = np.ones((*ids.shape, 2))
    assert inputs.real_numbers(given, vectors).shape == ((ids > 0).sum(), 2)


def test_masked_positions_hold_the_mask_and_their_targets() -> None:
    given = inputs.make_inputs(TINY["masked_lm"], 3, SENTENCES)
    ids, positions = np.array(given["token_ids"]), np.array(given["positions"])
    assert (np.take_along_axis(ids, positions, 1) == 103).all()
    assert np.shape(given["targets"]) == positions.shape
    assert all(len(set(row)) == len(row) for row in positions.tolist())


def test_held_out_sentences_are_not_trained_on() -> None:
    given = inputs.make_inputs(TINY["fine_tuning"], 3, SENTENCES)
    assert not set(given["texts"]) & set(given["held_texts"])


def test_operations_are_those_of_the_formula() -> None:
    # 12 blocks of 768 features: 24 x 12 x 768^2 a token, 4 x 12 x 768 x 128
    # for its attention to 128 tokens.
    row = 128 * (169_869_312 + 4_718_592)
    assert operations.bert_operations("bert_base", [128, 128]) == 2 * row
    given = inputs.make_inputs(TINY["training"], 0, SENTENCES)
    step = operations.operations(TINY["training"], given, None)
    forward = operations.operations(TINY["bert_base"], given, None)
    assert step == 3 * forward
    assert operations.operations(TINY["tokens"], given, [1]) is None


def test_distinct_words_need_their_characters_once() -> None:
    count = operations.elmo_operations
    one, two, three = (count("elmo_small", [["a"] * n]) for n in (1, 2, 3))
    assert three - two == two - one < one
    assert count("elmo_small", [["a", "b"]]) == 2 * one


# Results


def test_speeds_ratios_and_shares() -> None:
    found = cell()
    ours, peer, _ = found.rows
    assert found.speeds(ours) == [100.0, 120.0]
    assert found.best(ours=True) is ours and found.best(ours=False) is peer
    assert found.ratio(peer) == 2.0
    # Three products of 10 x 10 matrices, 2,000 operations each, a second.
    assert found.products() == {"torch": 6000.0}
    assert found.share(ours) == 0.5


def test_difference_is_by_the_largest_number() -> None:
    assert measure.difference(np.array([1.0, 5.0]), np.array([0, 4])) == 0.25
    assert measure.difference(np.ones(2), np.ones(3)) == float("inf")


def test_another_side_is_first_in_every_round() -> None:
    sides = ["a", "b", "c"]
    assert measure.turned(sides, 1) == ["b", "c", "a"]
    assert {measure.turned(sides, k)[0] for k in range(3)} == set(sides)
    assert measure.turned([], 2) == []


def test_page_names_what_is_not_measured() -> None:
    found = "\n".join(page.work_section(TINY["bert_base"], [cell()]))
    assert "| ours | float32 | 2 | 110 | 100 to 120 | 50% | 5 | 1.00 |" in found
    assert "torch SDPA (float32, 2 threads): there is no torch." in found
    assert "KerasHub: it computes GELU by its approximation" in found
    summary = "\n".join(page.summary([TINY["bert_base"]], [cell()]))
    assert "| 55.0 | KerasHub | **2.00** |" in summary


# Settings


def test_sentences_of_the_manual_have_both_labels() -> None:
    found = texts.manual_sentences()
    assert len(found) > 3000
    assert 0.1 < np.mean([label for _, label in found]) < 0.9


def test_table_without_labels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("sentence\tlabel\ngood\t1\nbad\n", "utf-8")
    with pytest.raises(ValueError, match="`sentences` must .* line 3: 'bad'"):
        texts.table_sentences(path)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"works": ()}, "`works` must be names of .* Received: none"),
        ({"output": Path("page.json")}, "`output` must be a page .* .md"),
        ({"output": Path("/dev/null/page.md")}, "that can be written"),
        ({"rounds": 0}, "`rounds` must be at least 1"),
        ({"threads": (0,)}, "`threads` must be numbers of at least 1"),
        ({"works": ("nonsense",)}, "`works` must be names of bert_base,"),
        ({"peers": ("nonsense",)}, "`peers` must be names of ours,"),
    ],
)
def test_wrong_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        speed.Config(**settings)


@pytest.mark.slow
def test_measures_ours_and_keras_hub(tmp_path: Path) -> None:
    output = tmp_path / "speed.md"
    command = [sys.executable, str(BENCHMARKS / "speed.py"), "--tiny"]
    command += ["--works", "bert_base", "training", "masked_lm"]
    command += ["--peers", "KerasHub", "torch eager", "--rounds", "1"]
    command += ["--threads", "1", "--output", str(output)]
    command += ["--bench-python", str(tmp_path / "none")]
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)}
    subprocess.run(command, check=True, env=environment)
    found = json.loads(output.with_suffix(".json").read_text("utf-8"))["cells"]
    for one in found:
        ours, keras_hub = one["rows"][0], one["rows"][-2]
        assert len(ours["seconds"]) == len(keras_hub["seconds"]) == 1
        assert not keras_hub["problem"]
        assert "there is no" in one["rows"][-1]["problem"]
