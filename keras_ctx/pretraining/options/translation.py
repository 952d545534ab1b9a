"""The options of recipes that train a translator."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import training
from keras_ctx.checks import check_at_least
from keras_ctx.extras import need
from keras_ctx.text.vocabulary.learn_sentence_pieces import Normalization

Pair = tuple[Path, Path]


@dataclass(frozen=True, kw_only=True)
class TranslationOptions:
    """Options of training any translator on pairs of texts.

    Raises:
        ValueError: A count below 1, an invalid seed, or an `output` that cannot
            be written.

    Example:
        >>> TranslationOptions(
        ...     train=(Path("a.en"), Path("a.de")), output=Path("runs/one"),
        ...     beams=0)
        Traceback (most recent call last):
        ValueError: `beams` must be at least 1. Received: beams=0
    """

    train: Pair
    """Text to train on, and its translation."""
    dev: Pair | None = None
    """Text whose loss to measure after each epoch, and its translation."""
    test: Pair | None = None
    """Text to translate at the end, and its translation for BLEU."""
    output: Path
    """Folder of the run."""
    vocabulary_size: int = 6000
    """Most tokens of SentencePiece."""
    normalization: Normalization = "nmt_nfkc"
    """SentencePiece's rule for characters: nmt_nfkc and nfkc turn characters of
    full width, such as Chinese punctuation, into others; identity keeps
    them."""
    dropout: float = 0.2
    """Dropout rate."""
    label_smoothing: float = 0.1
    """Probability that the loss spreads over all tokens."""
    max_length: int = 128
    """Most tokens of a text; longer ones are cut."""
    tokens_per_batch: int = 2048
    """Most tokens of a batch on the longer side."""
    epochs: int = 20
    """Most epochs of the run, with a checkpoint after each."""
    steps_per_epoch: int = 250
    """Steps in each epoch."""
    average_checkpoints: int = 1
    """Number of last checkpoints whose mean is saved; of a run with fewer
    epochs all of them."""
    beams: int = 4
    """Width of the beam search."""
    length_penalty: float = 0.6
    """Exponent of the length penalty."""
    bleu_tokenizer: Literal["13a", "intl", "zh", "char", "none"] = "13a"
    """How sacreBLEU splits the test text; zh for Chinese."""
    seed: int = 1
    """Seed of the weights and the order of the examples."""
    strategy: training.StrategyName = "one_device"
    """Where to train: see docs/howto/devices.md."""
    restart: bool = False
    """Whether to move an existing run to OUTPUT.old-1 and start again."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        if self.test is not None:
            need("The score of `test` needs", "sacrebleu")
        check_at_least(
            1,
            tokens_per_batch=self.tokens_per_batch,
            average_checkpoints=self.average_checkpoints,
            beams=self.beams,
        )

    @property
    def averaged(self) -> int:
        """Returns the number of checkpoints whose mean is saved."""
        return min(self.average_checkpoints, self.epochs)

    @property
    def files(self) -> dict[str, tuple[Path, Path]]:
        """Returns the pairs of files that are given, by name."""
        found = {"train": self.train, "dev": self.dev, "test": self.test}
        return {name: pair for name, pair in found.items() if pair is not None}


@dataclass(frozen=True, kw_only=True)
class TransformerTranslationOptions(TranslationOptions):
    """Options of training a Transformer on pairs of texts.

    Raises:
        ValueError: As `TranslationOptions`.

    Example:
        >>> TransformerTranslationOptions(
        ...     train=(Path("a.en"), Path("a.de")), output=Path("runs/one"),
        ...     warmup_steps=0)
        Traceback (most recent call last):
        ValueError: `warmup_steps` must be at least 1. Received: ...
    """

    num_layers: int = 4
    """Blocks of the encoder, and of the decoder."""
    num_heads: int = 4
    """Attention heads."""
    hidden_dim: int = 128
    """Features of a token."""
    intermediate_dim: int = 256
    """Features inside the feed-forward networks."""
    norm_first: bool = True
    """Whether the blocks normalize their inputs, which needs less warm-up."""
    learning_rate: float = 4e-3
    """Highest learning rate."""
    warmup_steps: int = 1000
    """Steps until it is reached; then it falls with the root of the step."""
    average_checkpoints: int = 5

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, warmup_steps=self.warmup_steps)
