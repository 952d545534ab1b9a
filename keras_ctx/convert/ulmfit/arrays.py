"""The names of AWD-LSTM's arrays, and the sizes that they have."""

import re
from dataclasses import dataclass

import numpy as np

from keras_ctx.convert.files.torch_lstm_file import lstm_weights
from keras_ctx.convert.files.weight_table import TRANSPOSED, Weight
from keras_ctx.convert.files.weights_file import WeightsFile, whole

TABLE = "encoder.weight"
# In front of the encoder's names: in a language model, in a classifier, and
# in a file of the encoder alone or of awd-lstm-lm.
_PREFIXES = ("0.", "0.module.", "")
# Copies of the table: for its dropout, in fastai and in fastai 0.7.
_COPIES = ("encoder_dp.emb.weight", "encoder_with_dropout.embed.weight")
_DECODERS = ("1.decoder.", "decoder.")
_HEAD = "1.layers."


@dataclass(frozen=True)
class Arrays:
    """What a file has: its names and sizes."""

    file: WeightsFile
    prefix: str
    vocabulary_size: int
    embedding_dim: int
    widths: tuple[int, ...]
    """Features of each LSTM's output."""
    decoder: str | None
    """In front of the names of the output; `None` without one."""

    @property
    def tied(self) -> bool:
        return self.widths[-1] == self.embedding_dim

    @property
    def has_bias(self) -> bool:
        return f"{self.decoder}bias" in self.file.shapes

    def encoder_weights(self) -> list[Weight]:
        """Returns the table of the encoder."""
        weights = [
            Weight(
                (f"{self.prefix}{TABLE}",),
                (self.vocabulary_size, self.embedding_dim),
                ("embeddings.token_embedding.embeddings",),
            )
        ]
        features = self.embedding_dim
        for k, width in enumerate(self.widths):
            name = f"{self.prefix}rnns.{k}."
            weights += lstm_weights(
                (f"{name}module.", name),
                recurrent_names(name),
                *("l0", features, width, f"lstm_{k}"),
            )
            features = width
        return weights

    def output_weights(self) -> list[Weight]:
        """Returns the table of what the output adds to the encoder."""
        size, layer = self.vocabulary_size, "output_bias"
        weights = []
        if not self.tied:
            layer = "output"
            shape = (size, self.widths[-1])
            weights.append(
                Weight(
                    (f"{self.decoder}weight",),
                    *(shape, ("output.kernel",), TRANSPOSED),
                )
            )
        if self.has_bias:
            name = (f"{self.decoder}bias",)
            weights.append(Weight(name, (size,), (f"{layer}.bias",)))
        return weights

    def is_weight(self, name: str) -> bool:
        """Returns whether a name outside the tables is a difference."""
        copies = {f"{self.prefix}{x}" for x in _COPIES}
        copies.add(f"{self.decoder}weight")
        # The kernel as it was last dropped, beside the kernel itself.
        dropped = rf"{re.escape(self.prefix)}rnns\.\d+\.module\.weight_hh_l0"
        return not (
            name in copies
            or (self.prefix == "0.module." and name.startswith(_HEAD))
            or re.fullmatch(dropped, name)
        )

    def check_copies(self) -> None:
        """Refuses a copy of the token table that differs from it."""
        table = f"{self.prefix}{TABLE}"
        copies = [f"{self.prefix}{x}" for x in _COPIES]
        if self.tied and self.decoder is not None:
            copies.append(f"{self.decoder}weight")
        with whole(self.file.said):
            first = self.file.read(table)
        for name in copies:
            if name not in self.file.shapes:
                continue
            with whole(self.file.said):
                same = np.array_equal(self.file.read(name), first)
            if not same:
                raise ValueError(
                    f"`{name}` must equal `{table}`: it is the same table. "
                    f"Received: {self.file.said}, where they differ."
                )


def recurrent_names(name: str) -> tuple[str, ...]:
    """Returns the names of the recurrent kernel, never of a dropped copy.

    Args:
        name: Prefix of the LSTM, such as "0.rnns.0.".
    """
    return (
        f"{name}weight_hh_l0_raw",
        f"{name}module.weight_hh_l0_raw",
        f"{name}weight_hh_l0",  # of an LSTM without dropout
    )


def read_arrays(file: WeightsFile) -> Arrays:
    """Reads the kind and the sizes of a file from its names and shapes.

    Raises:
        ValueError: It is of no known kind, or an LSTM has no recurrent kernel
            or an impossible size.
    """
    shapes = file.shapes
    found = [x for x in _PREFIXES if f"{x}{TABLE}" in shapes]
    if len(found) != 1 or len(shapes[f"{found[0]}{TABLE}"]) != 2:
        names = " or ".join(f"`{x}{TABLE}`" for x in _PREFIXES)
        raise ValueError(
            f"`path` must have the token table of an AWD-LSTM, {names}, with "
            f"2 axes. Received: {file.said} with {_some(shapes)}"
        )
    (prefix,) = found
    decoders = [
        x for x in _DECODERS if any(name.startswith(x) for name in shapes)
    ]
    rows, features = shapes[f"{prefix}{TABLE}"]
    widths: list[int] = []
    start = re.escape(f"{prefix}rnns.")
    while any(re.match(rf"{start}{len(widths)}\.", x) for x in shapes):
        names = recurrent_names(f"{prefix}rnns.{len(widths)}.")
        kernel = next((shapes[x] for x in names if x in shapes), None)
        if kernel is None or len(kernel) != 2:
            raise ValueError(
                f"`path` must have `{names[0]}`, the recurrent kernel of an "
                "LSTM, with 2 axes; a copy without `_raw` has dropped "
                "weights, and other kinds of cells are not read. Received: "
                f"{file.said} with {_some(shapes)}"
            )
        widths.append(kernel[1])
    _check_widths(widths, features, file)
    return Arrays(
        *(file, prefix, rows, features, tuple(widths)),
        decoder=decoders[0] if decoders else None,
    )


def _check_widths(widths: list[int], features: int, file: WeightsFile) -> None:
    """Refuses LSTMs whose widths `awd_lstm_encoder` does not build."""
    if (
        not widths
        or any(width != widths[0] for width in widths[:-1])
        or widths[-1] not in (features, widths[0])
    ):
        raise ValueError(
            "`path` must have LSTMs `rnns.0` ... of one width, and the last "
            "of this width or that of the token table. Received: "
            f"{file.said}: widths {widths}, table {features}"
        )


def _some(names) -> list[str]:
    return sorted(names)[:10]
