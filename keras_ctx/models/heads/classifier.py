"""A text classifier on any encoder."""

import keras

from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.packed_texts import token_mean
from keras_ctx.models.heads.task_model import Mix, task_model


def classifier(
    encoder: keras.Model,
    num_classes: int,
    mix: Mix = "last",
    frozen: bool = False,
    dropout: float = 0.1,
    name: str = "classifier",
) -> keras.Model:
    """Builds a classifier of texts or text pairs.

    With `mix="last"` it reads the encoder's `pooled` vector, otherwise the
    mean over the real tokens of its layers, mixed or concatenated.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        num_classes: Number N of classes.
        mix: "last"; "concat_last_4", which concatenates the last four layers;
            "scalar_mix", a `ScalarMix` over all layers; or your own
            `ScalarMix`. The output of a `ScalarMix` is layer-normalized.
        frozen: Whether the encoder is frozen: its weights are not trained
            (this sets `encoder.trainable`) and its dropout is off.
        dropout: Dropout rate of the vector that the head reads.
        name: Name of the model.

    Returns:
        A `keras.Model` from the encoder's inputs to `{"logits": (B, N)}`; on
        an encoder of `packed` `(B, max_texts, N)`.

    Raises:
        ValueError: `num_classes` is not positive, `dropout` is outside
            [0, 1), `mix` is unknown, a `ScalarMix` is for another number of
            layers, or "concat_last_4" has fewer than four layers.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> classifier(bert_tiny(100), 3).output["logits"].shape
        (None, 3)

    Source:
        Devlin et al. 2019, section 4.1, and 5.3 ("concat_last_4");
        "scalar_mix": Peters et al. 2018, section 3.2.
    """
    check_at_least(1, num_classes=num_classes)
    check_rate(dropout=dropout)

    def head(outputs, sequence):
        if mix == "last":
            x = outputs["pooled"]
        else:
            x = token_mean(encoder, outputs, sequence)
        x = keras.layers.Dropout(dropout, name="dropout")(x)
        return {"logits": logits_layer(num_classes, encoder)(x)}

    last = ("pooled",)
    return task_model(encoder, head, last, mix, frozen, name)
