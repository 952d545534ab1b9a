"""A span extractor for question answering, on any encoder."""

import keras
from keras import ops

from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.packed_texts import refuse_packed
from keras_ctx.models.heads.task_model import task_model
from keras_ctx.models.heads.whole_rows import check_whole_rows
from keras_ctx.models.mixture import Mix


def span_extractor(
    encoder: keras.Model,
    mix: Mix = "last",
    frozen: bool = False,
    name: str = "span_extractor",
) -> keras.Model:
    """Builds a model that scores the first and last token of an answer.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        name: Name of the model.

    Returns:
        A `keras.Model` with the outputs `start_logits` and `end_logits`, each
        `(B, T)`, -1e9 at padding.

    Raises:
        ValueError: `mix` is unknown, or the encoder is one of `packed` or
            `awd_lstm_document_encoder`.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> span_extractor(bert_tiny(100)).output["end_logits"].shape
        (None, None)

    Source:
        Devlin et al. 2019, section 4.2.
    """

    refuse_packed(encoder, "`span_extractor`", "")
    check_whole_rows(encoder)

    def head(outputs, sequence):
        x = logits_layer(2, encoder)(sequence)
        # float32, because -1e9 overflows in float16.
        x = ops.where(
            ops.expand_dims(outputs["padding_mask"], -1),
            ops.cast(x, "float32"),
            -1e9,
        )
        return {"start_logits": x[:, :, 0], "end_logits": x[:, :, 1]}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)
