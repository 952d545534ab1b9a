"""Repeats a run with several seeds: mean and spread of its scores."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_ctx.files.json_text import read_figures_file
from keras_ctx.training.distribution.workers import is_chief
from keras_ctx.training.run.checkpoints import remove_checkpoints
from keras_ctx.training.run.folder import save_json
from keras_ctx.training.run.numbers import check_seeds
from keras_ctx.training.run.settings import begin_run


class SeedRuns:
    """A series of runs, one for each seed.

    Iterating yields the runs that have not ended, so that a killed series
    resumes with the seed at which it stopped. Keras, NumPy and Python are
    seeded before each run. Of several workers the first one writes, and all
    need access to the folder.

    Args:
        seeds: One different seed for each run.
        folder: Folder of the series; the folder of a run is
            `folder/seed_<n>`.

    Raises:
        ValueError: There is no seed, or a seed is repeated or out of range.

    Example:
        >>> runs = SeedRuns([0, 2], "runs/series")
        >>> for seed, folder in runs:
        ...     runs.end(seed, {"accuracy": 0.5 + seed / 4})
        >>> runs.scores()["accuracy"]["mean"]
        0.75
        >>> list(SeedRuns([0, 2, 3], "runs/series"))
        [(3, PosixPath('runs/series/seed_3'))]
    """

    def __init__(self, seeds: Sequence[int], folder: str | Path) -> None:
        check_seeds(seeds)
        self.seeds = tuple(seeds)
        self.folder = Path(folder)
        self._found: dict[int, dict[str, float]] = {}

    def __iter__(self) -> Iterator[tuple[int, Path]]:
        for seed in self.seeds:
            path = self._folder_of(seed) / "scores.json"
            if path.exists():
                self._found[seed] = read_figures_file(path)
                continue
            keras.utils.set_random_seed(seed)
            yield seed, self._folder_of(seed)

    def end(self, seed: int, scores: dict[str, float]) -> None:
        """Writes the `scores.json` of a finished run; removes its checkpoints.

        Args:
            seed: The seed of the run.
            scores: The scores of the run, by name.
        """
        self._found[seed] = scores
        if is_chief():
            save_json(scores, self._folder_of(seed) / "scores.json")
            remove_checkpoints(self._folder_of(seed))

    def scores(self) -> dict[str, dict[str, Any]]:
        """Summarizes the scores after all runs have ended.

        Returns:
            For each score `mean`, `spread` (the sample standard deviation; 0
            for one seed, NaN if a score is not finite) and `seeds`, the score
            of each seed.
        """
        found = [self._found[seed] for seed in self.seeds]
        return {name: _summary(name, found) for name in found[0]}

    def _folder_of(self, seed: int) -> Path:
        return self.folder / f"seed_{seed}"


def over_seeds(
    run: Callable[[int, Path], dict[str, float]],
    seeds: Sequence[int],
    folder: str | Path,
    settings: dict[str, Any] | None = None,
    digests: dict[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Calls a function once for each seed.

    Keras, NumPy and Python are seeded before each run. When a run has ended,
    its scores are written to `folder/seed_<n>/scores.json` and its
    checkpoints are removed. When the series is started again, it reads these
    scores, so that a killed series resumes with the seed at which it stopped.
    Of several workers the first one writes, and all need access to the
    folder. `SeedRuns` does the same as a loop.

    Args:
        run: Called with a seed and the folder of its run; returns scores by
            name.
        seeds: One different seed for each run.
        folder: Folder of the series.
        settings: The settings that the scores depend on, as values of JSON;
            written to `folder/settings.json` when the series begins. A folder
            with other settings is refused. `None`: `folder` is part of a run
            that `begin_run` has compared.
        digests: Digests of the data and weights that the scores depend on,
            from `input_digests`; written and compared likewise.

    Returns:
        For each score `mean`, `spread` (the sample standard deviation; 0 for
        one seed, NaN if a score is not finite) and `seeds`, the score of each
        seed.

    Raises:
        ValueError: There is no seed, or a seed is repeated or out of range;
            or the folder is of other settings or other data.

    Example:
        >>> def run(seed, folder):
        ...     return {"accuracy": 0.7 + seed / 10}
        >>> scores = over_seeds(run, [0, 2], "runs/demo", {"rate": 0.1})
        >>> [round(scores["accuracy"][key], 3) for key in ("mean", "spread")]
        [0.8, 0.141]
    """
    runs = SeedRuns(seeds, folder)
    if settings is not None and is_chief():
        begin_run(folder, settings, digests)
    for seed, run_folder in runs:
        runs.end(seed, run(seed, run_folder))
    return runs.scores()


def _summary(name: str, found: list[dict[str, float]]) -> dict[str, Any]:
    values = [scores[name] for scores in found]
    if not all(map(math.isfinite, values)):
        spread = math.nan
    else:
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {
        "mean": statistics.fmean(values),
        "spread": spread,
        "seeds": values,
    }
