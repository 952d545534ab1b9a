"""The checkpoint format of an ELMo folder as published by allenai."""

from pathlib import Path

import keras

from keras_ctx.convert.checkpoint_format import CheckpointFormat
from keras_ctx.convert.elmo.load import elmo_text_inputs, load_elmo
from keras_ctx.text import TextInputs

OPTIONS = "options.json"


def _encoder(folder: Path) -> keras.Model:
    return load_elmo(folder / OPTIONS, _weights(folder))


def _text_inputs(folder: Path, max_length: int | None) -> TextInputs:
    return elmo_text_inputs(
        folder / OPTIONS, folder / "vocab.txt", max_length=max_length
    )


def _weights(folder: Path) -> Path:
    found = sorted([*folder.glob("*.hdf5"), *folder.glob("*.h5")])
    if len(found) != 1:
        raise ValueError(
            f"`folder` must hold one weights file, *.hdf5, next to "
            f"{OPTIONS}. Received: folder={str(folder)!r} with "
            f"{[path.name for path in found]}"
        )
    return found[0]


ELMO = CheckpointFormat(
    f"ELMo: {OPTIONS} and one *.hdf5",
    lambda folder: (folder / OPTIONS).is_file(),
    _encoder,
    _text_inputs,
)
