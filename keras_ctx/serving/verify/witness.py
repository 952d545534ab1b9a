"""Computes a model's answers independently of the exported graph and file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.serving.output_kinds.kind import Arrays, OutputKind
from keras_ctx.serving.signatures.build import MakeOutputs
from keras_ctx.serving.signatures.model_outputs import (
    ModelOutputs,
    Run,
    Tensors,
    real_positions,
)
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.verify.raw_answers import Request, as_numpy
from keras_ctx.serving.verify.rounding import Values
from keras_ctx.text import TextInputs


class Answer(NamedTuple):
    """The answer to a request, and the model's outputs behind it."""

    outputs: Arrays
    kinds: Mapping[str, OutputKind]
    """Kinds of all outputs."""
    model: Arrays
    """The model's own outputs."""
    model_kinds: Mapping[str, OutputKind]
    real: np.ndarray | None
    """Which positions, `(B, T)`, are not padding, if there are positions."""

    def meaning(self, outputs: Arrays, key: str) -> np.ndarray:
        """Returns an output, of this or another answer, without padding."""
        return self.kinds[key].meaning(outputs[key], self.real)

    def of_model(self) -> "Answer":
        """Returns the model's own outputs as an answer."""
        return self._replace(outputs=self.model, kinds=self.model_kinds)


class Witness:
    """The model in memory, answering the requests of an export.

    Text inputs and heads run op by op, and the model in its own graph, compiled
    as in `predict`, with the weights as arguments. It shares neither trace nor
    file with the export.

    Args:
        make: Returns all signatures, given a function that returns the outputs
            of a `keras.Model`; see
            `keras_ctx.serving.signatures.build.signatures`.
        text_inputs: The text inputs of the model, to find the padding of
            features without a mask; `None` if there is a mask.
    """

    def __init__(
        self,
        make: Callable[[MakeOutputs], Mapping[str, Signature]],
        text_inputs: TextInputs | None = None,
    ) -> None:
        self._text_inputs = text_inputs
        self._models: list[_Model] = []
        self.signatures = make(self._outputs)

    def _outputs(
        self, model: keras.Model, *, run: Run | None = None
    ) -> "_Model":
        self._models.append(_Model(model, run))
        return self._models[-1]

    def values(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        """Returns all weights of the model, with their values."""
        weights = {
            id(weight): weight
            for model in self._models
            for weight in model.weights
        }
        return [(w, tf.convert_to_tensor(w.value)) for w in weights.values()]

    def answers(
        self, requests: Sequence[Request], values: Values, compiled: bool = True
    ) -> list[Answer]:
        """Answers with the weights `values`; op by op, if not `compiled`.

        Raises:
            ValueError: The model refuses a text.
        """
        known = {id(weight): value for weight, value in values}
        for model in self._models:
            model.use(known, compiled)
        return [self._answer(name, inputs) for name, inputs in requests]

    def _answer(self, name: str, inputs: Mapping[str, Any]) -> Answer:
        signature = self.signatures[name]
        tensors = {
            key: tf.constant(inputs[key], spec.dtype)
            for key, spec in signature.inputs.items()
        }
        for model in self._models:
            model.last = None
        try:
            outputs = signature.function(*tensors.values())
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            shapes = {key: tuple(x.shape) for key, x in tensors.items()}
            raise ValueError(
                f"`model` refuses the output of `text_inputs`, of {shapes}: "
                f"{error}"
            ) from error
        [asked] = [model for model in self._models if model.last is not None]
        features, own = asked.last
        unknown = outputs.keys() - signature.kinds.keys()
        if unknown:
            listed = ", ".join(f"`{key}`" for key in sorted(unknown))
            raise ValueError(
                f"`kinds` of the signature {name!r} must have a kind for each "
                f"output. Received: none for {listed}"
            )
        real = real_positions(features, self._text_inputs)
        return Answer(
            {key: as_numpy(x) for key, x in outputs.items()},
            signature.kinds,
            {key: x.numpy() for key, x in own.items()},
            asked.kinds,
            None if real is None else real.numpy(),
        )


class _Model(ModelOutputs):
    """Model outputs from an own graph, for signatures run op by op."""

    def __init__(self, model: keras.Model, run: Run | None = None) -> None:
        super().__init__(model, run=run)
        self.weights = model.weights
        self.last: Any = None
        self._values: list[tf.Tensor] = []
        self._is_compiled = True
        of_weights = [tf.TensorSpec(w.shape, w.dtype) for w in self.weights]
        self._compiled = tf.function(
            self._with_values, input_signature=(self._specs, of_weights)
        )

    def use(self, values: Mapping[int, tf.Tensor], compiled: bool) -> None:
        self._values = [values[id(weight)] for weight in self.weights]
        self._is_compiled = compiled

    def __call__(self, features: Tensors) -> Tensors:
        call = self._compiled if self._is_compiled else self._with_values
        features = {key: features[key] for key in self._specs}
        outputs = call(features, self._values)
        self.last = (features, outputs)
        return dict(outputs)

    def _with_values(self, features: Tensors, values: list) -> Tensors:
        pairs = list(zip(self.weights, values, strict=True))
        with keras.StatelessScope(pairs, initialize_variables=False):
            return self._run(self._model, features)
