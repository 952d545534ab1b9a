"""The same run with several seeds: mean and spread of its scores."""

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
    """The runs of a series, one for each seed, of which each ends once.

    An iteration gives those that have not ended, so that a killed series
    resumes with the seed at which it stopped. Keras, NumPy and Python are
    seeded before each run. Of several workers the first one writes, and all
    must see the folder.

    Args:
        seeds: One run each, all different.
        folder: Of the series; that of a run is `folder/seed_<n>`.

    Raises:
        ValueError: A seed stands twice, is below 0 or there is none.

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
        """Writes `scores.json` of a run that has ended; remove its checkpoints.

        Args:
            seed: Of the run.
            scores: Its scores, by name.
        """
        self._found[seed] = scores
        if is_chief():
            save_json(scores, self._folder_of(seed) / "scores.json")
            remove_checkpoints(self._folder_of(seed))

    def scores(self) -> dict[str, dict[str, Any]]:
        """By the name of a score, when all have ended: `mean`, `spread` (the
        sample standard deviation, 0 for one seed, NaN where a score is not
        finite) and `seeds`, the score of each."""
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
    """Runs once for each seed, and once only.

    Of several workers the first one writes, and all must see the folder.
    Keras, NumPy and Python are seeded before each run. Its scores are written
    to `folder/seed_<n>/scores.json` when it has ended, where its checkpoints
    are then removed, and read from there when all is started again, so that
    a killed series resumes with the seed at which it stopped. `SeedRuns` is the
    same as a loop.

    Args:
        run: Called with a seed and the folder of its run; returns scores by
            name.
        seeds: One run each, all different.
        folder: Of the series.
        settings: What the scores depend on, as JSON; written to
            `folder/settings.json` when the series begins. A folder of other
            settings is refused. `None`: `folder` is part of a run that
            `begin_run` has compared.
        digests: Of the data and weights that they depend on, from
            `input_digests`; kept and compared likewise.

    Returns:
        By the name of a score `mean`, `spread` (the sample standard
        deviation, 0 for one seed, NaN where a score is not finite) and
        `seeds`, the score of each.

    Raises:
        ValueError: A seed stands twice, is below 0 or there is none; or the
            folder is of other settings or other data.

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
