"""Recurrent layers on the words of an encoder, with frozen vectors joined."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_choice, check_rate
from keras_ctx.models.bidirectional import CELLS, bidirectional
from keras_ctx.models.family import family_of
from keras_ctx.models.mixture import Mix
from keras_ctx.models.recurrent.bodies import BODIES
from keras_ctx.models.recurrent.context import ContextVectors
from keras_ctx.models.wiring import encoder_model, equal_widths

JoinPlace = Literal["input", "after_first", "output"]


def recurrent_encoder(
    encoder: keras.Model,
    hidden_dim: int = 256,
    num_layers: int = 2,
    cell: Literal["lstm", "gru"] = "lstm",
    dropout: float = 0.25,
    context: keras.Model | None = None,
    join: JoinPlace | Sequence[JoinPlace] = "after_first",
    context_mix: Mix = "last",
    name: str = "recurrent_encoder",
) -> keras.Model:
    """Builds recurrent layers on an encoder, and joins a second, frozen one.

    `tagger(recurrent_encoder(words, context=elmo), N, crf=True)` is TagLM:
    the vectors of a frozen language model are joined to the output of the
    first recurrent layer. With CoVe's encoder as `context` and
    `join="input", num_layers=0` it is [word vector; CoVe]. ELMo's paper joins
    a mixture of all layers: `join=("input", "output"),
    context_mix="scalar_mix"`; each of the two has its own mixture.

    Inputs: those of `encoder`, and those of `context` with "context_" before
    their names; for a `context` of subwords also `context_places`, integers
    `(B, T)`, the position of the token that stands for each word. All are
    what `keras_ctx.text.ContextInputs` returns. Outputs: `layers`, the list
    of the token vectors and each recurrent layer's output, including the
    vectors joined to it, each `(B, T, D)`, where D is that of the widest and
    narrower ones have zeros behind their features; `sequence` `(B, T, D')`,
    the last one without those zeros; `pooled` `(B, D')`, its mean over the
    words; and `padding_mask` `(B, T)`, true = word. All are zero at padding.

    Layer names: those of `encoder`, `context_encoder`, `context_mix_input`
    ... , `tokens`, `rnn_dropout_0`, `rnn_0`, `rnn_output_0` ... ,
    `rnn_pooler`.

    Args:
        encoder: An encoder with one position for each word, which is trained
            further: `word_vector_encoder`, `elmo_encoder`,
            `elmo_word_encoder` or `mt_lstm_encoder` without `subwords`. Its
            output `sequence` is read.
        hidden_dim: Number of features of a recurrent layer in each direction.
        num_layers: Number of recurrent layers, each in both directions; 0:
            none, only the vectors of both encoders side by side.
        cell: "lstm" or "gru".
        dropout: Dropout rate of the input of each recurrent layer.
        context: Any second encoder. It is frozen: it has no gradient, its
            dropout is off, and `context.trainable` is set to `False`.
        join: Where the vectors of `context` are joined: "input", to the token
            vectors; "after_first", to the output of the first recurrent
            layer; "output", to that of the last one; or several of them.
        context_mix: Which layers of `context` are joined, as `mix` of
            `classifier`. If you give a `ScalarMix` and several values of
            `join`, each gets a new `ScalarMix` with its arguments.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: A number is out of range, `cell`, `join` or `context_mix`
            is unknown, `join` needs a recurrent layer and there is none, or
            `encoder` is of another kind.

    Example:
        >>> from keras_ctx.models import elmo_encoder, word_vector_encoder
        >>> elmo = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> words = word_vector_encoder(100, 6)
        >>> encoder = recurrent_encoder(words, 3, context=elmo)
        >>> sorted(encoder.input), encoder.output["sequence"].shape
        (['context_char_ids', 'word_ids'], (None, None, 6))

    Source:
        Peters et al. 2017, https://aclanthology.org/P17-1161; joined at input
        and output: Peters et al. 2018, section 3.3.
    """
    places = (join,) if isinstance(join, str) else tuple(join)
    check_at_least(1, hidden_dim=hidden_dim)
    check_at_least(0, num_layers=num_layers)
    check_choice(tuple(CELLS), cell=cell)
    check_rate(dropout=dropout)
    _check_places(places, num_layers, context)
    family = family_of(encoder)
    if family.name not in BODIES:
        raise ValueError(
            "`encoder` must have one position for each word: one of the "
            f"families {', '.join(BODIES)}. Give another one as `context`. "
            f"Received: one of {family.name!r}"
        )
    # A layer, so that `encoder_of` finds the mask again.
    padding_mask = keras.layers.Identity(name="is_word")(
        encoder.output["padding_mask"]
    )
    vectors = None
    if context is not None:
        vectors = ContextVectors(context, context_mix, padding_mask)

    def joined(x, place: str, layer: str):
        if vectors is None or place not in places:
            return x
        more = vectors(place, several=len(places) > 1)
        return keras.layers.Concatenate(name=layer)([x, more])

    def named(x, layer: str):
        return keras.layers.Identity(name=layer)(x)

    x = joined(encoder.output["sequence"], "input", "joined_input")
    outputs = [named(x, "tokens")]
    for k in range(num_layers):
        x = layers.EncoderDropout(dropout, name=f"rnn_dropout_{k}")(outputs[-1])
        x = bidirectional(x, padding_mask, cell, hidden_dim, f"rnn_{k}")
        if k == 0:
            x = joined(x, "after_first", "joined_after_first")
        if k == num_layers - 1:
            x = joined(x, "output", "joined_output")
        outputs.append(named(x, f"rnn_output_{k}"))
    inputs = {**encoder.input, **(vectors.inputs if vectors else {})}
    return of_outputs(inputs, padding_mask, outputs, name)


def of_outputs(
    inputs: dict[str, Any], padding_mask: Any, outputs: list, name: str
) -> keras.Model:
    """Builds the encoder from its inputs and the outputs of its layers."""
    pooled = layers.MaskedMean(name="rnn_pooler")(outputs[-1], padding_mask)
    return encoder_model(
        inputs,
        equal_widths(outputs),
        *(pooled, padding_mask, name),
        sequence=outputs[-1],
    )


def _check_places(places: tuple, num_layers: int, context: Any) -> None:
    known = get_args(JoinPlace)
    once = len(set(places)) == len(places) > 0
    if not once or not set(places) <= set(known):
        raise ValueError(
            f"`join` must be one or more of {', '.join(map(repr, known))}, "
            f"each once. Received: join={places!r}"
        )
    if context is None:
        if places != ("after_first",):
            raise ValueError(
                "`join` needs a `context` whose vectors are joined. "
                f"Received: join={places!r} and no `context`"
            )
        return
    if num_layers == 0 and set(places) != {"input"}:
        raise ValueError(
            '`join` must be "input" with `num_layers=0`: there is no '
            f"recurrent layer. Received: join={places!r}"
        )
