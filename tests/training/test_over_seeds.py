"""A series of runs: running, reading, refusals."""

import random

import pytest

from keras_ctx.training import over_seeds


def test_mean_and_sample_deviation_of_each_score(tmp_path) -> None:
    values = {1: 0.5, 2: 0.7, 3: 0.9}
    found = over_seeds(
        lambda seed, folder: {"f1": values[seed], "loss": 1.0},
        (1, 2, 3),
        tmp_path,
        {},
    )
    assert found["f1"]["mean"] == pytest.approx(0.7)
    assert found["f1"]["spread"] == pytest.approx(0.2)
    assert found["f1"]["seeds"] == [0.5, 0.7, 0.9]
    assert found["loss"] == {"mean": 1.0, "spread": 0.0, "seeds": [1.0] * 3}


def test_a_stopped_series_goes_on_where_it_stopped(tmp_path) -> None:
    runs = []

    def run(seed, folder, stop=None):
        runs.append(seed)
        if seed == stop:
            raise KeyboardInterrupt
        return {"draw": random.random()}

    with pytest.raises(KeyboardInterrupt):
        over_seeds(
            lambda s, f: run(s, f, stop=2), (1, 2, 3), tmp_path, {"a": 1}
        )
    found = over_seeds(run, (1, 2, 3), tmp_path, {"a": 1})
    assert runs == [1, 2, 2, 3]
    # Same as without the stop, since each run is seeded.
    whole = over_seeds(run, (1, 2, 3), tmp_path / "whole", {"a": 1})
    assert found == whole
    assert len(set(found["draw"]["seeds"])) == 3


def test_another_setting_is_refused(tmp_path) -> None:
    def run(seed, folder):
        return {"f1": 1.0}

    over_seeds(run, (1,), tmp_path, {"rate": 0.1, "path": tmp_path})
    over_seeds(run, (1, 2), tmp_path, {"rate": 0.1, "path": tmp_path})
    with pytest.raises(ValueError, match="`folder` .*rate: 0.1 there, 0.2 now"):
        over_seeds(run, (1,), tmp_path, {"rate": 0.2, "path": tmp_path})


def test_another_setting_is_refused_while_no_seed_has_ended(tmp_path) -> None:
    def stopped(seed, folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        over_seeds(stopped, (1,), tmp_path, {"rate": 0.1})
    with pytest.raises(ValueError, match="rate: 0.1 there, 0.2 now"):
        over_seeds(stopped, (1,), tmp_path, {"rate": 0.2})


@pytest.mark.parametrize("seeds", [(), (1, 1)])
def test_seeds_must_differ(seeds, tmp_path) -> None:
    with pytest.raises(ValueError, match="`seeds` must hold"):
        over_seeds(lambda seed, folder: {}, seeds, tmp_path, {})
