"""The options of recurrent layers on an encoder, and of a second encoder."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

JoinPlace = Literal["input", "after_first", "output"]
_OF_LAYERS = ("recurrent_dim", "recurrent_dropout", "cell")


@dataclass(frozen=True, kw_only=True)
class RecurrentOptions:
    """Options of `models.recurrent_encoder`, on the encoder of `init`.

    Raises:
        ValueError: From `check_recurrent`, for an option without effect.

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
    join: tuple[JoinPlace, ...] = ()
    """Where the vectors of `context` are joined: to the input of the first
    recurrent layer, to its output (TagLM), or to the output of the last one.
    Several values join them at each. If not given: after_first; input without
    recurrent layers (CoVe)."""

    def check_recurrent(self) -> None:
        """Refuses options that would have no effect."""
        if self.join and self.context is None:
            raise ValueError(
                f"`join` needs `context`. Received: join={' '.join(self.join)}"
            )
        if self.recurrent_layers == 0:
            for each in fields(RecurrentOptions):
                value = getattr(self, each.name)
                if each.name in _OF_LAYERS and value != each.default:
                    raise ValueError(
                        f"`{each.name}` needs `recurrent_layers`. "
                        f"Received: {each.name}={value}"
                    )

    @property
    def join_places(self) -> tuple[JoinPlace, ...]:
        """The values of `join`, or the one that fits the recurrent layers."""
        default: JoinPlace = "after_first" if self.recurrent_layers else "input"
        return self.join or (default,)

    @property
    def is_recurrent(self) -> bool:
        """Whether the head reads a `recurrent_encoder`."""
        return self.recurrent_layers > 0 or self.context is not None


@dataclass(frozen=True, kw_only=True)
class StoredContextOptions:
    """The option of computing the vectors of `context` only once.

    Example:
        >>> StoredContextOptions(store_context=True).store_context
        True
    """

    store_context: bool = False
    """Whether the vectors of `context` are computed once for all sentences, and
    kept in memory: 4 bytes for each feature of each word."""

    def check_stored(self, options: Any) -> None:
        """Refuses the option without `context`, or on several devices.

        Args:
            options: Has `context` and `strategy`.
        """
        if self.store_context and options.context is None:
            raise ValueError("`store_context` needs `context`.")
        if self.store_context and options.strategy != "one_device":
            raise ValueError(
                "`store_context` is for one device. Received: "
                f"strategy={options.strategy!r}"
            )
