"""The options of a recipe that pretrains an ELMo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import data
from keras_ctx.pretraining.options.shared import PretrainingOptions


@dataclass(frozen=True, kw_only=True)
class ElmoPretrainingOptions(PretrainingOptions):
    """Options of pretraining an ELMo: words, and what a run continues from.

    Raises:
        ValueError: See `PretrainingOptions`; or records that were split into
            words differently, or two options that contradict each other.
        FileNotFoundError: `records` has no records.

    Example:
        >>> ElmoPretrainingOptions(
        ...     output=Path("runs/one"), init_options=Path("options.json"))
        Traceback (most recent call last):
        ValueError: `init_options` and `init_weights` must be given together.
    """

    records: Path | None = None
    """Folder of prepare_corpus.py to train on instead, with its words; it must
    have been prepared with the same `split`."""
    held_out: Path | None = None
    """Text whose perplexity to measure after each epoch."""
    init: Path | None = None
    """Folder of an earlier run to continue from, with its encoder, softmax
    and words."""
    init_options: Path | None = None
    """options.json of official weights to continue from, with a new
    softmax."""
    init_weights: Path | None = None
    """HDF5 file or TensorFlow checkpoint of the official weights."""
    vocabulary_size: int | None = 8000
    """Most words to predict; None for all."""
    min_count: int = 1
    """Rarer words are read but not predicted."""
    split: Literal["character", "whitespace"] = "character"
    """How to split text into words; "character" suits Chinese."""
    reset_steps: int | None = 50
    """Steps after which the carried state is reset; None for never, as in
    bilm-tf, for encoders that will carry state, too."""
    warm_start: int | None = None
    """Number of first lines of the corpus, such as 2000, from which the initial
    states of encoder.keras are measured after training. If not given: states
    start from zeros, so vectors of the first words are worse."""
    seed: int = 1
    """Seed of the weights, the order and the negative words."""

    def __post_init__(self):
        super().__post_init__()
        if (self.init_options is None) != (self.init_weights is None):
            raise ValueError(
                "`init_options` and `init_weights` must be given together."
            )
        self.check_not_both(
            "init", "init_options", "training continues from one of them"
        )
        if self.strategy != "one_device" and self.reset_steps is None:
            raise ValueError(
                "`reset_steps` must be given with several devices: a "
                "checkpoint has the carried states of the first device only."
            )
        if self.records is not None:
            self._check_records(self.records)

    def _check_records(self, folder: Path) -> None:
        split = data.open_records(folder, "elmo").settings.split
        if split != self.split:
            raise ValueError(
                "`split` must be that of `records`, "
                f"{split!r}. Received: split={self.split!r}"
            )
        if self.warm_start is not None:
            raise ValueError(
                "`warm_start` reads lines of `corpus`, and `records` have "
                "none: give `--warm-start` to embed_corpus.py instead."
            )

    @property
    def words(self) -> Path | None:
        """File of the words to predict; `None` for those of the corpus."""
        folder = self.init or self.records
        return None if folder is None else folder / "words.txt"
