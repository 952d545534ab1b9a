"""Converts the weights of a `BiLM` to the names of the NumPy ELMo."""

import numpy as np
from parity.elmo_numpy import Options, Weights

from keras_ctx.layers import BiLM


def numpy_weights(bilm: BiLM) -> tuple[Weights, Options]:
    """Returns arrays in float64, and options, for `elmo_numpy.stacks`."""
    weights = {}
    for direction, cells in enumerate(
        (bilm.forward_cells, bilm.backward_cells)
    ):
        for layer, cell in enumerate(cells):
            own = {w.name: np.asarray(w, "float64") for w in cell.weights}
            prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell/"
            weights[prefix + "W_0"] = np.concatenate(
                [own["kernel"], own["recurrent_kernel"]]
            )
            weights[prefix + "B"] = own["bias"]
            weights[prefix + "W_P_0"] = own["projection_kernel"]
    return weights, Options(
        (),
        bilm.hidden_dim,
        bilm.projection_dim,
        bilm.num_layers,
        cell_clip=bilm.cell_clip,
        proj_clip=bilm.projection_clip,
        use_skip_connections=bilm.residual,
    )
