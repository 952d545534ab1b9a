"""The runs of a recipe: each seed, on a pretrained and an untrained encoder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ctx import training
from keras_ctx.fine_tuning.options.shared import LabelledDataOptions


@dataclass(frozen=True)
class Run:
    """One run of a recipe.

    Example:
        >>> Run(1, Path("runs/one/untrained/seed_1"), pretrained=False).seed
        1
    """

    seed: int
    folder: Path
    pretrained: bool
    """Whether its encoder is pretrained, else it starts with random weights."""


class EncoderRuns:
    """Runs with the pretrained encoder, then with an untrained one.

    Iterating yields the unfinished runs, so that a killed series resumes where
    it stopped; see `training.SeedRuns`.

    Args:
        options: Uses `output`, `seeds` and `compare`.

    Example:
        >>> options = LabelledDataOptions(output=Path("runs/both"))
        >>> runs = EncoderRuns(options)
        >>> for run in runs:
        ...     runs.end(run, {"f1": 0.25 + 0.5 * run.pretrained})
        both: pretrained encoder
        both: untrained encoder
        >>> found = runs.results("f1")
        >>> found["pretrained"], found["untrained"]
        (0.75, 0.25)
        >>> found["scores_pretrained"]["f1"]["seeds"]
        [0.75]
    """

    def __init__(self, options: LabelledDataOptions) -> None:
        self._name = options.output.name
        names = ("pretrained", "untrained")[: 1 + options.compare]
        self._series = {
            name: training.SeedRuns(options.seeds, options.output / name)
            for name in names
        }

    def __iter__(self) -> Iterator[Run]:
        for name, series in self._series.items():
            print(f"{self._name}: {name} encoder")
            for seed, folder in series:
                yield Run(seed, folder, name == "pretrained")

    def end(self, run: Run, scores: dict[str, float]) -> None:
        """Records the scores of a finished run.

        Args:
            run: The finished run.
            scores: Scores by name.
        """
        name = "pretrained" if run.pretrained else "untrained"
        self._series[name].end(run.seed, scores)

    def results(self, metric: str) -> dict[str, Any]:
        """Returns the scores after all runs have finished.

        They are the mean of the metric by encoder, and all scores of all seeds
        as `scores_pretrained` and `scores_untrained`.

        Args:
            metric: Name of a score.
        """
        results: dict[str, Any] = {}
        for name, series in self._series.items():
            scores = series.scores()
            results[name] = scores[metric]["mean"]
            results[f"scores_{name}"] = scores
        return results
