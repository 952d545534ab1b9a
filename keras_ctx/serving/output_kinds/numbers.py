"""Numbers, which rounding changes a little."""

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
    """Numbers with a fraction, right to what rounding can do.

    Args:
        position_axis: As of `OutputKind`.
        of: The output that names what each number belongs to, of the same
            shape, as the tags to their scores. Where it has another name that
            is as good, the number is that of the other name, and is not
            compared.
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
        # The score of another tag says nothing of rounding.
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
