"""The options of the recipe that trains a translator with LSTMs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import training
from keras_ctx.checks import check_at_least
from keras_ctx.pretraining.options.translation import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class CovePretrainingOptions(TranslationOptions):
    """Options of training an MT-LSTM, whose outputs are CoVe.

    Raises:
        ValueError: As `TranslationOptions`; a number is not positive; or
            `num_words` without `vectors`.

    Example:
        >>> CovePretrainingOptions(
        ...     train=(Path("a.en"), Path("a.de")), output=Path("runs/one"),
        ...     num_words=9)
        Traceback (most recent call last):
        ValueError: `num_words` must be given with `vectors`. ...
    """

    vectors: Path | None = None
    """Word vectors that the encoder reads, frozen: a file of word2vec, GloVe or
    fastText, or the folder of a run of train_word_vectors.py. The text is
    split at blanks. If not given: subwords of SentencePiece, whose table is
    trained."""
    num_words: int | None = None
    """Number of words to keep of `vectors`, the first ones. If not given:
    all."""
    embedding_dim: int | None = None
    """Features of a token of SentencePiece. If not given: as many as a word of
    `vectors` has; without `vectors`, `hidden_dim`."""
    hidden_dim: int = 100
    """Features of an LSTM of the encoder, in each direction; the decoder has
    twice as many. 300 in the paper."""
    num_layers: int = 2
    """Number of LSTMs of the encoder in each direction, and of the decoder."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Optimizer; sgd is that of the paper."""
    learning_rate: float | None = None
    """First learning rate. It is halved after an epoch whose development loss
    is higher than that of the epoch before; training stops when it is below 3 %
    of the first. Without `dev` it is constant. If not given: 0.002 for adam, 1
    for sgd."""
    label_smoothing: float = 0.0
    tokens_per_batch: int = 1024
    steps_per_epoch: int = 450

    def __post_init__(self):
        super().__post_init__()
        if self.num_words is not None and self.vectors is None:
            raise ValueError(
                "`num_words` must be given with `vectors`. Received: "
                f"num_words={self.num_words} alone"
            )
        for name in ("num_words", "embedding_dim"):
            if getattr(self, name) is not None:
                check_at_least(1, **{name: getattr(self, name)})
        # Refuses a rate that is not positive.
        training.lstm_translator_optimizer(self.optimizer, self.learning_rate)

    @property
    def vector_files(self) -> dict[str, Path | None]:
        """Returns the files that `vectors` names, for their digests."""
        path = self.vectors
        if path is None or not path.is_dir():
            return {"vectors": path}
        names = ("encoder.keras", "text_inputs.json")
        return {f"vectors_{Path(x).stem}": path / x for x in names}
