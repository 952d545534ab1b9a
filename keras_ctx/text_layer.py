"""Text inputs as a Keras layer: strings in, a model's inputs out.

This module loads `keras_ctx.text` on first use only: Keras then knows the
class of every `.keras` file as soon as this library is imported, without
waiting for TensorFlow Text.
"""

import json
from typing import Any

import keras
import numpy as np

from keras_ctx.layers.base.keras_hooks import take_arguments_as_they_are


@keras.saving.register_keras_serializable(package="keras_ctx")
class TextLayer(keras.layers.Layer):
    """The text inputs of a model as a layer, in front of the model.

    With this layer after a string `keras.Input` a model takes texts:
    `predict`, `fit` on a dataset of strings, `save` and `export` work as on
    any other model. Keras requires strings as NumPy objects or as a tensor;
    `StringModel` takes them in any form. The layer needs the TensorFlow
    backend and runs on the CPU, since other devices have no strings.

    Args:
        text_inputs: Text inputs, such as a `keras_ctx.text.BertInputs`.

    Call arguments:
        text: Strings `(B,)`.
        text_pair: `None`, or the second text of each pair, strings `(B,)`.

    Returns:
        The features of `text_inputs` by name, such as `token_ids` `(B, T)`.

    Raises:
        ValueError: `text_inputs` is not an object of `keras_ctx.text`.
        RuntimeError: The backend is not TensorFlow.

    Example:
        >>> import numpy as np
        >>> from keras_ctx import models, text
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> inputs = text.BertInputs([*special, "good", "bad"], 8)
        >>> texts = keras.Input((), dtype="string", name="text")
        >>> classifier = models.classifier(models.bert_tiny(7), 2)
        >>> model = keras.Model(texts, classifier(TextLayer(inputs)(texts)))
        >>> given = np.array(["good", "very bad"], object)
        >>> model.predict(given, verbose=0)["logits"].shape
        (2, 2)
    """

    def __init__(self, text_inputs: Any, **kwargs):
        from keras_ctx import text

        super().__init__(**kwargs)
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(
                "`TextLayer` needs the TensorFlow backend: the others have no "
                "strings. Call the text inputs on the texts first, and the "
                "model on their result. Received: "
                f"backend={keras.backend.backend()!r}"
            )
        self._told = _as_json(text, text_inputs)
        self.text_inputs = text_inputs
        # Tracked, so that an export finds the lookup tables.
        self._tables = list(getattr(text_inputs, "tables", ()))
        take_arguments_as_they_are(self)
        self.supports_jit = False
        self.built = True

    def call(self, text, text_pair=None):
        if text_pair is None:
            return dict(self.text_inputs(text))
        return dict(self.text_inputs(text, text_pair))

    def compute_output_spec(self, text, text_pair=None):
        import tensorflow as tf

        texts = [x for x in (text, text_pair) if x is not None]
        for given in texts:
            if given.dtype != "string" or len(given.shape) != 1:
                raise ValueError(
                    "`text` must be strings of shape (B,), as "
                    '`keras.Input((), dtype="string")`. Received: '
                    f"dtype={given.dtype}, shape={given.shape}"
                )
        traced = tf.function(lambda *rows: self.call(*rows))
        outputs = traced.get_concrete_function(
            *(tf.TensorSpec([None], tf.string) for _ in texts)
        ).structured_outputs
        return {
            name: keras.KerasTensor(
                tuple(x.shape), dtype=x.dtype.name, name=name
            )
            for name, x in outputs.items()
        }

    def get_config(self):
        return {**super().get_config(), "text_inputs": json.loads(self._told)}

    @classmethod
    def from_config(cls, config):
        from keras_ctx import text

        told = dict(config)
        inputs = text.inputs_from_config(told.pop("text_inputs"))
        return cls(inputs, **told)


def _as_json(text: Any, text_inputs: Any) -> str:
    """Returns the config as JSON: Keras would track a dict."""
    return json.dumps(text.inputs_config(text_inputs), ensure_ascii=False)


@keras.saving.register_keras_serializable(package="keras_ctx")
class StringModel(keras.Model):
    """A functional model whose inputs are texts in any form.

    Keras reads strings as a tensor of TensorFlow or as NumPy objects. It
    refuses an array of NumPy strings, such as `np.array(["a text"])`, and a
    list of texts. This model takes all of them, in every method.

    Args:
        inputs: As of `keras.Model`; string tensors of shape `(B,)`.
        outputs: As of `keras.Model`.
        name: Name of the model.

    Example:
        >>> import numpy as np
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> texts = keras.Input((), dtype="string", name="text")
        >>> features = TextLayer(text.ElmoInputs(5))(texts)
        >>> model = StringModel(texts, encoder(features)["pooled"])
        >>> model.predict(np.array(["a b", "c"]), verbose=0).shape
        (2, 8)
    """

    def __call__(self, inputs, *args, **kwargs):
        return super().__call__(_as_objects(inputs), *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        return super().predict(_as_objects(x), *args, **kwargs)

    def predict_on_batch(self, x):
        return super().predict_on_batch(_as_objects(x))

    def evaluate(self, x=None, *args, **kwargs):
        return super().evaluate(_as_objects(x), *args, **kwargs)

    def fit(self, x=None, *args, **kwargs):
        return super().fit(_as_objects(x), *args, **kwargs)


def _as_objects(x: Any) -> Any:
    """Converts texts to a form that Keras takes; leaves the rest as it is."""
    if isinstance(x, dict):
        return {name: _as_objects(value) for name, value in x.items()}
    if isinstance(x, np.ndarray) and x.dtype.kind == "U":
        return x.astype(object)
    if isinstance(x, list | tuple) and x:
        if all(isinstance(text, str) for text in x):
            return np.array(x, object)
        return type(x)(map(_as_objects, x))
    return x
