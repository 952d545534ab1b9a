"""The kind of an output: how to compare it, and what may differ."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_ctx.serving.output_kinds.bound import Bound

Arrays = dict[str, np.ndarray]


class Difference(NamedTuple):
    """The difference of an output from the right one."""

    largest: float
    """The largest difference; for other than numbers, 1 if any differ."""
    share: float
    """The same in units of the rounding bound: above 1 it is wrong."""


class Comparison(NamedTuple):
    """An answer to a request, and the right one.

    Each output has the same shape in both.
    """

    given: Arrays
    right: Arrays
    kinds: Mapping[str, "OutputKind"]
    """Kinds of all outputs."""
    bounds: Mapping[str, Bound]
    """Bounds of the floating-point outputs."""
    model: Arrays
    """The model's own outputs, from which the right answer was computed."""
    model_bounds: Mapping[str, Bound]
    """Bounds of the floating-point ones."""
    real: np.ndarray | None
    """Which of the model's positions, `(B, T)`, are not padding."""
    inputs: Mapping[str, Any]
    """The inputs of the request."""


@dataclass(frozen=True, kw_only=True)
class OutputKind(ABC):
    """The kind of one output of a signature.

    A signature assigns a kind to each of its outputs, which defines how an
    export is compared with its model. If no kind here fits, derive your own:
    from `Numbers`, from `Discrete`, which requires only `wrong`, or from this
    class.

    Args:
        position_axis: The axis of the model's positions, if the output has one.
            Values at padding are not compared: they have no meaning for a
            client.
    """

    position_axis: int | None = None

    @abstractmethod
    def difference(self, name: str, pair: Comparison) -> Difference:
        """Returns the difference of the output `name` from the right one."""

    def comparable(
        self, name: str, one: Arrays, other: Arrays, real: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the numbers of two answers that differ only by rounding.

        The bound of the output is derived from them.

        Args:
            name: Name of the output, which has the same shape in both.
            one: An answer of a slightly perturbed model.
            other: The answer of the unchanged model.
            real: See `Comparison`.
        """
        return self.meaning(one[name], real), self.meaning(other[name], real)

    def meaning(self, x: np.ndarray, real: np.ndarray | None) -> np.ndarray:
        """Returns the output without padding.

        Args:
            x: The output, or flags of its shape.
            real: See `Comparison`.
        """
        moved = self._by_position(x, real)
        return x if moved is None else moved[real]

    def rows(self, flags: np.ndarray, real: np.ndarray | None) -> np.ndarray:
        """Returns the rows with a flag that is not at padding."""
        moved = self._by_position(flags, real)
        if moved is not None and real is not None:
            flags = moved.reshape(*real.shape, -1).any(-1) & real
        return np.flatnonzero(flags.reshape(len(flags), -1).any(-1))

    def _by_position(
        self, x: np.ndarray, real: np.ndarray | None
    ) -> np.ndarray | None:
        """Returns `(B, T, ...)`; `None` if the output has no positions."""
        if real is None or self.position_axis is None:
            return None
        if x.ndim <= self.position_axis:
            return None
        moved = np.moveaxis(x, self.position_axis, 1)
        # A user's model may have another axis of any size.
        return moved if moved.shape[:2] == real.shape else None


@dataclass(frozen=True, kw_only=True)
class Discrete(OutputKind):
    """Outputs that are either right or wrong: names, texts, counts."""

    @abstractmethod
    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        """Returns which entries of the output are wrong, bool of its shape."""

    def difference(self, name: str, pair: Comparison) -> Difference:
        wrong = self.meaning(self.wrong(name, pair), pair.real)
        return Difference(1.0, np.inf) if wrong.any() else Difference(0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Exact(Discrete):
    """Outputs that rounding cannot change: counts, and texts of the input."""

    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        return pair.given[name] != pair.right[name]
