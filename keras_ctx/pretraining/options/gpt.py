"""The options of a recipe that pretrains a GPT."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx.checks import check_at_least
from keras_ctx.pretraining.options.shared import PretrainingOptions


@dataclass(frozen=True, kw_only=True)
class GPTPretrainingOptions(PretrainingOptions):
    """Options of pretraining a causal language model.

    Raises:
        ValueError: See `PretrainingOptions`; or `records`, whose ids are those
            of another family, or a stride above the length of a row.

    Example:
        >>> GPTPretrainingOptions(
        ...     output=Path("runs/one"), records=Path("runs/records"))
        Traceback (most recent call last):
        ValueError: `records` must not be given: ...
    """

    corpus: Path | None = None
    """Text to train on, with a blank line between documents. If not given: the
    sample data."""
    records: Path | None = None
    """Not for this recipe: it writes the tokens of its corpus itself."""
    held_out: Path | None = None
    """Text whose perplexity to measure after each epoch and at the end."""
    init: Path | None = None
    """Folder of a run or of a GPT-2 to continue from; its sizes, dropout and
    tokens replace those below."""
    vocabulary_size: int = 4000
    """Most tokens of the byte-level BPE that is learned."""
    max_length: int = 128
    """Tokens of a row, and positions of the encoder."""
    stride: int | None = None
    """Tokens between the windows of the perplexity at the end. If not given:
    half of `max_length`."""
    dtype: Literal["float32", "mixed_bfloat16"] = "float32"
    """Dtype of the computation; weights stay float32."""

    def __post_init__(self):
        if self.records is not None:
            raise ValueError(
                "`records` must not be given: they hold ids of a BERT or the "
                "words of an ELMo. Give the text as `corpus`. "
                f"Received: {self.records}"
            )
        super().__post_init__()
        check_at_least(257, vocabulary_size=self.vocabulary_size)
        check_at_least(4, max_length=self.max_length)
        if self.stride is not None:
            check_at_least(1, stride=self.stride)
            if self.stride > self.max_length:
                raise ValueError(
                    "`stride` must be at most `max_length`. Received: "
                    f"{self.stride} and {self.max_length}"
                )
