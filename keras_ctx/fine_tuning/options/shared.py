"""The options that recipes share, and the checks of their combinations."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras

from keras_ctx import convert, text, training
from keras_ctx.fine_tuning.options.rates import RateOptions
from keras_ctx.fine_tuning.options.recurrent import RecurrentOptions
from keras_ctx.fine_tuning.options.text_inputs import load_text_inputs

# The sample data behind the figures in docs/results.md.
SAMPLE_SIZE, SAMPLE_LENGTH = 1000, 128


@dataclass(frozen=True, kw_only=True)
class FineTuningOptions:
    """Options of every recipe that fine-tunes an encoder.

    The `Config` of a recipe inherits them, with the docstrings that `--help`
    shows, and sets its own defaults.

    Raises:
        ValueError: A count below 1, an invalid seed, an `output` that cannot be
            written, or two options that contradict each other.

    Example:
        >>> FineTuningOptions(output=Path("runs/one"), patience=2)
        Traceback (most recent call last):
        ValueError: `patience` needs `dev`, to see no better score.
    """

    init: Path = Path("runs/bert")
    """Folder of a pretrained encoder and its vocabulary."""
    train: Path | None = None
    """Labelled examples to train on. If not given: the sample data."""
    dev: Path | None = None
    """Labelled examples to choose the best epoch. If not given: the last
    epoch."""
    test: Path | None = None
    """Labelled examples to score on. If not given: the sample data."""
    predict: Path | None = None
    """A file without labels to predict after training. The result is
    OUTPUT/predicted.tsv for texts, .conll for words, .json for questions,
    .jsonl for predicates."""
    output: Path
    """Folder of the run."""
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "scalar_mix"
    """Layers that the head reads: the last, a mixture of all, or the last
    four."""
    frozen: bool = False
    """Whether the encoder is frozen."""
    lora_rank: int | None = None
    """Rank of LoRA updates, such as 8, trained instead of the weights of BERT's
    blocks. If not given: no LoRA."""
    batch_size: int = 16
    """Examples in a batch."""
    epochs: int = 3
    """Passes over the training examples."""
    patience: int | None = None
    """Epochs without a better score on `dev` before a run stops."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    layer_decay: float = 1.0
    """Learning rate of a layer, as a share of that of the layer above."""
    dtype: Literal["float32", "mixed_bfloat16"] = "float32"
    """Dtype that the encoder computes in."""
    seeds: tuple[int, ...] = (1,)
    """Seeds of the head, dropout and the order of the examples; one run
    each."""
    strategy: training.StrategyName = "one_device"
    """Where to train: on one device, on all devices of this machine, or on the
    workers of TF_CONFIG, which all run this command and share OUTPUT."""
    restart: bool = False
    """Whether to move an existing run to OUTPUT.old-1 and start again."""

    def __post_init__(self):
        if self.patience is not None and self.dev is None:
            raise ValueError("`patience` needs `dev`, to see no better score.")
        if self.lora_rank is not None and self.frozen:
            raise ValueError("Give `lora_rank` or `frozen`, not both.")
        if self.frozen and self.layer_decay != 1:
            raise ValueError(
                "`layer_decay` needs an encoder that is trained: leave out "
                f"`frozen`. Received: layer_decay={self.layer_decay}"
            )
        training.check_run_numbers(self)
        training.check_output(self)


@dataclass(frozen=True, kw_only=True)
class LabelledDataOptions(RateOptions, RecurrentOptions, FineTuningOptions):
    """Options of recipes with sample data and an untrained twin to compare.

    Raises:
        ValueError: See `FineTuningOptions` and `RateOptions`; or `train`
            without `test`, `test` without `train`, or `dev` without both; or
            recurrent layers on an encoder with `frozen` or `lora_rank`; or
            gradual unfreezing with `frozen`.

    Example:
        >>> LabelledDataOptions(output=Path("runs/one"), train=Path("a.tsv"))
        Traceback (most recent call last):
        ValueError: `train` and `test` must be given together.
    """

    num_train: int | None = None
    """Number of training examples: the first of the sample data, by default
    1000; or a random choice from `train`, the same for all seeds, by default
    all."""
    max_length: int | None = None
    """Longest example, in tokens; longer ones are cut. If not given: what the
    encoder takes; 128 for the sample data."""
    dropout: float = 0.1
    """Dropout rate of the features under the head; for a tagger with a mixture,
    ELMo's own dropout."""
    gradient_accumulation_steps: int = 1
    """Batches of gradients accumulated for one update."""
    compare: bool = True
    """Whether to also train the same model from an untrained encoder."""

    def __post_init__(self):
        if (self.train is None) != (self.test is None):
            raise ValueError("`train` and `test` must be given together.")
        if self.train is None and self.dev is not None:
            raise ValueError("`dev` needs `train` and `test`.")
        if self.is_recurrent and (self.frozen or self.lora_rank is not None):
            raise ValueError(
                "`frozen` and `lora_rank` are for an encoder without "
                "`recurrent_layers` and `context`: give a frozen encoder as "
                "`context`."
            )
        if self.frozen and self.gradual_unfreezing:
            raise ValueError(
                "`gradual_unfreezing` unfreezes the encoder: leave out "
                "`frozen`, or what `ulmfit` sets by `ulmfit_without`."
            )
        self.check_recurrent()
        self.check_rates()
        super().__post_init__()

    @property
    def files(self) -> dict[str, Path | None]:
        """The user's files by name; empty for the sample data."""
        if self.train is None:
            return {}
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def load_text_inputs(self) -> text.TextInputs:
        """Loads the encoder's text inputs, with `max_length` tokens at most."""
        longest = SAMPLE_LENGTH if self.train is None else None
        inputs = load_text_inputs(self.init, self.max_length, longest)
        if self.context is None:
            return inputs
        context = convert.load_text_inputs(self.context)
        return text.ContextInputs(inputs, context)

    def mixture(self, encoder: keras.Model) -> Any:
        """Returns the `mix` argument of the head.

        Args:
            encoder: The encoder under the head.
        """
        return "last" if self.is_recurrent else self.layer_mixture(encoder)

    def layer_mixture(self, encoder: keras.Model) -> Any:
        """Returns which layers of a pretrained encoder are read.

        Args:
            encoder: The encoder, that of `context` if there is one.
        """
        del encoder
        return self.mix
