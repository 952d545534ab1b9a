"""A translator with LSTMs, which trains an MT-LSTM."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.wiring import final_states, numbered_layers


def attentional_lstm_translator(
    encoder: keras.Model,
    vocabulary_size: int,
    embedding_dim: int | None = None,
    dropout: float = 0.2,
    max_length: int = 256,
    name: str = "attentional_lstm_translator",
) -> keras.Model:
    """Builds an MT-LSTM with a decoder of LSTMs that attends to it.

    The decoder has as many LSTMs as the encoder has layers, each as wide as
    both directions together, and begins with the encoder's last states. It
    predicts each token of another text from the tokens before it and from the
    encoder's outputs. The layers of the encoder are shared: training this
    model trains `encoder`, whose outputs then are CoVe.

    Inputs: those of the encoder; `decoder_token_ids` (integers) and
    `decoder_padding_mask` (booleans, true = real token), each `(B, U)`: the
    start token, then the text. Output: `next_token` `(B, U, V)`, the logits
    of the token after each position. For training, give the text and an end
    token as targets, and weight 0 to padding.

    Layer names in addition to the encoder's: `encoder_dropout`,
    `decoder_embeddings`, `decoder_dropout`, `decoder`, `output`.

    Args:
        encoder: A model of `mt_lstm_encoder`.
        vocabulary_size: Number of tokens of the other text.
        embedding_dim: Number of features of its tokens; `None`: as many as
            the encoder's words have.
        dropout: Dropout rate of the encoder's outputs, of the vectors of the
            other text's tokens, between the LSTMs, and of the attentional
            vectors.
        max_length: The most tokens of a text that a search writes.
        name: Name of the model.

    Returns:
        A `keras.Model`. All new weights begin uniformly in [-0.1, 0.1].

    Raises:
        ValueError: `encoder` is of another kind, or an argument is out of
            range.

    Example:
        >>> from keras_ctx.models import mt_lstm_encoder
        >>> model = attentional_lstm_translator(mt_lstm_encoder(9, 6, 4), 20)
        >>> model.output["next_token"].shape
        (None, None, 20)

    Source:
        McCann et al. 2017, section 3, https://arxiv.org/abs/1708.00107; as in
        the code of salesforce/cove.

    Differs:
        The code of CoVe applies dropout twice, to each token and to each
        vector that is fed.
    """
    found: dict[str, Any] = {layer.name: layer for layer in encoder.layers}
    table = found.get("word_embedding", found.get("token_embedding"))
    if table is None or "forward_0" not in found or "decoder" in found:
        raise ValueError(
            "`encoder` must be a model of `mt_lstm_encoder`; "
            "`encoder_decoder` adds a Transformer's decoder to others. "
            f"Received: {encoder.name!r} with the layers {sorted(found)[:10]}"
        )
    check_rate(dropout=dropout)
    features: int = table.output_dim if embedding_dim is None else embedding_dim
    check_at_least(1, vocabulary_size=vocabulary_size, embedding_dim=features)
    states = final_states(found)
    bound = keras.initializers.RandomUniform(-0.1, 0.1)
    token_ids = keras.Input((None,), dtype="int32", name="decoder_token_ids")
    padding_mask = keras.Input(
        (None,), dtype="bool", name="decoder_padding_mask"
    )
    x = layers.WordEmbedding(
        vocabulary_size,
        features,
        embeddings_initializer=bound,
        name="decoder_embeddings",
    )(token_ids)
    x = keras.layers.Dropout(dropout, name="decoder_dropout")(x)
    x = layers.AttentionalLSTMDecoder(
        states[0].shape[-1],
        len(numbered_layers(found, "forward_")),
        dropout,
        max_length=max_length,
        name="decoder",
    )(
        x,
        encoder_sequence=keras.layers.Dropout(dropout, name="encoder_dropout")(
            encoder.output["sequence"]
        ),
        initial_state=states,
        padding_mask=padding_mask,
        encoder_padding_mask=encoder.output["padding_mask"],
    )
    logits = keras.layers.Dense(
        vocabulary_size,
        kernel_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
        bias_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
        name="output",
    )(x)
    inputs = {
        **encoder.input,
        "decoder_token_ids": token_ids,
        "decoder_padding_mask": padding_mask,
    }
    return keras.Model(inputs, {"next_token": logits}, name=name)
