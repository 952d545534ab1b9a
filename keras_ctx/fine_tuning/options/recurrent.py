"""The options of recurrent layers on an encoder, and of a second encoder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class RecurrentOptions:
    """Options of `models.recurrent_encoder`, on the encoder of `init`.

    Example:
        >>> RecurrentOptions(recurrent_layers=2).is_recurrent
        True
    """

    recurrent_layers: int = 0
    """Number of recurrent layers, each in both directions, on an encoder of
    words such as word vectors; the head reads the last. 0: none."""
    recurrent_dim: int = 256
    """Features of a recurrent layer in each direction."""
    recurrent_dropout: float = 0.25
    """Dropout rate of the input of each recurrent layer."""
    cell: Literal["lstm", "gru"] = "lstm"
    """Kind of the recurrent layers."""
    context: Path | None = None
    """Folder of a second encoder, which stays frozen: a language model or a
    translator. Its vectors are joined as `join` says; `mix` chooses its layers.
    If not given: none."""
    join: tuple[Literal["input", "after_first", "output"], ...] = (
        "after_first",
    )
    """Where the vectors of `context` are joined: to the input of the first
    recurrent layer, to its output (TagLM), or to the output of the last one.
    Several values join them at each."""

    @property
    def is_recurrent(self) -> bool:
        """Whether the head reads a `recurrent_encoder`."""
        return self.recurrent_layers > 0 or self.context is not None
