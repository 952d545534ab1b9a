"""The options of a recipe that prepares a corpus for pretraining."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import convert, data, training
from keras_ctx.checks import check_at_least

_PAIR_LENGTH = 128


@dataclass(frozen=True)
class CorpusOptions:
    """Options of what to read, and how to convert it to records.

    Raises:
        ValueError: An `output` that cannot be written, a `max_length` below 1,
            or two options that contradict each other.

    Example:
        >>> CorpusOptions(max_length=0)
        Traceback (most recent call last):
        ValueError: `max_length` must be at least 1. Received: max_length=0
    """

    inputs: tuple[Path, ...] = ()
    """Text files, or folders of .txt, may be compressed. If not given: the
    sample data."""
    output: Path = Path("runs/records")
    """Folder of the records."""
    kind: Literal["bert", "elmo"] = "bert"
    """Records of sentence pairs as ids (bert), or of words (elmo)."""
    layout: Literal["blank_line", "file"] = "blank_line"
    """End of a document: a blank line, or the end of the file."""
    init: Path | None = None
    """Folder of a run or a checkpoint whose vocabulary is used."""
    vocabulary: Path | None = None
    """File of tokens, or for ELMo words, one per line. If not given: built from
    the text."""
    vocabulary_size: int = 4000
    """Most tokens or words of the vocabulary that is built."""
    split: Literal["character", "wordpiece", "whitespace"] = "character"
    """How to split text: "wordpiece" is BERT's way, "whitespace" ELMo's."""
    lower_case: bool = True
    """Whether to lower-case text (BERT)."""
    max_length: int | None = None
    """Most tokens of a sentence pair. If not given: 128, or what the encoder of
    `init` takes if that is less."""
    short_seq_prob: float = 0.1
    """Share of documents split into shorter pairs."""
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence"
    """Task on a pair: BERT's, or ALBERT's, which is harder."""
    seed: int = 1
    """Seed of the order, the pairs and their labels."""
    restart: bool = False
    """Whether to move existing records to OUTPUT.old-1 and start again."""

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
            ValueError: `init` is not a BERT, or reads fewer tokens.
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
        """Returns the settings that, with the texts, determine the records.

        Args:
            num_shards: Number of record files.

        Raises:
            ValueError: See `pair_length` and `data.RecordSettings`.
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
