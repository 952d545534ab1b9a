"""The kind of outputs with positions of spans in a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_ctx.serving.output_kinds.kind import Comparison, Discrete


@dataclass(frozen=True, kw_only=True)
class Places(Discrete):
    """Positions of spans `(B, k)` in a text.

    A span that occurs twice in the text is reported at its best position; its
    score, which is also compared, belongs to that position.

    Args:
        position_axis: See `OutputKind`.
        spans: The output of the same shape with the texts of the spans.
        found_in: The inputs that spans may come from; a request has one of
            them, with a text or a list of words for each row.
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
