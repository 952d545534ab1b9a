"""Copies weights with the names of the original files to our layers."""

from collections.abc import Mapping

import numpy as np

from keras_ctx import layers


def copy_char_cnn(
    weights: Mapping[str, np.ndarray], layer: layers.CharCNNHighway
) -> None:
    table = np.asarray(weights["char_embed"])
    # Files have no row for "no token here".
    layer.char_embedding.set_weights(
        [np.concatenate([np.zeros_like(table[:1]), table])]
    )
    for i, convolution in enumerate(layer.convolutions):
        convolution.set_weights(
            [
                np.asarray(weights[f"CNN/W_cnn_{i}"])[0],
                np.asarray(weights[f"CNN/b_cnn_{i}"]),
            ]
        )
    for k in range(layer.num_highways):
        for dense, name in (
            (layer.highway_gates[k], "carry"),
            (layer.highway_transforms[k], "transform"),
        ):
            dense.set_weights(
                [
                    np.asarray(weights[f"CNN_high_{k}/W_{name}"]),
                    np.asarray(weights[f"CNN_high_{k}/b_{name}"]),
                ]
            )
    if layer.projection is not None:
        layer.projection.set_weights(
            [
                np.asarray(weights["CNN_proj/W_proj"]),
                np.asarray(weights["CNN_proj/b_proj"]),
            ]
        )


def copy_bilm(weights: Mapping[str, np.ndarray], layer: layers.BiLM) -> None:
    for direction, stack in enumerate(
        (layer.forward_cells, layer.backward_cells)
    ):
        for i, cell in enumerate(stack):
            prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{i}/LSTMCell/"
            both = np.asarray(weights[prefix + "W_0"])
            rows = cell.kernel.shape[0]
            cell.kernel.assign(both[:rows])
            cell.recurrent_kernel.assign(both[rows:])
            cell.bias.assign(np.asarray(weights[prefix + "B"]))
            if cell.projection_kernel is not None:
                cell.projection_kernel.assign(
                    np.asarray(weights[prefix + "W_P_0"])
                )
