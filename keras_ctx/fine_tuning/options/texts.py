"""The options of a recipe that learns a task on texts."""

from dataclasses import dataclass
from typing import Literal

from keras_ctx import data
from keras_ctx.fine_tuning.options.shared import LabelledDataOptions

Metric = Literal[
    "accuracy",
    "f1",
    "f1_macro",
    "f1_micro",
    "matthews",
    "pearson_spearman",
    "pearson",
    "spearman",
]


@dataclass(frozen=True, kw_only=True)
class TextTaskOptions(data.TextTaskFormat, LabelledDataOptions):
    """Options of a recipe for texts: how its tables are read and scored.

    Raises:
        ValueError: As of both kinds of options; a metric or class weights
            that the task does not have.

    Example:
        >>> from pathlib import Path
        >>> options = TextTaskOptions(output=Path("one"), regression=True)
        >>> options.main_metric
        'pearson_spearman'
    """

    metric: Metric | None = None
    """What is reported first and chooses the best epoch; left out: accuracy,
    for several labels f1_micro, for numbers pearson_spearman, their mean."""
    class_weights: bool = False
    """Whether rare classes count as much as frequent ones."""

    def __post_init__(self):
        data.TextTaskFormat.__post_init__(self)
        LabelledDataOptions.__post_init__(self)
        if self.class_weights and self.kind != "classification":
            raise ValueError(
                f"`class_weights` needs classes, not `{self.kind}`."
            )
        if self.main_metric not in self.metrics:
            raise ValueError(
                f"`metric` must be one of {', '.join(self.metrics)} for "
                f"{self.kind}. Received: metric={self.metric!r}"
            )

    @property
    def main_metric(self) -> str:
        """The score that is reported first."""
        return self.metric or self.metrics[0]
