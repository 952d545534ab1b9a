"""Seeds and encoders: each run once, the mean over the seeds."""

import random
from pathlib import Path

import pytest

from keras_ctx import fine_tuning, training


def options(folder: Path, **arguments) -> fine_tuning.LabelledDataOptions:
    return fine_tuning.LabelledDataOptions(output=folder, **arguments)


def draws(config, stop: int | None = None) -> tuple[list[str], dict]:
    """Trains nothing: the score of a run is a random draw."""
    trained = []
    runs = fine_tuning.EncoderRuns(config)
    for run in runs:
        trained.append(run.folder.relative_to(config.output).as_posix())
        if len(trained) == stop:
            raise KeyboardInterrupt
        runs.end(run, {"draw": random.random(), "seed": float(run.seed)})
    return trained, runs.results("seed")


def test_killed_and_started_again(tmp_path: Path, capsys) -> None:
    config = options(tmp_path / "killed", seeds=(1, 3))
    with pytest.raises(KeyboardInterrupt):
        draws(config, stop=2)
    trained, found = draws(config)
    assert trained == [
        *("pretrained/seed_3", "untrained/seed_1", "untrained/seed_3")
    ]
    whole = draws(options(tmp_path / "whole", seeds=(1, 3)))[1]
    assert found == whole
    assert found["pretrained"] == found["untrained"] == 2.0
    # Both encoders get the same draws.
    first, second = (
        found[f"scores_{name}"]["draw"]["seeds"]
        for name in ("pretrained", "untrained")
    )
    assert first == second and first[0] != first[1]
    assert "killed: pretrained encoder\n" in capsys.readouterr().out


def test_without_comparison_and_with_one_more_seed(tmp_path: Path) -> None:
    trained, found = draws(options(tmp_path, compare=False, seeds=(5,)))
    assert trained == ["pretrained/seed_5"]
    assert set(found) == {"pretrained", "scores_pretrained"}
    trained, found = draws(options(tmp_path, compare=False, seeds=(4, 5)))
    assert trained == ["pretrained/seed_4"]
    assert found["scores_pretrained"]["seed"]["seeds"] == [4.0, 5.0]


def test_checkpoints_of_an_ended_run_are_removed(tmp_path: Path) -> None:
    runs = training.SeedRuns((1,), tmp_path)
    for seed, folder in runs:
        (folder / "checkpoints").mkdir(parents=True)
        runs.end(seed, {"f1": 0.5})
        assert not (folder / "checkpoints").exists()
    assert list(runs) == [] and runs.scores()["f1"]["mean"] == 0.5


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,)])
def test_seeds_that_are_none(seeds, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`seeds` must"):
        training.SeedRuns(seeds, tmp_path)
    assert list(tmp_path.iterdir()) == []
