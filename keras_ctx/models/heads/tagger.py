"""One tag for each token, on any encoder."""

from collections.abc import Iterable

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.task_model import Mix, task_model


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
    """One tag for each token.

    `frozen=True, mix="concat_last_4", lstm_dim=768` is BERT's feature-based
    tagger; without the three the encoder is fine-tuned.

    With `crf` the tags of a row are chosen together, by a `CRF` over the
    scores of the tokens. Train it with
    `loss={"logits": keras_ctx.training.CRFLoss()}`, on the same data as
    without. A token without a tag of its own ([CLS], or a later piece of a
    word) takes part in the path with a tag that nobody knows; under
    `constraints` the tags of words are those of `CRF.best_path`, which the
    signature `tag` of an export gives.

    Layer names: `lstm_0` ... , `logits`, the scores of a token, and `crf`.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        num_tags: N, tags.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        dropout: Share of the features under the head dropped in training;
            with a mixture it is ELMo's dropout, on the mixture of each token
            (behind its norm). With LSTMs, also of their outputs.
        crf: Whether a conditional random field chooses the tags.
        lstm_dim: Features, in each direction, of the LSTMs that read the
            sentence both ways between the encoder and the scores; `None`: no
            LSTMs.
        lstm_layers: LSTMs in each direction, with `lstm_dim`.
        name: Name of the model.
        constraints: With `crf`, the steps from tag to tag that are allowed,
            as `keras_ctx.data.allowed_transitions` gives them; `None`: all.

    Returns:
        A `keras.Model` to `{"logits": (B, T, N)}`; with `crf` to the outputs
        of `keras_ctx.layers.CRF`: `logits` `(B, T, N, N)`, `scores`
        `(B, T, N)` and `tags` `(B, T)`.

    Raises:
        ValueError: as for `classifier`; `lstm_dim` or `lstm_layers` is not
            positive; `constraints` that allow no path, or without `crf`.

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
    chosen = layers.CRF(num_tags, constraints, name="crf") if crf else None
    if chosen is None and constraints is not None:
        raise ValueError(
            "`constraints` choose among the paths of a CRF. Give `crf=True`, "
            "or leave them out."
        )

    def head(outputs, sequence):
        x = keras.layers.Dropout(dropout, name="dropout")(sequence)
        if lstm_dim is not None:
            for i in range(lstm_layers):
                lstm = keras.layers.LSTM(lstm_dim, return_sequences=True)
                x = keras.layers.Bidirectional(lstm, name=f"lstm_{i}")(
                    x, mask=outputs["padding_mask"]
                )
            # Zeros at padding. Keras's own mask, which the LSTMs hand on, ends
            # here: a loss would weigh by it, too.
            x = ops.where(ops.expand_dims(outputs["padding_mask"], -1), x, 0)
            x = keras.layers.Dropout(dropout, name="lstm_dropout")(x)
        x = logits_layer(num_tags, encoder)(x)
        if chosen is not None:
            return chosen(x, outputs["padding_mask"])
        return {"logits": x}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)
