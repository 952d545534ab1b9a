"""The ELMo that a pretraining continues from."""

from pathlib import Path

import keras

from keras_ctx import convert, models, text
from keras_ctx.files.model_file import load_model
from keras_ctx.pretraining.options.elmo import ElmoPretrainingOptions


def load_elmo_start(
    options: ElmoPretrainingOptions, dropout: float = 0.0
) -> keras.Model | None:
    """Loads the language model of `init`, or an encoder of official weights.

    Args:
        options: Uses `init`, `init_options` and `init_weights`.
        dropout: Dropout rate of the encoder of official weights.

    Returns:
        A `models.elmo_language_model`, a `models.elmo_encoder`, or `None` if
        training starts from new weights.

    Raises:
        FileNotFoundError: `init` is not a run of pretrain_elmo.py.
        ValueError: Its files do not fit each other, or the official model does
            not read characters.

    Example:
        >>> options = ElmoPretrainingOptions(
        ...     output=Path("runs/one"), init=Path("runs/none"))
        >>> load_elmo_start(options)
        Traceback (most recent call last):
        FileNotFoundError: `init` must be the folder of a run ...
    """
    if options.init is not None:
        return _language_model(options.init)
    if options.init_options is None or options.init_weights is None:
        return None
    encoder = convert.load_elmo(
        options.init_options, options.init_weights, dropout=dropout
    )
    if models.family_of(encoder).token_layer is None:
        raise ValueError(
            "`init_options` must describe a model that reads characters. "
            f"Received: one of words, {options.init_options}"
        )
    return encoder


def _language_model(folder: Path) -> keras.Model:
    for name in ("language_model.keras", "words.txt"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                "`init` must be the folder of a run of this recipe, with "
                "language_model.keras and words.txt; official weights are "
                "given by `init_options` and `init_weights`. Received: "
                f"init={str(folder)!r} without {name}"
            )
    model = load_model(folder / "language_model.keras")
    num_words = len(text.load_vocabulary(folder / "words.txt"))
    outputs = model.get_layer("softmax").vocabulary_size
    if num_words != outputs:
        raise ValueError(
            f"{folder}: language_model.keras predicts {outputs} words, and "
            f"words.txt has {num_words}. Take both from the same run."
        )
    return model
