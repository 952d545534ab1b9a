"""A tagger on any encoder."""

from collections.abc import Iterable

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.bidirectional import bidirectional_lstms
from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.packed_texts import refuse_packed
from keras_ctx.models.heads.task_model import task_model
from keras_ctx.models.heads.whole_rows import check_whole_rows
from keras_ctx.models.mixture import Mix


def tagger(
    encoder: keras.Model,
    num_tags: int,
    mix: Mix = "last",
    frozen: bool = False,
    dropout: float = 0.1,
    crf: bool = False,
    lstm_dim: int | None = None,
    lstm_layers: int = 2,
    name: str = "tagger",
    constraints: Iterable[tuple[int, int]] | None = None,
) -> keras.Model:
    """Builds a tagger: one tag for each token.

    `frozen=True, mix="concat_last_4", lstm_dim=768` is BERT's feature-based
    tagger; without these arguments the encoder is fine-tuned.

    With `crf`, a `CRF` over the scores of the tokens chooses the tags of a
    row together. Train it with
    `loss={"logits": keras_ctx.training.CRFLoss()}`, on the same data as
    without `crf`. A token without a label ([CLS], or a later piece of a word)
    is part of the path with an unknown tag. With `constraints`, the tags of
    words are those of `CRF.best_path`, as in the signature `tag` of an
    export.

    Layer names: `lstm_0` ... , `logits`, the scores of a token, and `crf`.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        num_tags: Number N of tags.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        dropout: Dropout rate of the vectors that the head reads; with a
            `ScalarMix` after its normalization, as in ELMo. With LSTMs, also
            of their outputs.
        crf: Whether a conditional random field chooses the tags.
        lstm_dim: Number of features, in each direction, of bidirectional
            LSTMs between the encoder and the scores; `None`: no LSTMs.
        lstm_layers: Number of these LSTMs.
        name: Name of the model.
        constraints: With `crf`, the allowed pairs of successive tags, as
            `keras_ctx.data.allowed_transitions` returns them; `None`: all.

    Returns:
        A `keras.Model` with the output `{"logits": (B, T, N)}`; with `crf`
        with the outputs of `keras_ctx.layers.CRF`: `logits` `(B, T, N, N)`,
        `scores` `(B, T, N)` and `tags` `(B, T)`.

    Raises:
        ValueError: As for `classifier`; `lstm_dim` or `lstm_layers` is not
            positive; `constraints` allow no path, or are given without `crf`;
            `crf` or `lstm_dim` on an encoder of `packed`; or the encoder is
            one of `awd_lstm_document_encoder`.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> tagger(bert_tiny(100), 7).output["logits"].shape
        (None, None, 7)
        >>> tagger(bert_tiny(100), 7, crf=True).output["tags"].shape
        (None, None)

    Source:
        Devlin et al. 2019, section 5.3; with `crf`: Lample et al. 2016,
        section 2.2, and Peters et al. 2018, appendix.
    """
    check_at_least(1, num_tags=num_tags, lstm_layers=lstm_layers)
    if lstm_dim is not None:
        check_at_least(1, lstm_dim=lstm_dim)
    check_rate(dropout=dropout)
    check_whole_rows(encoder)
    if crf or lstm_dim is not None:
        refuse_packed(encoder, "`crf` or `lstm_dim`", ", or leave both out")
    chosen = layers.CRF(num_tags, constraints, name="crf") if crf else None
    if chosen is None and constraints is not None:
        raise ValueError(
            "`constraints` need a CRF. Give `crf=True`, or leave out "
            f"`constraints`. Received: crf={crf}, constraints={constraints!r}"
        )

    def head(outputs, sequence):
        x = keras.layers.Dropout(dropout, name="dropout")(sequence)
        if lstm_dim is not None:
            x = bidirectional_lstms(
                x, outputs["padding_mask"], lstm_dim, lstm_layers
            )
            x = keras.layers.Dropout(dropout, name="lstm_dropout")(x)
        x = logits_layer(num_tags, encoder)(x)
        if chosen is not None:
            return chosen(x, outputs["padding_mask"])
        return {"logits": x}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)
