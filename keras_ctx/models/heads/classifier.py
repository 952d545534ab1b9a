"""One class for a text, on any encoder."""

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.task_model import Mix, task_model


def classifier(
    encoder: keras.Model,
    num_classes: int,
    mix: Mix = "last",
    frozen: bool = False,
    dropout: float = 0.1,
    name: str = "classifier",
) -> keras.Model:
    """One class for a text, or for a pair of texts.

    With `mix="last"` it reads the encoder's `pooled` vector, else the mean
    of its layers, mixed or side by side, over the real tokens.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        num_classes: N, classes.
        mix: "last"; "concat_last_4" for the last four layers side by side;
            "scalar_mix" for a `ScalarMix` over all layers; or a `ScalarMix`
            of your own. A `ScalarMix` is layer-normalized.
        frozen: Whether the encoder stays as it is: its weights are not
            trained (`encoder.trainable` is set) and its dropout is off.
        dropout: Share of the features under the head dropped in training;
            without `mix="last"`, of that mean.
        name: Name of the model.

    Returns:
        A `keras.Model` from the encoder's inputs to `{"logits": (B, N)}`.

    Raises:
        ValueError: `num_classes` is not positive, a rate outside [0, 1), an
            unknown `mix`, a `ScalarMix` of another number of layers, or fewer
            than four layers for "concat_last_4".

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
            x = layers.MaskedMean(name="mean")(
                sequence, outputs["padding_mask"]
            )
        x = keras.layers.Dropout(dropout, name="dropout")(x)
        return {"logits": logits_layer(num_classes, encoder)(x)}

    last = ("pooled",)
    return task_model(encoder, head, last, mix, frozen, name)
