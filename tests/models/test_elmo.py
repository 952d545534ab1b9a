"""ELMo's published sizes, its names and its errors."""

import keras
import pytest

from keras_ctx import models

SIZES = {  # cells, projection, highways, and the numbers in the files of the
    # official models, which allennlp.org/elmo gives as 13.6, 28.0, 93.6 million
    "elmo_small": (1024, 128, 1, 13_593_296),
    "elmo_medium": (2048, 256, 1, 28_027_728),
    "elmo_original": (4096, 512, 2, 93_600_848),
}
FILTERS = [(1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024)]


@pytest.mark.parametrize("name", SIZES)
def test_number_of_parameters(name: str) -> None:
    cells, projection, highways, published = SIZES[name]
    with keras.StatelessScope(initialize_variables=False):  # shapes only
        found = getattr(models, name)().count_params()
    keras.utils.clear_session()  # it keeps a list of weights without values
    features = sum(count for _, count in FILTERS)
    lstm = 2 * projection * 4 * cells + 4 * cells + cells * projection
    expected = (
        261 * 16
        + sum((16 * width + 1) * count for width, count in FILTERS)
        + highways * 2 * (features * features + features)
        + features * projection
        + projection
        + 2 * 2 * lstm  # two layers, two directions
    )
    assert expected == published
    # Plus the table's row for "no token", which the files lack.
    assert found == published + 16


def encoder(**arguments) -> keras.Model:
    sizes = {"hidden_dim": 6, "projection_dim": 3, "max_characters": 5}
    return models.elmo_encoder(**{"filters": [(1, 4)], **sizes, **arguments})


def test_layer_names() -> None:
    elmo = encoder(num_layers=3)
    model = models.elmo_language_model(elmo, 11)
    for name in ("sentence_markers", "char_cnn", "bilm"):
        # Shared layers: training one trains the other.
        assert model.get_layer(name) is elmo.get_layer(name)
    for name in ("strip_0", "strip_1", "strip_2", "strip_3", "pooler"):
        elmo.get_layer(name)
    assert model.get_layer("top_dropout").rate == 0.1
    model.get_layer("softmax")


ERRORS = {
    "`filters` must be a list of pairs": {"filters": []},
    "widest filter, 6. Received: 5. .*`max_characters`": {"filters": [(6, 2)]},
    "`hidden_dim` must be .* hidden_dim=0": {"hidden_dim": 0},
    "`projection_dim` must be .* projection_dim=0": {"projection_dim": 0},
    "`num_layers` must be .* num_layers=0": {"num_layers": 0},
    "`num_highways` must be .* num_highways=-1": {"num_highways": -1},
    "`char_dim` must be .* char_dim=0": {"char_dim": 0},
    "`vocabulary_size` must be .*=0": {"vocabulary_size": 0},
    "`max_characters` must be at least 3.*=2": {"max_characters": 2},
    "`activation` must be one of .*'gelu'": {"activation": "gelu"},
    "`cell_clip` must be .* cell_clip=-1": {"cell_clip": -1},
    "`projection_clip` must be .* projection_clip=0": {"projection_clip": 0},
    "`dropout` must be a rate .* dropout=1.0": {"dropout": 1.0},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error_of_encoder(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encoder(**ERRORS[message])
