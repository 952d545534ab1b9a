"""A table of weights against a file: do they fit, and if so, copy."""

import re
from collections.abc import Iterator, Sequence

import keras

from keras_ctx.convert.elmo_files import WeightsFile, problem_of, whole
from keras_ctx.convert.elmo_names import Weight, assign

# In a checkpoint, what is a weight of the encoder and no slot of an optimizer.
_FAMILIES = re.compile(r"lm/(char_embed|embedding|CNN|RNN|rnn)")


def match(weights: Sequence[Weight], file: WeightsFile) -> None:
    """Refuse a file that differs from the table, and tell all differences."""
    used = {file.name_of(weight): weight for weight in weights}
    missing = [
        f"{file.official_name(weight)} {weight.shape}"
        for weight in weights
        if file.name_of(weight) is None
    ]
    extra = [
        f"{name} {shape}"
        for name, shape in sorted(file.shapes.items())
        if name not in used and _is_weight(name, file)
    ]
    differing = [
        f"{name}: the options give {weight.shape}, the file has "
        f"{file.shapes[name]}"
        for name, weight in used.items()
        if name is not None and file.shapes[name] != weight.shape
    ]
    if not missing and not extra and not differing:
        return
    lines = [
        f"The weights do not fit the options. Received: {file.said}",
        *(f"  missing: {line}" for line in missing),
        *(f"  not known: {line}" for line in extra),
        *(f"  other shape: {line}" for line in differing),
        *_hints(used, file, extra),
        "Take the options file that belongs to these weights.",
    ]
    raise ValueError("\n".join(lines))


def _is_weight(name: str, file: WeightsFile) -> bool:
    if not file.is_checkpoint:
        return True
    # A slot, such as Adagrad's, has its variable's name for a folder.
    parents = name.split("/")[:-1]
    return bool(_FAMILIES.match(name)) and not any(
        "/".join(parents[:end]) in file.shapes
        for end in range(len(parents) + 1)
    )


def _hints(
    used: dict[str | None, Weight], file: WeightsFile, extra: list[str]
) -> Iterator[str]:
    for name, weight in used.items():
        if name is None or not name.endswith("char_embed"):
            continue
        if file.shapes[name][:1] == (weight.shape[0] + 1,):
            yield (
                f"A character table has {weight.shape[0]} rows, one for each "
                "id of training; row 0, for padding, is put in front on "
                "loading (this is why `n_characters` is 262 for inference). "
                "This one has it already: remove its row 0."
            )
    if any(name.removeprefix("lm/").startswith("rnn/") for name in extra):
        yield (
            "Names that begin with `rnn/` are those of a model of one "
            "direction (bilm-tf without `bidirectional`), which cannot be "
            "loaded: there is no backward half."
        )


def fill(
    weights: Sequence[Weight], file: WeightsFile, model: keras.Model
) -> None:
    """Copy array by array, so that no second copy of all is in memory."""
    bad = []
    for weight in weights:
        name = file.name_of(weight) or file.official_name(weight)
        with whole(file.said):
            array = file.read(name)
        problem = problem_of(array)
        if problem:
            bad.append(f"  {name}: {problem}")
        elif not bad:
            assign(weight, array.astype("float32", copy=False), model)
    if bad:
        raise ValueError(
            f"Weights must be finite numbers. Received: {file.said}\n"
            + "\n".join(bad)
            + "\nThe training diverged or the file is damaged: take an "
            "earlier checkpoint."
        )
