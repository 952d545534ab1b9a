"""The options that recipes share, and which of them do not fit together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import text, training
from keras_ctx.fine_tuning.options.text_inputs import load_text_inputs

# The sample data of the figures in docs/results.md.
SAMPLE_SIZE, SAMPLE_LENGTH = 1000, 128


@dataclass(frozen=True, kw_only=True)
class FineTuningOptions:
    """Options of every recipe that fine-tunes an encoder.

    The `Config` of a recipe inherits them, with the docstrings that `--help`
    shows, and gives its own defaults.

    Raises:
        ValueError: A count below 1, seeds that are none, an `output` that
            cannot be written, or two options that do not fit together.

    Example:
        >>> FineTuningOptions(output=Path("runs/one"), patience=2)
        Traceback (most recent call last):
        ValueError: `patience` needs `dev`, to see no better score.
    """

    init: Path = Path("runs/bert")
    """Folder of a pretrained encoder and its vocabulary."""
    train: Path | None = None
    """Labelled examples to learn from; left out: the sample data."""
    dev: Path | None = None
    """Labelled examples to choose the best epoch by; left out: the last
    epoch."""
    test: Path | None = None
    """Labelled examples to score on; left out: the sample data."""
    predict: Path | None = None
    """A file without labels, to predict when all is done: of texts into
    OUTPUT/predicted.tsv, of words .conll, of questions .json."""
    output: Path
    """Folder of the run."""
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "scalar_mix"
    """Layers that the head reads: the last, a mixture of all, four of them."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    lora_rank: int | None = None
    """Train updates of this rank instead of the weights of BERT's blocks
    (LoRA), such as 8; left out: the weights themselves."""
    batch_size: int = 16
    """Examples in a batch."""
    epochs: int = 3
    """Passes over the training examples."""
    patience: int | None = None
    """Epochs without a better score on `dev` after which a run stops."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    layer_decay: float = 1.0
    """The learning rate of a layer, as a share of that of the layer above."""
    dtype: Literal["float32", "mixed_bfloat16"] = "float32"
    """What the encoder computes in."""
    seeds: tuple[int, ...] = (1,)
    """Of the head, dropout and the order of the examples; one run each."""
    strategy: training.StrategyName = "one_device"
    """What trains: one device, all of this machine, or the workers of
    TF_CONFIG, each of which runs this same command and sees OUTPUT."""
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        if self.patience is not None and self.dev is None:
            raise ValueError("`patience` needs `dev`, to see no better score.")
        if self.lora_rank is not None and self.frozen:
            raise ValueError("Give `lora_rank` or `frozen`, not both.")
        training.check_run_numbers(self)
        training.check_output(self)


@dataclass(frozen=True, kw_only=True)
class LabelledDataOptions(FineTuningOptions):
    """Options of recipes with sample data, and an untrained twin to compare.

    Raises:
        ValueError: As of `FineTuningOptions`; or `train` without `test`,
            `test` without `train`, or `dev` without both.

    Example:
        >>> LabelledDataOptions(output=Path("runs/one"), train=Path("a.tsv"))
        Traceback (most recent call last):
        ValueError: `train` and `test` must be given together.
    """

    num_train: int | None = None
    """Examples to learn from: of the sample data the first ones, by default
    1000; of `train` a random choice, the same for all seeds, by default all."""
    max_length: int | None = None
    """Longer examples are cut, in tokens; left out: what the encoder takes, of
    the sample data 128."""
    dropout: float = 0.1
    """Share of the features under the head dropped; of a tagger with a
    mixture, ELMo's own dropout."""
    gradient_accumulation_steps: int = 1
    """Batches whose gradients make one update."""
    schedule: Literal["linear", "slanted_triangular"] = "linear"
    """How the learning rate rises and falls."""
    gradual_unfreezing: bool = False
    """Whether one more layer, from the top, begins to learn each epoch."""
    compare: bool = True
    """Whether to train the same model from an untrained encoder, too."""

    def __post_init__(self):
        if (self.train is None) != (self.test is None):
            raise ValueError("`train` and `test` must be given together.")
        if self.train is None and self.dev is not None:
            raise ValueError("`dev` needs `train` and `test`.")
        super().__post_init__()

    @property
    def files(self) -> dict[str, Path | None]:
        """The user's own files, by name; none of them: the sample data."""
        if self.train is None:
            return {}
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def load_text_inputs(self) -> text.TextInputs:
        """The encoder's, with rows of `max_length`, as that option says."""
        longest = SAMPLE_LENGTH if self.train is None else None
        return load_text_inputs(self.init, self.max_length, longest)
