"""The published sizes of ELMo."""

import keras

from keras_ctx.models.elmo.encoder import elmo_encoder

_FILTERS = (
    (1, 32),
    (2, 32),
    (3, 64),
    (4, 128),
    (5, 256),
    (6, 512),
    (7, 1024),
)


def _published(name: str, hidden_dim: int, projection: int, highways: int):
    def build(**arguments) -> keras.Model:
        return elmo_encoder(
            _FILTERS,
            hidden_dim,
            projection,
            **{"num_highways": highways, "name": name, **arguments},
        )

    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f"`elmo_encoder` with {hidden_dim} cells, projected to {projection}, "
        f"and {highways} highways; other arguments as there.\n\n"
        "    Source: the options of the official models, allennlp.org/elmo"
    )
    return build


elmo_small = _published("elmo_small", 1024, 128, 1)
elmo_medium = _published("elmo_medium", 2048, 256, 1)
elmo_original = _published("elmo_original", 4096, 512, 2)
