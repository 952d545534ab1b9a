"""The table of names, compared with the published files."""

import math

import pytest

from keras_ctx import models
from keras_ctx.convert.elmo.arrays import encoder_weights
from keras_ctx.convert.elmo.options import ElmoOptions

FILTERS = [[1, 32], [2, 32], [3, 64], [4, 128], [5, 256], [6, 512], [7, 1024]]
CELL = "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell"


def published(dim: int, projection_dim: int, n_highway: int) -> ElmoOptions:
    return ElmoOptions(
        lstm={
            "hidden_dim": dim,
            "projection_dim": projection_dim,
            "num_layers": 2,
        },
        characters={
            "char_dim": 16,
            "filters": FILTERS,
            "num_highways": n_highway,
            "vocabulary_size": 262,
        },
    )


# ELMO.md, section 9.
@pytest.mark.parametrize(
    ("size", "datasets", "parameters"),
    [
        ((1024, 128, 1), 33, 13_593_296),
        ((2048, 256, 1), 33, 28_027_728),
        ((4096, 512, 2), 37, 93_600_848),
    ],
)
def test_published_sizes(size, datasets: int, parameters: int) -> None:
    rows = encoder_weights(published(*size))
    assert len(rows) == datasets
    assert sum(math.prod(row.shape) for row in rows) == parameters


def test_shapes_of_the_original() -> None:
    rows = encoder_weights(published(4096, 512, 2))
    shapes = {row.names[0]: row.shape for row in rows}
    for name, shape in {
        "char_embed": (261, 16),
        "CNN/W_cnn_6": (1, 7, 16, 1024),
        "CNN/b_cnn_6": (1024,),
        "CNN_high_1/W_carry": (2048, 2048),
        "CNN_high_1/b_transform": (2048,),
        "CNN_proj/W_proj": (2048, 512),
        "CNN_proj/b_proj": (512,),
        f"{CELL}/W_0": (1024, 16384),
        f"{CELL}/B": (16384,),
        f"{CELL}/W_P_0": (4096, 512),
    }.items():
        assert shapes[name] == shape, name


def test_every_variable_of_an_encoder_has_a_row() -> None:
    encoder = models.elmo_encoder([(1, 8), (2, 4)], 16, 4, num_layers=3)
    options = ElmoOptions(
        {"hidden_dim": 16, "projection_dim": 4, "num_layers": 3},
        {
            "char_dim": 16,
            "filters": [[1, 8], [2, 4]],
            "num_highways": 2,
            "vocabulary_size": 262,
        },
    )
    paths = [path for row in encoder_weights(options) for path in row.variables]
    assert len(set(paths)) == len(paths) == len(encoder.trainable_variables)
