"""The options of a recipe that pretrains a BERT."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from keras_ctx import data
from keras_ctx.pretraining.options.shared import PretrainingOptions

_PAIR_LENGTH = 64
_MASKING_RATE = 0.15


@dataclass(frozen=True, kw_only=True)
class BertPretrainingOptions(PretrainingOptions):
    """Options of pretraining a BERT: tokens, text pairs, averages of weights.

    Raises:
        ValueError: See `PretrainingOptions`; or pairs longer than the encoder,
            float16 on several devices, or two options that contradict each
            other.
        FileNotFoundError: `records` has no records.

    Example:
        >>> BertPretrainingOptions(output=Path("runs/one")).pair_tokens
        64
    """

    records: Path | None = None
    """Folder of prepare_corpus.py to train on instead; it defines vocabulary,
    `split`, `lower_case`, `objective` and the pairs."""
    held_out: Path | None = None
    """Text to evaluate after each epoch, always with the same masks."""
    held_out_steps: int = 100
    """Batches of the held-out text; a short text repeats with other masks."""
    init: Path | None = None
    """Folder of a checkpoint or an earlier run to continue from; its sizes,
    dropout and vocabulary replace those below."""
    vocabulary: Path | None = None
    """File of tokens, one per line. If not given: built from the corpus."""
    vocabulary_size: int = 4000
    """Most tokens of the vocabulary that is built."""
    split: Literal["character", "wordpiece"] = "character"
    """How to split text into tokens; "character" suits Chinese."""
    lower_case: bool | None = None
    """Whether to lower-case text. If not given: yes, or as the checkpoint
    says."""
    max_length: int = 128
    """Positions of the encoder, in tokens."""
    pair_length: int | None = None
    """Length of a sentence pair or a single text, in tokens. If not given: 64,
    or that of the records."""
    objective: data.BertObjective = "next_sentence"
    """Task beside masked tokens, on text pairs: BERT's, or ALBERT's, which is
    harder. none: masked tokens alone, in single texts, as in RoBERTa.
    left_to_right: the next token instead of masked ones, in an encoder that
    sees only the tokens before it."""
    masking_rate: float = _MASKING_RATE
    """Share of the tokens that are masked."""
    whole_word_masking: bool = False
    """Whether to mask all pieces of a word together (WordPiece only)."""
    segmented: bool = False
    """Whether white space in the corpus separates units, such as words or
    names, to mask whole."""
    lexicon: Path | None = None
    """File of units, such as phrases or names, one per line, to mask whole; of
    several at one place, the longest."""
    stages: tuple[Path, ...] = ()
    """Segmented texts to train on after `corpus`, in which single tokens are
    masked: with words and then with names, ERNIE's three stages. Each has an
    equal part of the epochs."""
    masking_rule: data.MaskingRule = "token"
    """Draw of mask, random token or none in a unit of `segmented`, `lexicon` or
    `stages`: for each token, as in ERNIE, or for the unit."""
    gradient_accumulation_steps: int = 1
    """Steps of gradients accumulated for one update, to fit a large batch into
    the memory of a small machine."""
    ema_momentum: float | None = None
    """Momentum, such as 0.999, of a moving average of the weights, which is
    evaluated and saved instead of them. If not given: no average."""
    average_checkpoints: int = 1
    """Number of last checkpoints whose mean is saved."""
    dtype: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Dtype of the computation; weights stay float32, and with float16 the loss
    is scaled."""
    loss_spike: float | None = 10.0
    """Standard deviations by which the loss of a step may exceed the 100 steps
    before; above it, or at nan, the run stops and names the batch. None: no
    limit."""
    seed: int = 1
    """Seed of the weights, the order, the pairs and the masks."""

    def __post_init__(self):
        if self.init is None and self.pair_tokens > self.max_length:
            raise ValueError(
                "`pair_length` must be at most `max_length`. Received: "
                f"{self.pair_tokens} and {self.max_length}"
            )
        super().__post_init__()
        self.check_not_both(
            "init", "vocabulary", "a checkpoint has its own tokens"
        )
        self.check_not_both(
            "records", "vocabulary", "records hold the corpus as ids"
        )
        self._check_masking()
        self._check_objective()
        if self.dtype == "mixed_float16" and self.strategy != "one_device":
            # Keras 3.15 checks for overflows on each device separately.
            raise ValueError(
                '`dtype` must be "float32" or "mixed_bfloat16" on several '
                f"devices. Received: {self.dtype} and {self.strategy}"
            )
        if self.ema_momentum is not None and self.average_checkpoints > 1:
            raise ValueError(
                "`ema_momentum` and `average_checkpoints` must not be given "
                "together: each saves its own mean of the weights."
            )

    def _check_masking(self) -> None:
        ways = {
            "whole_word_masking": self.whole_word_masking,
            "segmented": self.segmented,
            "lexicon": self.lexicon is not None,
            "stages": bool(self.stages),
        }
        given = [f"`{name}`" for name, is_given in ways.items() if is_given]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)} must not be given together: each says "
                "which tokens are masked together."
            )
        if self.records is not None and self.has_units:
            raise ValueError(
                f"`records` and {given[0]} must not be given together: records "
                "hold the corpus as ids. Train on the text, with `corpus`."
            )
        if self.masking_rule == "unit" and not self.has_units:
            raise ValueError(
                '`masking_rule="unit"` needs `segmented`, `lexicon` or '
                "`stages`. Received: none of them"
            )
        if self.epochs <= len(self.stages):
            raise ValueError(
                "`epochs` must be at least the number of texts, `corpus` and "
                f"those of `stages`. Received: epochs={self.epochs} and "
                f"{1 + len(self.stages)} texts"
            )

    def _check_objective(self) -> None:
        if not 0 < self.masking_rate < 1:
            raise ValueError(
                "`masking_rate` must be a share above 0 and below 1. "
                f"Received: masking_rate={self.masking_rate}"
            )
        # `next_sentence` stands for that of the records.
        if self.records is not None and self.objective != "next_sentence":
            found = data.open_records(self.records, "bert").settings.objective
            if self.objective != found:
                raise ValueError(
                    f"`objective` must be that of `records`, {found!r}. "
                    f"Received: {self.objective!r}. Train on the text, with "
                    "`corpus`, or prepare other records."
                )
        if self.objective != "left_to_right":
            return
        given = {
            "masking_rate": self.masking_rate != _MASKING_RATE,
            "whole_word_masking": self.whole_word_masking,
            "segmented": self.segmented,
            "lexicon": self.lexicon is not None,
            "stages": bool(self.stages),
        }
        if names := [f"`{name}`" for name, found in given.items() if found]:
            raise ValueError(
                '`objective="left_to_right"` masks nothing. Leave out '
                f"{' and '.join(names)}."
            )

    @property
    def has_pairs(self) -> bool:
        """Whether a row is a text pair."""
        return self.objective in ("next_sentence", "sentence_order")

    @property
    def has_units(self) -> bool:
        """Whether units of segmented texts or a lexicon are masked whole."""
        return bool(self.segmented or self.lexicon or self.stages)

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
        """Most masked tokens of a row: `masking_rate`, or with units twice it.

        Each unit has a draw of its own, so a row may have more than the share.
        """
        share = min(1.0, (1 + self.has_units) * self.masking_rate)
        return max(1, round(share * self.pair_tokens))
