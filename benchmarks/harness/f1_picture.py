"""Draws F1 against the number of training sentences."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from .entities import of_seeds


def draw(
    labels: Sequence[str],
    found: Mapping[int, Sequence[Sequence[float]]],
    axis_title: str,
    path: Path,
) -> None:
    """Draws a curve for each label, with the deviation over seeds.

    Args:
        labels: Names of the curves.
        found: The F1 of each seed for each curve, by the number of sentences.
        axis_title: What the numbers count.
        path: The PNG to write.
    """
    found = dict(sorted(found.items()))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for k, label in enumerate(labels):
        both = [of_seeds(scores[k]) for scores in found.values()]
        means, spreads = zip(*both, strict=True)
        axis.errorbar(
            list(found), means, spreads, marker="o", capsize=4, label=label
        )
    axis.set(xscale="log", xlabel=axis_title, ylabel="strict F1, %")
    axis.set_xticks(list(found), [f"{x:,}" for x in found])
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)
