"""Our ELMo compared with the NumPy version of the reference sheet."""

import keras
import numpy as np
import pytest
from parity.elmo_numpy import Clipped, elmo, random_weights, word_ids
from parity.elmo_variants import CHAR_DIM, LENGTH, VARIANTS
from parity.elmo_weights import copy_bilm, copy_char_cnn

from keras_ctx import models

# An empty row, a long word (cut), bytes beyond ASCII.
SENTENCES = [
    "A rather incomprehensible sentence".split(),
    [],
    ["naïve", "语言模型", "x", "", "of", "words", "."],
    ["one"],
]


@pytest.mark.quick(
    "published form",
    "no residual",
    "neither projection",
    "tanh",
    "one layer",
    "cell clip only",
)
@pytest.mark.parametrize("name", VARIANTS)
def test_encoder_agrees_with_numpy(name: str) -> None:
    options = VARIANTS[name]
    weights = random_weights(options, CHAR_DIM, seed=3, scale=2.5)
    encoder = models.elmo_encoder(
        options.filters,
        options.dim,
        options.projection_dim,
        num_layers=options.n_layers,
        num_highways=options.n_highway,
        char_dim=CHAR_DIM,
        max_characters=LENGTH,
        activation=options.activation,
        cell_clip=options.cell_clip,
        projection_clip=options.proj_clip,
        residual=options.use_skip_connections,
    )
    copy_char_cnn(weights, encoder.get_layer("char_cnn"))
    copy_bilm(weights, encoder.get_layer("bilm"))
    rows = [
        np.array(
            [word_ids(word, LENGTH) for word in sentence], "int32"
        ).reshape(-1, LENGTH)
        for sentence in SENTENCES
    ]
    batch = np.zeros((len(rows), 8, LENGTH), "int32")
    for ids, row in zip(rows, batch, strict=True):
        row[: len(ids)] = ids
    outputs = keras.tree.map_structure(
        keras.ops.convert_to_numpy, encoder({"char_ids": batch})
    )
    assert len(outputs["layers"]) == options.n_layers + 1
    clipped = Clipped()
    for k, ids in enumerate(rows):
        expected = elmo(weights, options, ids, clipped=clipped)
        for ours, theirs in zip(outputs["layers"], expected, strict=True):
            np.testing.assert_allclose(
                ours[k, : len(ids)], theirs, rtol=0, atol=1e-5
            )
            assert not ours[k, len(ids) :].any()
        mean = expected[-1].mean(axis=0) if len(ids) else 0
        np.testing.assert_allclose(
            outputs["pooled"][k],
            mean + np.zeros_like(outputs["pooled"][k]),
            rtol=0,
            atol=1e-5,
        )
        assert outputs["padding_mask"][k].sum() == len(ids)
    np.testing.assert_array_equal(outputs["sequence"], outputs["layers"][-1])
    # The test covers the clips and the residual.
    if options.cell_clip is not None:
        assert clipped.cells > 2 * options.n_layers * options.dim
    if options.proj_clip is not None and options.dim != options.projection_dim:
        assert clipped.projections > 50
        residual = options.use_skip_connections and options.n_layers > 1
        assert (clipped.outputs_beyond > 10) == residual
