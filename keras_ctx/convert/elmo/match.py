"""Does a file fit a table of ELMo's weights, and if not, why."""

import re
from collections.abc import Iterator, Sequence

from keras_ctx.convert.files.weight_table import Weight, differences
from keras_ctx.convert.files.weights_file import WeightsFile

# In a checkpoint, what is a weight of the encoder and no slot of an optimizer.
_FAMILIES = re.compile(r"lm/(char_embed|embedding|CNN|RNN|rnn)")


def match(weights: Sequence[Weight], file: WeightsFile) -> None:
    """Refuse a file that differs from the table, and tell all differences."""
    found = differences(
        weights, file, "the options give", lambda name: _is_weight(name, file)
    )
    if not found:
        return
    lines = [
        f"The weights do not fit the options. Received: {file.said}",
        *found,
        *_hints(weights, file),
        "Take the options file that belongs to these weights.",
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
                f"A character table has {weight.shape[0]} rows, one for each "
                "id of training; row 0, for padding, is put in front on "
                "loading (this is why `n_characters` is 262 for inference). "
                "This one has it already: remove its row 0."
            )
    if any(name.removeprefix("lm/").startswith("rnn/") for name in file.shapes):
        yield (
            "Names that begin with `rnn/` are those of a model of one "
            "direction (bilm-tf without `bidirectional`), which cannot be "
            "loaded: there is no backward half."
        )
