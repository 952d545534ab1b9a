"""The options of a recipe that prepares a corpus for pretraining."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import convert, data, training
from keras_ctx.checks import check_at_least

_PAIR_LENGTH = 128


@dataclass(frozen=True)
class CorpusOptions:
    """Options of what is read, and of how it becomes records.

    Raises:
        ValueError: An `output` that cannot be written, a `max_length` below
            1, or two options that do not fit together.

    Example:
        >>> CorpusOptions(max_length=0)
        Traceback (most recent call last):
        ValueError: `max_length` must be at least 1. Received: max_length=0
    """

    inputs: tuple[Path, ...] = ()
    """Files, and folders of .txt, plain or not; left out: the sample data."""
    output: Path = Path("runs/records")
    """Folder of the records."""
    kind: Literal["bert", "elmo"] = "bert"
    """Sentence pairs of ids, or sentences of words."""
    layout: Literal["blank_line", "file"] = "blank_line"
    """What ends a document."""
    init: Path | None = None
    """Folder of a run or a checkpoint whose vocabulary is taken."""
    vocabulary: Path | None = None
    """Tokens, or for ELMo words, one a line; left out: built from the text."""
    vocabulary_size: int = 4000
    """Most tokens or words of a vocabulary that is built."""
    split: Literal["character", "wordpiece", "whitespace"] = "character"
    """How text is cut: "wordpiece" is BERT's, "whitespace" ELMo's."""
    lower_case: bool = True
    """Whether case is folded (BERT)."""
    max_length: int | None = None
    """Tokens of a sentence pair; left out: 128, or all that the encoder of
    `init` has positions for."""
    short_seq_prob: float = 0.1
    """Share of documents cut into shorter pairs."""
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence"
    """What is asked about a pair."""
    seed: int = 1
    """Of the order, the pairs and their labels."""
    restart: bool = False
    """Whether to move records that are there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        training.check_output(self)
        if self.max_length is not None:
            check_at_least(1, max_length=self.max_length)
        if self.init is not None and self.vocabulary is not None:
            raise ValueError(
                "`init` and `vocabulary` must not be given together."
            )

    @property
    def pair_length(self) -> int:
        """Tokens of a sentence pair.

        Raises:
            ValueError: `init` is no BERT, or reads fewer tokens.
        """
        if self.kind == "elmo" or self.init is None:
            return self.max_length or _PAIR_LENGTH
        inputs = convert.load_text_inputs(self.init, self.max_length)
        if inputs.mask_id is None:
            raise ValueError(
                '`init` must hold a BERT for `kind="bert"`. Received: '
                f"{self.init}, whose text inputs are {type(inputs).__name__}"
            )
        return self.max_length or min(inputs.max_length, _PAIR_LENGTH)

    def record_settings(self, num_shards: int) -> data.RecordSettings:
        """What the bytes of the records depend on besides the texts.

        Args:
            num_shards: Files of records.

        Raises:
            ValueError: As of `pair_length` and `data.RecordSettings`.
        """
        return data.RecordSettings(
            self.kind,
            self.split,
            self.seed,
            num_shards,
            self.pair_length,
            self.short_seq_prob,
            self.objective,
        )
