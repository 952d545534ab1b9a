"""The same run with several seeds: mean and spread of its scores."""

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_ctx.files.json_text import read_figures_file
from keras_ctx.training.distribution.workers import is_chief
from keras_ctx.training.run.checkpoints import remove_checkpoints
from keras_ctx.training.run.folder import save_json
from keras_ctx.training.run.numbers import check_seeds
from keras_ctx.training.run.settings import begin_run


def over_seeds(
    run: Callable[[int, Path], dict[str, float]],
    seeds: Sequence[int],
    folder: str | Path,
    settings: dict[str, Any] | None = None,
    digests: dict[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Run once for each seed, and once only.

    Of several workers the first one writes, and all must see the folder.
    Keras, NumPy and Python are seeded before each run. Its scores are written
    to `folder/seed_<n>/scores.json` when it has ended, where its checkpoints
    are then removed, and read from there when all is started again, so that
    a killed series goes on with the seed at which it stopped.

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
    check_seeds(seeds)
    if settings is not None and is_chief():
        begin_run(folder, settings, digests)
    found: list[dict[str, float]] = []
    for seed in seeds:
        run_folder = Path(folder) / f"seed_{seed}"
        path = run_folder / "scores.json"
        if path.exists():
            found.append(read_figures_file(path))
            continue
        keras.utils.set_random_seed(seed)
        found.append(run(seed, run_folder))
        if is_chief():
            save_json(found[-1], path)
            remove_checkpoints(run_folder)
    return {name: _summary(name, found) for name in found[0]}


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
