"""Our side of `elmo.py`, as a user would run it, in a separate process.

The time begins with sentences: it includes splitting them, their character
ids and their distinct words.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tyro  # noqa: E402

from keras_ctx import convert, models, text  # noqa: E402
from worker import answer, peak_mebibytes  # noqa: E402


@dataclass(frozen=True)
class Config:
    options: tyro.conf.Positional[Path]
    """options.json."""
    weights: tyro.conf.Positional[Path]
    """The HDF5 file."""
    dtype: tyro.conf.Positional[str]
    """Dtype policy, or "write" to write the two files."""
    threads: tyro.conf.Positional[int]
    """Number of threads."""


def write(config: Config) -> None:
    """Writes ELMo's original size with random weights, as HDF5 and .npz."""
    keras.utils.set_random_seed(0)
    encoder = models.elmo_original()
    # With initial weights all values are near 0, where a sigmoid is linear.
    # With these factors layers have values as large as in a trained model.
    for convolution in encoder.get_layer("char_cnn").convolutions:
        convolution.kernel.assign(convolution.kernel * 3)
    bilm = encoder.get_layer("bilm")
    for cell in bilm.forward_cells + bilm.backward_cells:
        cell.kernel.assign(cell.kernel * 4)
        cell.recurrent_kernel.assign(cell.recurrent_kernel * 4)
    convert.save_elmo(encoder, config.options, config.weights)
    arrays: dict[str, Any] = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(config.weights) as file:
        file.visititems(collect)
    np.savez(config.weights.with_suffix(".npz"), **arrays)


def main(config: Config) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(config.threads)
    tf.config.threading.set_inter_op_parallelism_threads(config.threads)
    if config.dtype == "write":
        return write(config)
    keras.config.set_dtype_policy(config.dtype)
    encoder = convert.load_elmo(config.options, config.weights, dropout=0.0)
    model = models.distinct_words(encoder)
    inputs = text.ElmoInputs(distinct=True)
    sentences = tf.TensorSpec([None], tf.string)  # pyright: ignore
    table = encoder.get_layer("char_cnn").char_embedding.embeddings
    lowest = encoder.get_layer("bilm").forward_cells[0].projection_kernel

    @tf.function(input_signature=[sentences])
    def forward(sentences):
        return model(inputs(sentences), training=False)["layers"], []

    @tf.function(input_signature=[sentences])
    def forward_and_backward(sentences):
        with tf.GradientTape() as tape:
            layers = model(inputs(sentences), training=True)["layers"]
            loss = tf.add_n(
                [tf.reduce_sum(tf.cast(layer, "float32")) for layer in layers]
            )
        weights = [weight.value for weight in model.trainable_weights]
        return layers, tape.gradient(loss, weights)

    def handle(request):
        sentences = tf.constant([" ".join(row) for row in request["rows"]])
        backward = request.get("backward", False)
        start = time.perf_counter()
        run = forward_and_backward if backward else forward
        layers, gradients = run(sentences)
        seconds = time.perf_counter() - start
        if "save" in request:
            arrays = {
                f"layer_{i}": tf.cast(layer, tf.float32).numpy()
                for i, layer in enumerate(layers)
            }
            if backward:
                paths = [weight.path for weight in model.trainable_weights]
                of = dict(zip(paths, gradients, strict=True))
                arrays["table"] = tf.convert_to_tensor(of[table.path])[1:]
                arrays["lowest"] = of[lowest.path]
            np.savez(request["save"], **arrays)
        return {"seconds": seconds, "peak": peak_mebibytes()}

    return answer(handle)


if __name__ == "__main__":
    main(tyro.cli(Config))
