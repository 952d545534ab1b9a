"""The kind of floating-point outputs."""

from dataclasses import dataclass

import numpy as np

from keras_ctx.serving.output_kinds.bound import errors
from keras_ctx.serving.output_kinds.kind import (
    Arrays,
    Comparison,
    Difference,
    Discrete,
    OutputKind,
)


@dataclass(frozen=True, kw_only=True)
class Numbers(OutputKind):
    """Floating-point numbers, compared up to rounding.

    Args:
        position_axis: See `OutputKind`.
        of: The output of the same shape that names what each number belongs to,
            such as the tags of scores. Where it has another, equally good name,
            the numbers are not comparable and are skipped.
    """

    of: str | None = None

    def difference(self, name: str, pair: Comparison) -> Difference:
        given, right = pair.given[name], pair.right[name]
        if self.of is not None:
            given = np.where(self._of_an_equal(self.of, pair), right, given)
        return Difference(
            *errors(
                self.meaning(given, pair.real),
                self.meaning(right, pair.real),
                pair.bounds[name],
            )
        )

    def comparable(
        self, name: str, one: Arrays, other: Arrays, real: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        pair = super().comparable(name, one, other, real)
        if self.of is None:
            return pair
        # The score of another tag does not measure rounding.
        same = self.meaning(one[self.of] == other[self.of], real)
        return pair[0][same], pair[1][same]

    @staticmethod
    def _of_an_equal(of: str, pair: Comparison) -> np.ndarray:
        kind = pair.kinds[of]
        if not isinstance(kind, Discrete):
            raise TypeError(
                f"`of` must be an output of a discrete kind. Received: {of!r}, "
                f"{kind}"
            )
        differ = pair.given[of] != pair.right[of]
        return differ & ~kind.wrong(of, pair)
