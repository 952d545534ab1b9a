"""Expected answers of an export, and of one with a small error."""

import functools
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from keras_ctx.serving.export.sample_requests import sample_requests
from keras_ctx.serving.export.saved_model import CHECK_TEXTS
from keras_ctx.serving.output_kinds.kind import Difference
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.serving.verify.comparison import compared
from keras_ctx.serving.verify.expectation import Expectation, expectation
from keras_ctx.serving.verify.witness import Answer, Witness

ERROR = 1e-3


class Judge:
    """A comparison of answers with the expected ones of a model."""

    def __init__(
        self,
        model: keras.Model,
        text_inputs,
        labels: Sequence[str] | None,
        texts: Sequence[str] = CHECK_TEXTS,
        windows=None,
        **arguments,
    ) -> None:
        self.model = model
        pair = arguments.get("pair", False)
        multi_label = arguments.get("multi_label", False)
        if "start_logits" in model.output:
            windows = windows or AnswerWindows()
        make = functools.partial(
            *(signatures, model, text_inputs, labels, pair, 5, windows),
            multi_label,
        )
        self._requests = sample_requests(make(), model, text_inputs, texts)
        self.witness = Witness(make, text_inputs)
        self.expected: Expectation = expectation(
            model, self.witness, self._requests
        )

    def share(self, answers: Sequence[Answer]) -> float:
        """Returns the largest difference, in units of its bound."""
        return max(
            found.share
            for (name, inputs), given, right in zip(
                self._requests, answers, self.expected.answers, strict=True
            )
            for found in self._compared(name, inputs, given, right).values()
        )

    def _compared(self, name, inputs, given, right) -> dict[str, Difference]:
        return compared(
            given.outputs,
            right,
            self.expected.bounds[name],
            self.expected.model_bounds[name],
            inputs,
        )

    def eager_share(self) -> float:
        """Returns `share` for the model run op by op."""
        return self.share(
            self.witness.answers(
                self._requests, self.witness.values(), compiled=False
            )
        )

    def shares_of_errors(self) -> Iterator[tuple[str, float]]:
        """Yields each nonzero weight, with the share after an error in it."""
        for weight in {id(w): w for w, _ in self.witness.values()}.values():
            right = weight.numpy()
            if not np.any(right):
                continue
            weight.assign(right * (1 + ERROR))
            answers = self.witness.answers(
                self._requests, self.witness.values()
            )
            weight.assign(right)
            yield weight.path, self.share(answers)
