"""The options of a recipe that pretrains ULMFiT's language model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.pretraining.options.shared import PretrainingOptions


@dataclass(frozen=True, kw_only=True)
class ULMFiTPretrainingOptions(PretrainingOptions):
    """Options of pretraining an AWD-LSTM language model.

    Raises:
        ValueError: See `PretrainingOptions`; or `records`, several devices, or
            a number out of range.

    Example:
        >>> ULMFiTPretrainingOptions(output=Path("runs/one"), drop_mult=4.0)
        Traceback (most recent call last):
        ValueError: `drop_mult` must be at least 0 and below 4, ...
    """

    corpus: Path | None = None
    """Text to train on, with a blank line between documents. If not given: the
    sample data."""
    records: Path | None = None
    """Not for this recipe: it writes the tokens of its corpus itself."""
    held_out: Path | None = None
    """Text whose perplexity to measure after each epoch and at the end."""
    init: Path | None = None
    """Folder of a run to continue from, with the vocabulary of the new corpus:
    known tokens keep their vectors. Its sizes replace those below."""
    vocabulary_size: int = 60_000
    """Most tokens of the vocabulary, with the nine special ones."""
    min_count: int = 3
    """Rarer tokens are unknown."""
    split: Literal["character", "words"] = "character"
    """How to split text into tokens; "character" suits Chinese."""
    direction: Literal["forward", "backward"] = "forward"
    """Whether a text is read from its beginning or from its end."""
    bptt: int = 70
    """Tokens per step and row; gradients do not reach further back."""
    vary_bptt: bool = True
    """Whether that number is drawn for each step, around `bptt`."""
    drop_mult: float = 0.5
    """Factor of all dropout rates: 0.25 of the embeddings, 0.15 between LSTMs,
    0.2 of recurrent weights, 0.02 of tokens, 0.1 of the output. 0 is best for
    a short run from scratch, 1 for a small corpus."""
    activation_penalty: float = 2.0
    """Weight of the penalty on large outputs (AR); with `init`, that of the
    earlier run."""
    change_penalty: float = 1.0
    """Weight of the penalty on quick changes of outputs (TAR); as above."""
    learning_rate: float = 4e-3
    """Highest learning rate."""
    beta_1: float = 0.8
    """Adam's decay of the mean gradient: 0.8 in ULMFiT's scripts, 0.7 in its
    paper."""
    beta_2: float = 0.99
    """Adam's decay of the mean squared gradient."""
    schedule: Literal["slanted_triangular", "linear"] = "slanted_triangular"
    """How the learning rate rises, for a tenth of the run, and falls."""
    layer_decay: float = 1.0
    """Learning rate of a layer, as a share of that of the layer above; 0.385
    (1 / 2.6) is the paper's with `init`."""
    layer_factors: tuple[float, ...] | None = None
    """With `init`, instead of `layer_decay`: learning rates of the embeddings,
    of each LSTM and of the output's bias, as shares of `learning_rate`; 0.5
    0.167 0.333 1 0.5 in ULMFiT's scripts."""
    reset_steps: int | None = None
    """Steps after which the carried states are reset. If not given: at the
    beginning of each epoch."""

    def __post_init__(self):
        if self.records is not None:
            raise ValueError(
                "`records` must not be given: they hold ids of a BERT or the "
                "words of an ELMo. Give the text as `corpus`. "
                f"Received: {self.records}"
            )
        super().__post_init__()
        if self.strategy != "one_device":
            raise ValueError(
                '`strategy` must be "one_device": a checkpoint has the carried '
                f"states of one device only. Received: {self.strategy!r}"
            )
        check_at_least(10, vocabulary_size=self.vocabulary_size)
        check_at_least(1, min_count=self.min_count)
        check_at_least(5, bptt=self.bptt)
        if self.reset_steps is not None:
            check_at_least(1, reset_steps=self.reset_steps)
        if not 0 <= self.drop_mult < 4:
            raise ValueError(
                "`drop_mult` must be at least 0 and below 4, since the highest "
                f"rate is 0.25. Received: drop_mult={self.drop_mult}"
            )
        check_rate(beta_1=self.beta_1, beta_2=self.beta_2)
        for name in ("activation_penalty", "change_penalty"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"`{name}` must be at least 0. "
                    f"Received: {getattr(self, name)}"
                )
        if self.layer_factors is not None:
            if self.layer_decay != 1:
                raise ValueError(
                    "Give `layer_factors` or `layer_decay`, not both."
                )
            if self.init is None:
                raise ValueError("`layer_factors` needs `init`.")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(
                "`layer_decay` must be above 0 and at most 1. "
                f"Received: {self.layer_decay}"
            )

    @property
    def backward(self) -> bool:
        """Whether a text is read from its end."""
        return self.direction == "backward"
