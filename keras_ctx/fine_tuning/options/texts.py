"""The options of a recipe for a task on texts."""

from dataclasses import dataclass
from typing import Any, Literal

from keras_ctx import data, training
from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.fine_tuning.options.shared import LabelledDataOptions
from keras_ctx.fine_tuning.options.ulmfit import ULMFiTOptions

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
class TextTaskOptions(ULMFiTOptions, data.TextTaskFormat, LabelledDataOptions):
    """Options of a recipe for texts: how to read and score its tables.

    Raises:
        ValueError: See the parent classes; a metric or class weights that
            the task does not have; or a weight of the next token that is not
            positive, or for a frozen encoder.

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
    head: Literal["linear", "concat_pooling"] = "linear"
    """A dense layer; or ULMFiT's pooling of the last token, the maximum and the
    mean, with a hidden layer."""
    class_weights: bool = False
    """Whether to weight classes so that rare ones count as frequent ones."""
    lstm_dim: int | None = None
    """Cells per direction of a two-layer BiLSTM under the head; None: no
    LSTM."""
    language_model_weight: float | None = None
    """Weight of a second loss, of the next token of the texts, 0.5 in the
    paper of GPT; only for a GPT. If not given: no such loss."""

    def __post_init__(self):
        data.TextTaskFormat.__post_init__(self)
        LabelledDataOptions.__post_init__(self)
        self.check_ulmfit()
        if self.class_weights and self.kind != "classification":
            raise ValueError(
                f"`class_weights` needs classes, not `{self.kind}`."
            )
        if self.lstm_dim is not None:
            check_at_least(1, lstm_dim=self.lstm_dim)
        check_positive(language_model_weight=self.language_model_weight)
        if self.language_model and self.frozen:
            raise ValueError(
                "Give `language_model_weight` or `frozen`, not both."
            )
        if self.main_metric not in self.metrics:
            raise ValueError(
                f"`metric` must be one of {', '.join(self.metrics)} for "
                f"{self.kind}. Received: metric={self.metric!r}"
            )

    def check_rates(self) -> None:
        # `with_ulmfit` sets options that others need, and then checks them.
        if self.ulmfit is None:
            super().check_rates()

    @property
    def language_model(self) -> bool:
        """Whether the next token is predicted, too."""
        return self.language_model_weight is not None

    def task_loss(self) -> dict[str, Any]:
        """Returns the arguments of `compile` for the loss of the task."""
        return training.task_loss(
            self.kind,
            self.class_weights,
            language_model_weight=self.language_model_weight,
        )

    @property
    def main_metric(self) -> str:
        """The score that is reported first."""
        return self.metric or self.metrics[0]
