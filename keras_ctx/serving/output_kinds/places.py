"""Where a span of text stands in the text that it was found in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_ctx.serving.output_kinds.kind import Comparison, Discrete


@dataclass(frozen=True, kw_only=True)
class Places(Discrete):
    """Places of spans `(B, k)` in a text.

    A span that stands twice in the text is found where it is best; its score,
    which is compared too, is that of the place.

    Args:
        position_axis: As of `OutputKind`.
        spans: The output with the texts of the spans, of the same shape.
        found_in: The inputs that they may come from, of which a request has
            one: a text or a list of words for each row.
    """

    spans: str
    found_in: Sequence[str]

    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        wrong = np.zeros(pair.right[name].shape, bool)
        for row, text in enumerate(self._texts(pair)):
            right, given = (
                list(zip(x[self.spans][row], x[name][row], strict=True))
                for x in (pair.right, pair.given)
            )
            places = dict(right)
            for k, (span, place) in enumerate(given):
                moved = places.get(span, place) != place
                wrong[row, k] = moved and text.count(span) < 2
        return wrong

    def _texts(self, pair: Comparison) -> list[str]:
        [texts] = [pair.inputs[x] for x in self.found_in if x in pair.inputs]
        return [_text(row) for row in texts]


def _text(row: Any) -> str:
    return row if isinstance(row, str) else b" ".join(row).decode()
