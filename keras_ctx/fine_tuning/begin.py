"""The start of a run: refuses what cannot be trained."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert, text, training
from keras_ctx.fine_tuning.encoder import prepared, under_the_head
from keras_ctx.fine_tuning.options.shared import FineTuningOptions
from keras_ctx.models.family import CONTEXT_ENCODER

# These do not change the figures of a run, so they may change later.
_FREE = ("seeds", "compare", "predict")


def begin(
    options: FineTuningOptions,
    strategy: Any,
    files: Mapping[str, str | Path | None],
    text_inputs: text.TextInputs,
    make_model: Callable[[keras.Model], keras.Model],
    pairs: bool = False,
) -> None:
    """Tries to create the model, then records what the run depends on.

    Refuses what cannot be trained before anything is written. Also refuses a
    folder that has a run with other settings, data or weights.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.
        files: The files to read, by name; `None` means no file.
        text_inputs: The text inputs of the encoder.
        make_model: Creates the compiled model from an encoder, as later for
            each seed.
        pairs: Whether an example is a text pair.

    Raises:
        ValueError: The text inputs do not fit the encoder, the model cannot be
            created, or see `training.begin_run`.

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
        digests = training.input_digests(files, encoder, text_inputs)
        encoder = under_the_head(options, encoder)
        convert.check_text_inputs(text_inputs, encoder, options.init, pairs)
        for context in encoder.layers:
            if context.name == CONTEXT_ENCODER:
                digests["context"] = training.encoder_digest(context)
        make_model(prepared(encoder, options))
    training.begin_recipe(options, digests, *_FREE, strategy=strategy)
