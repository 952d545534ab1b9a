"""The options of a recipe that pretrains a BERT."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from keras_ctx import data
from keras_ctx.pretraining.options.shared import PretrainingOptions

_PAIR_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class BertPretrainingOptions(PretrainingOptions):
    """Options of how text becomes pairs of tokens, and of what is averaged.

    Raises:
        ValueError: As of `PretrainingOptions`; pairs longer than the encoder,
            float16 on several devices, or two options that do not fit
            together.
        FileNotFoundError: `records` holds none.

    Example:
        >>> BertPretrainingOptions(output=Path("runs/one")).pair_tokens
        64
    """

    records: Path | None = None
    """Folder of prepare_corpus.py to learn from instead; vocabulary, `split`,
    `lower_case`, `objective` and the pairs are those of the records."""
    held_out: Path | None = None
    """Text that is measured after each epoch, with the same masks."""
    held_out_steps: int = 100
    """Batches of it; of a shorter text some come again, with other masks."""
    init: Path | None = None
    """Folder of a checkpoint or an earlier run to continue from; its sizes,
    its dropout and its vocabulary stand in place of those below."""
    vocabulary: Path | None = None
    """Tokens, one a line; left out: built from the corpus."""
    vocabulary_size: int = 4000
    """Most tokens of a vocabulary that is built."""
    split: Literal["character", "wordpiece"] = "character"
    """How text is cut into tokens; "character" suits Chinese."""
    lower_case: bool | None = None
    """Whether case is folded; left out: yes, or as the checkpoint says."""
    max_length: int = 128
    """Positions of the encoder, in tokens."""
    pair_length: int | None = None
    """Length of a sentence pair in pretraining, in tokens; left out: 64, or
    that of the records."""
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence"
    """What is asked about a pair: BERT's question, or ALBERT's harder one."""
    gradient_accumulation_steps: int = 1
    """Steps whose gradients make one update; with more, smaller steps, a
    large batch fits into the memory of a small machine."""
    ema_momentum: float | None = None
    """Momentum, such as 0.999, of an average of the weights, which is measured
    and saved in their place; left out: none."""
    average_checkpoints: int = 1
    """Checkpoints at the end of the run whose mean is saved."""
    dtype: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """What is computed in; weights stay float32, and the loss of float16 is
    scaled."""
    loss_spike: float | None = 10.0
    """Standard deviations that the loss of a step may be above the 100 before
    it; beyond, as at nan, the run stops and names the batch. None: any."""
    seed: int = 1
    """Of the weights, the order, the pairs and the masks."""

    def __post_init__(self):
        if self.init is None and self.pair_tokens > self.max_length:
            raise ValueError(
                "`pair_length` must be at most `max_length`. Received: "
                f"{self.pair_tokens} and {self.max_length}"
            )
        super().__post_init__()
        self.check_not_both(
            "init", "vocabulary", "a checkpoint has tokens of its own"
        )
        self.check_not_both(
            "records", "vocabulary", "records hold the corpus as ids"
        )
        if self.dtype == "mixed_float16" and self.strategy != "one_device":
            # Keras 3.15 looks for overflows on each device by itself.
            raise ValueError(
                '`dtype` must be "float32" or "mixed_bfloat16" on several '
                f"devices. Received: {self.dtype} and {self.strategy}"
            )
        if self.ema_momentum is not None and self.average_checkpoints > 1:
            raise ValueError(
                "`ema_momentum` and `average_checkpoints` must not be given "
                "together: each saves a mean of the weights of its own."
            )

    @cached_property
    def pair_tokens(self) -> int:
        """Length of a sentence pair, in tokens."""
        if self.pair_length is not None:
            return self.pair_length
        if self.records is not None:
            return data.open_records(self.records, "bert").settings.max_length
        return _PAIR_LENGTH

    @property
    def max_predictions(self) -> int:
        """Masked words of a pair at most: BERT's 15 %."""
        return round(0.15 * self.pair_tokens)
