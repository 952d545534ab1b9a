"""The published sizes of BERT."""

import keras

from keras_ctx.models.bert.encoder import bert_encoder


def _published(name: str, num_layers: int, num_heads: int, hidden_dim: int):
    def build(vocabulary_size: int, **arguments) -> keras.Model:
        return bert_encoder(
            vocabulary_size,
            num_layers,
            num_heads,
            hidden_dim,
            4 * hidden_dim,
            **{"name": name, **arguments},
        )

    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f"`bert_encoder` of {num_layers} blocks, {hidden_dim} features, "
        f"{num_heads} heads; other arguments as there.\n\n"
        "    Source: https://github.com/google-research/bert"
    )
    return build


bert_tiny = _published("bert_tiny", 2, 2, 128)


bert_mini = _published("bert_mini", 4, 4, 256)


bert_small = _published("bert_small", 4, 8, 512)


bert_medium = _published("bert_medium", 8, 8, 512)


bert_base = _published("bert_base", 12, 12, 768)


bert_large = _published("bert_large", 24, 16, 1024)
