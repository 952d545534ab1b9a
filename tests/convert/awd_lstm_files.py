"""AWD-LSTM in the files of fastai 1, 2 and 0.7, and of awd-lstm-lm."""

from pathlib import Path

import numpy as np
from parity.recurrent_numpy import Arrays, random_awd_lstm
from safetensors.numpy import save_file

V, E, WIDTHS = 13, 6, (8, 8, 6)


def random_arrays() -> Arrays:
    """Returns the arrays of a language model by awd-lstm-lm's names."""
    return random_awd_lstm(V, E, WIDTHS)


def fastai2(arrays: Arrays, prefix: str = "0.") -> Arrays:
    found = {}
    for name, x in arrays.items():
        if name.startswith("decoder."):
            found[f"1.{name}"] = x
        else:
            theirs = name.replace("module.weight_hh_l0_raw", "weight_hh_l0_raw")
            found[f"{prefix}{theirs}"] = x
    table = found[f"{prefix}encoder.weight"]
    return {**found, f"{prefix}encoder_dp.emb.weight": table.copy()}


def fastai1(arrays: Arrays) -> Arrays:
    """Adds the copy of each recurrent kernel, as it was last dropped."""
    found = fastai2(arrays)
    for k in range(len(WIDTHS)):
        kernel = found[f"0.rnns.{k}.weight_hh_l0_raw"]
        kept = np.random.default_rng(k).random(kernel.shape) < 0.5
        found[f"0.rnns.{k}.module.weight_hh_l0"] = 2 * kernel * kept
    return found


def fastai07(arrays: Arrays) -> Arrays:
    """No bias of the output, and other names of the copy and the kernel."""
    found = {
        (f"1.{name}" if name.startswith("decoder.") else f"0.{name}"): x
        for name, x in arrays.items()
        if name != "decoder.bias"
    }
    table = found["0.encoder.weight"]
    copy = "0.encoder_with_dropout.embed.weight"
    return {**found, copy: table.copy()}


def encoder_alone(arrays: Arrays) -> Arrays:
    found = fastai2(arrays, "")
    return {k: x for k, x in found.items() if not k.startswith("1.")}


def classifier(arrays: Arrays) -> Arrays:
    found = fastai2(arrays, "0.module.")
    found = {k: x for k, x in found.items() if not k.startswith("1.")}
    return found | {
        "1.layers.0.0.weight": np.ones(18, "float32"),
        "1.layers.0.0.num_batches_tracked": np.array(7),
        "1.layers.0.2.weight": np.ones((5, 18), "float32"),
    }


def undropped(arrays: Arrays) -> Arrays:
    """Plain LSTMs, as awd-lstm-lm has them with `wdrop=0`."""
    return {
        k.replace("module.", "").replace("_raw", ""): x
        for k, x in arrays.items()
    }


LANGUAGE_MODELS = {
    "awd-lstm-lm": dict,
    "awd-lstm-lm, no weight drop": undropped,
    "fastai 2": fastai2,
    "fastai 1": fastai1,
    "fastai 0.7": fastai07,
}
ENCODERS = {
    **LANGUAGE_MODELS,
    "encoder alone": encoder_alone,
    "classifier": classifier,
}


def write(path: Path, arrays: Arrays) -> Path:
    path.parent.mkdir(exist_ok=True)
    save_file({k: np.ascontiguousarray(x) for k, x in arrays.items()}, path)
    return path
