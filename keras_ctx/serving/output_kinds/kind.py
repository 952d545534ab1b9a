"""The kind of an output: what in it has a meaning, and what may differ."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_ctx.serving.output_kinds.bound import Bound

Arrays = dict[str, np.ndarray]


class Difference(NamedTuple):
    """How far an output is off."""

    largest: float
    """The largest difference; of what is no number, 1 if some differ."""
    share: float
    """The largest, in units of what rounding can do: above 1 it is wrong."""


class Comparison(NamedTuple):
    """An answer to a request beside the right one.

    Each output has the same shape in both.
    """

    given: Arrays
    right: Arrays
    kinds: Mapping[str, "OutputKind"]
    """Of every output."""
    bounds: Mapping[str, Bound]
    """Of the outputs that are numbers with a fraction."""
    model: Arrays
    """The model's own outputs, from which the right answer was made."""
    model_bounds: Mapping[str, Bound]
    """Of those that are numbers with a fraction."""
    real: np.ndarray | None
    """Which of the model's positions, `(B, T)`, are no padding."""
    inputs: Mapping[str, Any]
    """What was asked."""


@dataclass(frozen=True, kw_only=True)
class OutputKind(ABC):
    """What one output of a signature is.

    A signature gives each of its outputs a kind. With it an export is
    compared with its model; nothing else needs to know the output. For what
    none of the kinds here says, derive one of your own: from `Numbers`, from
    `Discrete`, which asks for `wrong` only, or from this class.

    Args:
        position_axis: The axis of the model's positions, if the output has
            one. What stands at padding is not compared: it has no meaning,
            and no client can use it.
    """

    position_axis: int | None = None

    @abstractmethod
    def difference(self, name: str, pair: Comparison) -> Difference:
        """How far the output `name` of an answer is off."""

    def comparable(
        self, name: str, one: Arrays, other: Arrays, real: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of two answers whose difference rounding explains.

        The bound of the output is derived from them.

        Args:
            name: Of the output, the same shape in both.
            one: An answer, of a model that is moved a little.
            other: That of the model as it is.
            real: As in `Comparison`.
        """
        return self.meaning(one[name], real), self.meaning(other[name], real)

    def meaning(self, x: np.ndarray, real: np.ndarray | None) -> np.ndarray:
        """The output without what stands at padding.

        Args:
            x: The output, or flags of its shape.
            real: As in `Comparison`.
        """
        moved = self._by_position(x, real)
        return x if moved is None else moved[real]

    def rows(self, flags: np.ndarray, real: np.ndarray | None) -> np.ndarray:
        """The rows with a flag, not counting those at padding."""
        moved = self._by_position(flags, real)
        if moved is not None and real is not None:
            flags = moved.reshape(*real.shape, -1).any(-1) & real
        return np.flatnonzero(flags.reshape(len(flags), -1).any(-1))

    def _by_position(
        self, x: np.ndarray, real: np.ndarray | None
    ) -> np.ndarray | None:
        """`(B, T, ...)`; `None` if there is nothing by position."""
        if real is None or self.position_axis is None:
            return None
        if x.ndim <= self.position_axis:
            return None
        moved = np.moveaxis(x, self.position_axis, 1)
        # A model of your own may have another axis of any size.
        return moved if moved.shape[:2] == real.shape else None


@dataclass(frozen=True, kw_only=True)
class Discrete(OutputKind):
    """What is right or wrong: names, texts, counts, places."""

    @abstractmethod
    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        """Which entries of the output `name` are wrong, bool, its shape."""

    def difference(self, name: str, pair: Comparison) -> Difference:
        wrong = self.meaning(self.wrong(name, pair), pair.real)
        return Difference(1.0, np.inf) if wrong.any() else Difference(0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Exact(Discrete):
    """What rounding cannot change: counts, and texts that are repeated."""

    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        return pair.given[name] != pair.right[name]
