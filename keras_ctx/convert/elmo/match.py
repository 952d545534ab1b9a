"""Checks a file against a table of ELMo's weights."""

import re
from collections.abc import Iterator, Sequence

from keras_ctx.convert.files.weight_table import Weight, differences
from keras_ctx.convert.files.weights_file import WeightsFile

# Names of the encoder's weights in a checkpoint, without optimizer slots.
_FAMILIES = re.compile(r"lm/(char_embed|embedding|CNN|RNN|rnn)")


def match(weights: Sequence[Weight], file: WeightsFile) -> None:
    """Refuses a file that differs from the table, listing all differences."""
    found = differences(
        weights,
        file,
        "the options require",
        lambda name: _is_weight(name, file),
    )
    if not found:
        return
    lines = [
        f"The weights do not fit the options. Received: {file.said}",
        *found,
        *_hints(weights, file),
        "Use the options file that belongs to these weights.",
    ]
    raise ValueError("\n".join(lines))


def _is_weight(name: str, file: WeightsFile) -> bool:
    if not file.is_checkpoint:
        return True
    return bool(_FAMILIES.match(name)) and not file.is_slot(name)


def _hints(weights: Sequence[Weight], file: WeightsFile) -> Iterator[str]:
    for weight in weights:
        name = weight.name_in(file)
        if name is None or not name.endswith("char_embed"):
            continue
        if file.shapes[name][:1] == (weight.shape[0] + 1,):
            yield (
                f"A character table must have {weight.shape[0]} rows, one for "
                "each id of training; loading adds row 0 for padding (so "
                "`n_characters` is 262 for inference). "
                "This table already has it: remove its row 0."
            )
    if any(name.removeprefix("lm/").startswith("rnn/") for name in file.shapes):
        yield (
            "Names that begin with `rnn/` are those of a "
            "unidirectional model (bilm-tf without `bidirectional`), which "
            "cannot be loaded: it has no backward half."
        )
