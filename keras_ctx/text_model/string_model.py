"""A text model as a Keras model whose inputs are strings."""

from typing import Any

import keras

from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_layer import StringModel, TextLayer
from keras_ctx.text_model.texts.labelled import text_kind
from keras_ctx.text_model.texts.rows import NAMES


def string_model(task: RunTask) -> StringModel:
    """Puts the text inputs before the model; the layers are shared."""
    names = NAMES[text_kind(task)]
    texts = [keras.Input((), dtype="string", name=name) for name in names]
    features: Any = TextLayer(task.text_inputs, name="text_inputs")(*texts)
    outputs = task.model({key: features[key] for key in task.model.input})
    return StringModel(
        texts[0] if len(texts) == 1 else dict(zip(names, texts, strict=True)),
        outputs,
        name=f"{task.model.name}_of_text",
    )
