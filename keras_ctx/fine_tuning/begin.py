"""The beginning of a run: what cannot be trained is refused."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert, text, training
from keras_ctx.fine_tuning.encoder import in_dtype
from keras_ctx.fine_tuning.options.shared import FineTuningOptions

# They change no figure of a run: others may join it later.
_FREE = ("seeds", "compare", "predict")


def begin(
    options: FineTuningOptions,
    strategy: Any,
    files: Mapping[str, str | Path | None],
    text_inputs: text.TextInputs,
    make_model: Callable[[keras.Model], keras.Model],
    pairs: bool = False,
) -> None:
    """Try to make the model, then write down what the run depends on.

    What cannot be trained is found here, before anything is written. A folder
    of a run with other settings, data or weights is refused, too.

    Args:
        options: Of the recipe.
        strategy: Of `training.strategy`.
        files: What is read, by name; `None` is no file.
        text_inputs: Of the encoder.
        make_model: Makes the compiled model on an encoder, as it is made for
            each seed later.
        pairs: Whether a row holds two texts.

    Raises:
        ValueError: The text inputs are not of the encoder, the model cannot
            be made, or as of `training.begin_run`.

    Example:
        >>> from keras_ctx import models
        >>> models.elmo_encoder([(1, 8)], 16, 4, max_characters=5).save(
        ...     "encoder.keras")
        >>> inputs = text.ElmoInputs(max_characters=5)
        >>> options = FineTuningOptions(
        ...     init=Path("."), output=Path("runs/begun"))
        >>> begin(options, training.strategy(), {}, inputs,
        ...       lambda encoder: models.classifier(encoder, 2))
        >>> Path("runs/begun/settings.json").exists()
        True
    """
    with strategy.scope():
        encoder = convert.load_encoder(options.init)
        convert.check_text_inputs(text_inputs, encoder, options.init, pairs)
        digests = training.input_digests(files, encoder, text_inputs)
        make_model(in_dtype(encoder, options.dtype))
    training.begin_recipe(options, digests, *_FREE, strategy=strategy)
