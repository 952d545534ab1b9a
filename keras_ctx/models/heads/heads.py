"""Heads that put a task on any encoder of the library."""

from collections.abc import Iterable, Sequence

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import (
    check_non_negative_int,
    check_positive_int,
    check_rate,
)
from keras_ctx.layers.outputs.pooling import check_modes
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
    check_positive_int(num_classes=num_classes)
    check_rate(dropout=dropout)

    def head(outputs, sequence):
        if mix == "last":
            x = outputs["pooled"]
        else:
            x = layers.MaskedMean(name="mean")(
                sequence, outputs["padding_mask"]
            )
        x = keras.layers.Dropout(dropout, name="dropout")(x)
        return {"logits": _dense(num_classes, encoder)(x)}

    last = ("pooled",)
    return task_model(encoder, head, last, mix, frozen, name)


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
    check_positive_int(num_tags=num_tags, lstm_layers=lstm_layers)
    if lstm_dim is not None:
        check_positive_int(lstm_dim=lstm_dim)
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
        x = _dense(num_tags, encoder)(x)
        if chosen is not None:
            return chosen(x, outputs["padding_mask"])
        return {"logits": x}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)


def span_extractor(
    encoder: keras.Model,
    mix: Mix = "last",
    frozen: bool = False,
    name: str = "span_extractor",
) -> keras.Model:
    """The first and last token of an answer.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        name: Name of the model.

    Returns:
        A `keras.Model` to `start_logits` and `end_logits`, each `(B, T)`,
        -1e9 at padding.

    Raises:
        ValueError: an unknown `mix`.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> span_extractor(bert_tiny(100)).output["end_logits"].shape
        (None, None)

    Source:
        Devlin et al. 2019, section 4.2.
    """

    def head(outputs, sequence):
        x = _dense(2, encoder)(sequence)
        # float32, because float16 cannot hold the number for padding.
        x = ops.where(
            ops.expand_dims(outputs["padding_mask"], -1),
            ops.cast(x, "float32"),
            -1e9,
        )
        return {"start_logits": x[:, :, 0], "end_logits": x[:, :, 1]}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)


def embedder(
    encoder: keras.Model,
    mix: Mix = "last",
    frozen: bool = False,
    name: str = "embedder",
    pooling: str | Sequence[str] = "mean",
    dense: Sequence[tuple[int, str, bool]] = (),
    normalize: bool = True,
    num_skipped: int = 0,
) -> keras.Model:
    """One vector for a text: the mean of its tokens, of length 1.

    Layer names: `mean`, or `pooling` where it is not the mean of all tokens;
    `dense_0` ... ; `embedding`.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        name: Name of the model.
        pooling: How tokens become one vector: one or several `modes` of
            `keras_ctx.layers.Pooling`, such as "cls" or "max".
        dense: Layers on the pooled vector: of each its features, Keras's
            name of its activation, and whether it has a bias.
        normalize: Whether the vector is brought to length 1.
        num_skipped: As for `keras_ctx.layers.Pooling`.

    Returns:
        A `keras.Model` to `{"embedding": (B, D)}`; without `dense` zeros for
        a row without tokens. Its D is that of the encoder times the modes of
        `pooling`, or that of the last of `dense`.

    Raises:
        ValueError: an unknown `mix` or `pooling`, or sizes that are not
            positive.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> embedder(bert_tiny(100)).output["embedding"].shape
        (None, 128)
        >>> made = embedder(bert_tiny(100), pooling=("cls", "max"),
        ...                 dense=[(64, "tanh", True)])
        >>> made.output["embedding"].shape
        (None, 64)

    Source:
        Reimers and Gurevych 2019, section 3,
        https://arxiv.org/abs/1908.10084. `dense`: Feng et al. 2022, LaBSE,
        https://arxiv.org/abs/2007.01852.
    """
    modes = check_modes(pooling=pooling)
    check_non_negative_int(num_skipped=num_skipped)
    for units, *_ in dense:
        check_positive_int(dense=units)

    def head(outputs, sequence):
        mask = outputs["padding_mask"]
        if modes == ("mean",) and not num_skipped:
            x = layers.MaskedMean(name="mean")(sequence, mask)
        else:
            pool = layers.Pooling(modes, num_skipped, name="pooling")
            x = pool(sequence, mask)
        for k, (units, activation, use_bias) in enumerate(dense):
            x = keras.layers.Dense(
                units, activation, use_bias, name=f"dense_{k}"
            )(x)
        if normalize:
            x = keras.layers.UnitNormalization(name="embedding")(x)
        return {"embedding": x}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)


def _dense(units: int, encoder: keras.Model) -> keras.layers.Dense:
    found = [x for x in encoder.layers if x.name == "embeddings"]
    start = getattr(found[0], "initializer_range", 0.02) if found else 0.02
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=start),
        name="logits",
    )
