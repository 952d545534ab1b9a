"""What a served model computes: TensorFlow functions for its signatures."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from keras_ctx.text import BertInputs, ElmoInputs, WordInputs

TextInputs = BertInputs | ElmoInputs | WordInputs
Tensors = dict[str, tf.Tensor]


def model_outputs(model: keras.Model, features: Tensors) -> Tensors:
    """The model's outputs, flat, under names fit for a signature.

    A list under `layers` becomes `layer_0`, `layer_1` and so on; numbers with
    a fraction become float32, because REST has no bfloat16.
    """
    flat = {}
    for key, value in model(features, training=False).items():
        if isinstance(value, list | tuple):
            singular = key.removesuffix("s")
            flat.update({f"{singular}_{i}": x for i, x in enumerate(value)})
        else:
            flat[key] = value
    return {
        key: tf.cast(x, tf.float32) if x.dtype.is_floating else x
        for key, x in flat.items()
    }


def is_crf(model: keras.Model) -> bool:
    """Whether the model gives tags of its own: a tagger with `crf=True`."""
    logits = model.output.get("logits")
    return (
        model.output.keys() >= {"logits", "scores", "tags"}
        and len(logits.shape) == 4
    )


def text_endpoint(
    model: keras.Model,
    text_inputs: TextInputs,
    labels: Sequence[str] | None,
) -> Callable[[tf.Tensor], Tensors]:
    """The function of `serving_default`: texts `(B,)` to outputs."""

    def serving_default(text: tf.Tensor) -> Tensors:
        # The first op: a request that is a single string would end the
        # server's process inside the tokenizer.
        text = tf.ensure_shape(text, [None])
        features = text_inputs(text)
        outputs = model_outputs(model, features)
        if labels is None:
            return outputs
        logits = outputs["logits"]
        if is_crf(model):
            # N times as many numbers as the scores, which say enough.
            del outputs["logits"]
            best = tf.maximum(outputs["tags"], 0)
        else:
            outputs["scores"] = tf.nn.softmax(logits)
            best = tf.argmax(logits, axis=-1)
        best = tf.gather(tf.constant(labels), best)
        if logits.shape.rank == 2:
            return {**outputs, "label": best}
        tokens = text_inputs.tokens(text)
        tags = tf.where(_has_tag(tokens, features, text_inputs), best, "")
        return {**outputs, "tokens": tokens, "tags": tags}

    return serving_default


def features_endpoint(model: keras.Model) -> Callable[[Tensors], Tensors]:
    """The function of `features`: the model's inputs to its outputs."""
    return lambda features: model_outputs(model, features)


def features_signature(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """The model's inputs, each named: an unnamed one is served as `d`."""
    return {
        key: tf.TensorSpec(x.shape, x.dtype, name=key)
        for key, x in model.input.items()
    }


def _has_tag(
    tokens: tf.Tensor, features: Tensors, text_inputs: TextInputs
) -> tf.Tensor:
    if not isinstance(text_inputs, BertInputs):
        return tf.not_equal(tokens, "")
    # By id, not by its look: a text may hold "[SEP]" in plain letters. The
    # tag of a word stands on its first piece, where it was learned.
    tagless = [
        token in ("[PAD]", "[CLS]", "[SEP]") or token.startswith("##")
        for token in text_inputs.vocabulary
    ]
    return ~tf.gather(tf.constant(tagless), features["token_ids"])
