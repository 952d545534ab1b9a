"""Writes an AWD-LSTM with random weights, by awd-lstm-lm's names."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from harness.awd_lstm_works import SIZES


def write_awd_lstm(folder: Path) -> None:
    """Writes model.safetensors of the size that the folder is named after."""
    generator = np.random.default_rng(0)
    rows, features, widths = SIZES[folder.name]
    # As PyTorch and awd-lstm-lm begin.
    bounds: dict[str, tuple[tuple[int, ...], float]] = {
        "encoder.weight": ((rows, features), 0.1),
        "decoder.bias": ((rows,), 0.1),
    }
    for k, width in enumerate(widths):
        bound, name = width**-0.5, f"rnns.{k}.module."
        for key, shape in (
            ("weight_ih_l0", (4 * width, features)),
            ("weight_hh_l0_raw", (4 * width, width)),
            ("bias_ih_l0", (4 * width,)),
            ("bias_hh_l0", (4 * width,)),
        ):
            bounds[name + key] = (shape, bound)
        features = width
    arrays = {
        name: generator.uniform(-bound, bound, shape).astype("float32")
        for name, (shape, bound) in bounds.items()
    }
    arrays["decoder.weight"] = arrays["encoder.weight"].copy()
    save_file(arrays, folder / "model.safetensors")
