"""The language model and the text inputs of ULMFiT's pretraining."""

from pathlib import Path

import keras

from keras_ctx import convert, data, models, text
from keras_ctx.files.model_file import load_model
from keras_ctx.pretraining.options.ulmfit import ULMFiTPretrainingOptions
from keras_ctx.pretraining.tokens_file import tokens_file

# The rates of fastai for a language model.
_RATES = {
    "input_dropout": 0.25,
    "hidden_dropout": 0.15,
    "weight_dropout": 0.2,
    "word_dropout": 0.02,
    "output_dropout": 0.1,
}


def ulmfit_text_inputs(
    options: ULMFiTPretrainingOptions,
) -> text.ULMFiTInputs:
    """Learns the text inputs from the corpus.

    Args:
        options: Uses `corpus`, `vocabulary_size`, `min_count`, `split` and
            `direction`.

    Example:
        >>> _ = Path("news.txt").write_text("the cat\\nthe mat\\n")
        >>> options = ULMFiTPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     split="words", min_count=2)
        >>> ulmfit_text_inputs(options).vocabulary[9:]
        ('the',)
    """
    vocabulary = text.ulmfit_vocabulary(
        data.text_documents(options.corpus_path),
        options.vocabulary_size,
        options.min_count,
        options.split,
    )
    return text.ULMFiTInputs(
        vocabulary, options.split, backward=options.backward
    )


def ulmfit_tokens(
    options: ULMFiTPretrainingOptions, text_inputs: text.ULMFiTInputs
) -> Path:
    """Writes the tokens of the corpus, with `xxbos` between documents.

    Args:
        options: Uses `corpus`, `output`, `batch_size` and `bptt`.
        text_inputs: See `ulmfit_text_inputs`. Tokens are in the order of the
            text in any direction; `data.token_stream` reads them backward.

    Returns:
        The file, for `data.token_stream`.

    Example:
        >>> _ = Path("news.txt").write_text("the cat\\n\\nthe mat\\n")
        >>> options = ULMFiTPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     split="words", min_count=1, bptt=5, batch_size=1)
        >>> Path("runs/one").mkdir(parents=True)
        >>> ulmfit_tokens(options, ulmfit_text_inputs(options)).name
        Tokens of news.txt: 6
        'tokens.bin'
    """
    least = options.batch_size * (options.bptt + 1)
    return tokens_file(
        options,
        text_inputs.with_settings(backward=False),
        least,
        f"`batch_size * (bptt + 1)` = {least} tokens or more",
    )


def load_ulmfit_start(
    options: ULMFiTPretrainingOptions,
) -> tuple[keras.Model, text.ULMFiTInputs] | None:
    """Loads the language model of `init`, and its text inputs.

    Args:
        options: Uses `init`, `split` and `direction`.

    Returns:
        Both, or `None` without `init`.

    Raises:
        FileNotFoundError: `init` is not a run of pretrain_ulmfit.py.
        ValueError: Its files do not fit each other or the options.

    Example:
        >>> options = ULMFiTPretrainingOptions(
        ...     output=Path("runs/one"), init=Path("runs/none"))
        >>> load_ulmfit_start(options)
        Traceback (most recent call last):
        FileNotFoundError: `init` must be the folder of a run ...
    """
    if (folder := options.init) is None:
        return None
    for name in ("language_model.keras", "text_inputs.json"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                "`init` must be the folder of a run of this recipe, with "
                "language_model.keras and text_inputs.json. Received: "
                f"init={str(folder)!r} without {name}"
            )
    inputs = text.load_inputs(folder / "text_inputs.json")
    if not isinstance(inputs, text.ULMFiTInputs):
        raise ValueError(
            "`init` must hold a ULMFiT. Received: "
            f"{folder}, whose text inputs are {type(inputs).__name__}"
        )
    direction = "backward" if inputs.backward else "forward"
    for name, found in (("split", inputs.split), ("direction", direction)):
        if found != getattr(options, name):
            raise ValueError(
                f"`{name}` must be that of `init`, {found!r}. Received: "
                f"{name}={getattr(options, name)!r}"
            )
    model = load_model(folder / "language_model.keras")
    names = {layer.name for layer in model.layers}
    if not {"embeddings", "lstm_0", "output_dropout"} <= names:
        raise ValueError(
            f"{folder}: language_model.keras must be a model of "
            f"`awd_lstm_language_model`. Received: {model.name!r} with the "
            f"layers {sorted(names)}"
        )
    rows = model.get_layer("embeddings").vocabulary_size
    if rows != inputs.vocabulary_size:
        raise ValueError(
            f"{folder}: language_model.keras has {rows} tokens, and "
            f"text_inputs.json {inputs.vocabulary_size}. Take both from the "
            "same run."
        )
    return model, inputs


def continued_language_model(
    options: ULMFiTPretrainingOptions, vocabulary: tuple[str, ...]
) -> keras.Model | None:
    """Returns the language model of `init` with another vocabulary.

    Args:
        options: Uses `init`, and `drop_mult` for its dropout rates.
        vocabulary: The tokens of the new corpus.

    Returns:
        A model like that of `models.awd_lstm_language_model`, or `None`
        without `init`.

    Raises:
        FileNotFoundError, ValueError: See `load_ulmfit_start` and
            `convert.remap_vocabulary`.

    Example:
        >>> options = ULMFiTPretrainingOptions(output=Path("runs/one"))
        >>> continued_language_model(options, ("xxunk",)) is None
        True
    """
    start = load_ulmfit_start(options)
    if start is None:
        return None
    model, inputs = start
    model = convert.remap_vocabulary(model, inputs.vocabulary, vocabulary)
    return with_drop_mult(model, options.drop_mult)


def with_drop_mult(model: keras.Model, drop_mult: float) -> keras.Model:
    """Copies a language model, with fastai's dropout rates times a factor.

    Args:
        model: A model of `models.awd_lstm_language_model`.
        drop_mult: The factor.

    Example:
        >>> model = models.awd_lstm_language_model(
        ...     models.awd_lstm_encoder(9, 4, 6))
        >>> with_drop_mult(model, 2.0).get_layer("lstm_0").weight_dropout
        0.4
    """

    return models.awd_lstm_with_dropout(
        model, **{name: rate * drop_mult for name, rate in _RATES.items()}
    )
