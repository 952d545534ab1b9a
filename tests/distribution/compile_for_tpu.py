"""Compiles complete train steps with the compiler of TPUs; needs no TPU.

Run in its own process, with KERAS_BACKEND=jax and libtpu installed.

    python compile_for_tpu.py
"""

import os

# As on a machine with TPUs; otherwise libtpu queries the network.
os.environ["TPU_SKIP_MDS_QUERY"] = "1"
os.environ["TPU_ACCELERATOR_TYPE"] = "v5litepod-4"
os.environ["TPU_WORKER_HOSTNAMES"] = "localhost"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import keras
from jax.experimental import topologies
from pretraining import PRETRAINING


def compiled(model: keras.Model, batch: tuple) -> str:
    """Returns the program of a train step, as Keras passes it to JAX."""
    model.optimizer.build(model.trainable_variables)
    state = [
        [variable.value for variable in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
    ]
    topology = topologies.get_topology_desc("v5e:2x2", platform="tpu")
    tpu = jax.sharding.SingleDeviceSharding(topology.devices[0])
    shapes = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=tpu),
        (tuple(state), batch),
    )
    return jax.jit(model.train_step).lower(*shapes).compile().as_text() or ""


def main() -> None:
    for name, (make_model, make_batches) in PRETRAINING.items():
        batch = keras.tree.map_structure(lambda x: x[0], make_batches())
        program = compiled(make_model(dropout=0.2, jit_compile=True), batch)
        # Tiles of 8 rows of 128 numbers are how a TPU lays out a matrix.
        assert "T(8,128)" in program, program[:1000]
        print(name, flush=True)


if __name__ == "__main__":
    main()
