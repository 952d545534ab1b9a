"""The options of a recipe for a task on texts."""

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
    """Options of a recipe for texts: how to read and score its tables.

    Raises:
        ValueError: See both parent classes; or a metric or class weights that
            the task does not have.

    Example:
        >>> from pathlib import Path
        >>> options = TextTaskOptions(output=Path("one"), regression=True)
        >>> options.main_metric
        'pearson_spearman'
    """

    metric: Metric | None = None
    """Score to report first and to choose the best epoch. If not given:
    accuracy; f1_micro for several labels per text; for numbers
    pearson_spearman, the mean of both."""
    class_weights: bool = False
    """Whether to weight classes so that rare ones count as frequent ones."""

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
