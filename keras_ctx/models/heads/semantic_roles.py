"""A labeller of semantic roles on any encoder."""

from typing import Literal

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_choice, check_rate
from keras_ctx.models.bidirectional import bidirectional
from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.packed_texts import refuse_packed
from keras_ctx.models.heads.task_model import task_model
from keras_ctx.models.heads.whole_rows import check_whole_rows
from keras_ctx.models.mixture import Mix

RoleBody = Literal["none", "bilstm", "highway_lstm"]
BODIES = ("none", "bilstm", "highway_lstm")
PREDICATE = "predicate"
"""The input that marks the tokens of the predicate."""


def semantic_roles(
    encoder: keras.Model,
    num_tags: int,
    mix: Mix = "last",
    frozen: bool = False,
    dropout: float = 0.1,
    body: RoleBody = "none",
    num_layers: int = 1,
    hidden_dim: int = 300,
    recurrent_dropout: float = 0.1,
    predicate_dim: int = 100,
    name: str = "semantic_roles",
) -> keras.Model:
    """Builds a labeller of semantic roles: a tag for each token.

    A row is a sentence with one predicate. Besides the encoder's inputs there
    is `predicate`, integers `(B, T)`: 1 at the tokens of the predicate's word,
    0 elsewhere. Its embedding is joined to the vectors of the tokens.

    On `word_vector_encoder`, `body="highway_lstm", num_layers=8` is the model
    of He et al. 2017, and with a `recurrent_encoder` that joins a frozen ELMo
    that of ELMo's paper. On a BERT whose second segment is the predicate,
    `body="bilstm"` is the model of Shi and Lin 2019.

    The tags are in IOB2; `best_allowed_tags` of their scores are the answer
    (`keras_ctx.fine_tuning.predict_roles`).

    Layer names: `predicate_embedding`, `lstm_0` ... , `logits`.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        num_tags: Number N of tags.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        dropout: Dropout rate of the vectors that the head reads.
        body: What reads the joined vectors: "none", only the last dense layer;
            "bilstm", bidirectional LSTMs; "highway_lstm", layers of
            `HighwayLSTM` in alternating directions, the first from left to
            right.
        num_layers: Number of layers of `body`.
        hidden_dim: Features of a layer of `body`, in each direction.
        recurrent_dropout: As for `HighwayLSTM`; dropout of the input of each
            layer of "bilstm".
        predicate_dim: Features of the embedding of `predicate`.
        name: Name of the model.

    Returns:
        A `keras.Model` with the output `{"logits": (B, T, N)}`.

    Raises:
        ValueError: As for `classifier`; `body` is unknown, or a number is out
            of range.

    Example:
        >>> from keras_ctx.models import word_vector_encoder
        >>> words = word_vector_encoder(100, 6)
        >>> model = semantic_roles(
        ...     words, 9, body="highway_lstm", num_layers=2, hidden_dim=5)
        >>> sorted(model.input), model.output["logits"].shape
        (['predicate', 'word_ids'], (None, None, 9))

    Source:
        He et al. 2017, section 2, https://aclanthology.org/P17-1044; Shi and
        Lin 2019, section 3, https://arxiv.org/abs/1904.05255.

    Differs:
        Shi and Lin have a hidden layer between the LSTM and the scores, and
        describe the predicate by its own vector, too.
    """
    check_at_least(
        1,
        num_tags=num_tags,
        num_layers=num_layers,
        hidden_dim=hidden_dim,
        predicate_dim=predicate_dim,
    )
    check_choice(BODIES, body=body)
    check_rate(dropout=dropout, recurrent_dropout=recurrent_dropout)
    check_whole_rows(encoder)
    refuse_packed(encoder, "`semantic_roles`", "")
    predicate = keras.Input((None,), dtype="int32", name=PREDICATE)

    def head(outputs, sequence):
        mask = outputs["padding_mask"]
        # Not Keras's layer, whose sparse gradient its optimizers misread.
        flags = layers.WordEmbedding(
            2,
            predicate_dim,
            embeddings_initializer="glorot_uniform",  # as in allennlp
            name="predicate_embedding",
        )(predicate)
        x = keras.layers.Dropout(dropout, name="dropout")(sequence)
        x = keras.layers.Concatenate(name="joined_predicate")([x, flags])
        for k in range(num_layers if body != "none" else 0):
            if body == "highway_lstm":
                lstm = layers.HighwayLSTM(
                    hidden_dim,
                    recurrent_dropout,
                    reverse=k % 2 == 1,
                    name=f"lstm_{k}",
                )
                x = lstm(x, padding_mask=mask)
                continue
            x = keras.layers.Dropout(
                recurrent_dropout, name=f"lstm_dropout_{k}"
            )(x)
            x = bidirectional(x, mask, "lstm", hidden_dim, f"lstm_{k}")
        return {"logits": logits_layer(num_tags, encoder)(x)}

    return task_model(
        *(encoder, head, ("sequence", "padding_mask"), mix, frozen, name),
        inputs={PREDICATE: predicate},
    )
