"""Loads an embedding model and its text inputs from a folder."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras

from keras_ctx import layers, models, text
from keras_ctx.convert.from_folder import (
    ENCODER,
    PRETRAINER,
    TASK_MODEL,
    load_encoder,
    load_text_inputs,
)
from keras_ctx.convert.sentences.settings import (
    SentenceSettings,
    sentence_settings,
)
from keras_ctx.convert.tokenizers.text_inputs_fit import check_text_inputs
from keras_ctx.convert.tokenizers.wordpiece_settings import tokenizer_length
from keras_ctx.files.model_file import load_model
from keras_ctx.layers.outputs.pooling import check_modes


def load_embedder(
    folder: str | Path,
    max_length: int | None = None,
    prompt: str = "",
    distinct: bool = False,
    pooling: Sequence[str] | None = None,
    normalize: bool | None = None,
) -> tuple[keras.Model, text.TextInputs]:
    """Loads an embedding model and its text inputs from a folder.

    A folder of sentence-transformers sets pooling, dense layers, length and
    case in `modules.json`. With any other encoder, the embedding is the mean
    of the tokens, normalized to length 1. An embedder that was saved as
    `model.keras` is loaded unchanged. The settings and their source are
    printed.

    Args:
        folder: As for `load_encoder`.
        max_length: Maximum number of tokens in a row; `None` for the value
            of the folder.
        prompt: The text that you put before every text; the text inputs do
            not add it. Pooling skips it if the folder says so
            (`include_prompt`).
        distinct: Whether an ELMo reads each word of a batch once, like
            `models.distinct_words`, if its text inputs do so.
        pooling: As for `models.embedder`; `None` for that of the folder.
        normalize: Whether the vector has length 1; `None` for what the folder
            says.

    Returns:
        A model like that of `models.embedder`, and a `text.TextInputs`.

    Raises:
        FileNotFoundError: If there is no such folder, or no vocabulary in it.
        ValueError: As for `load_encoder`, `load_text_inputs` and
            `sentence_settings`, or if sizes do not fit; or if `pooling` or
            `normalize` is given for an embedder that was saved whole.

    Example:
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder.save("encoder.keras")
        >>> text.save_inputs(text.ElmoInputs(5), "text_inputs.json")
        >>> model, inputs = load_embedder(".")
        .: a vector is the mean, of length 1 (our default: the folder has ...
        >>> model(inputs(["a short text"]))["embedding"].shape
        TensorShape([1, 8])
    """
    folder = Path(folder)
    settings = _with_given(sentence_settings(folder), pooling, normalize)
    model = saved_embedder(folder)
    if model is not None and (pooling, normalize) != (None, None):
        raise ValueError(
            "`pooling` and `normalize` must be None for a folder whose "
            f"{TASK_MODEL} is an embedder, which has its own. Received: "
            f"pooling={pooling}, normalize={normalize}, {folder}"
        )
    encoder = None
    if model is None:
        with warnings.catch_warnings():
            # An embedder does not read it.
            warnings.filterwarnings("ignore", ".* has no pooler", UserWarning)
            encoder = load_encoder(folder)
    inputs = load_text_inputs(folder, max_length)
    inside = models.encoder_of(model) if encoder is None else encoder
    if encoder is not None:  # A saved embedder was saved with its length.
        said = settings.max_length or tokenizer_length(folder)
        inputs = _as_said(inputs, inside, settings, max_length, said)
        if inputs.distinct and distinct:
            encoder = models.distinct_words(encoder)
        elif inputs.distinct:
            inputs = inputs.with_settings(distinct=False)
        skipped = 0
        if prompt and not settings.include_prompt:
            # [CLS] and the prompt, without the [SEP] after it.
            skipped = int(inputs.num_tokens([prompt])[0]) - 1
        model = make_embedder(encoder, settings, skipped, folder)
    check_text_inputs(inputs, encoder or inside, folder)
    source = settings.source if encoder else f"as {TASK_MODEL} holds it"
    print(f"{folder}: a vector is the {embedder_words(model)} ({source}).")
    return model, inputs


def embedder_words(model: keras.Model) -> str:
    """Describes in words what an embedder does with the tokens of a text."""
    parts = []
    for layer in model.layers:
        if isinstance(layer, layers.MaskedMean):
            parts.append("mean")
        elif isinstance(layer, layers.Pooling):
            parts.append(" and ".join(layer.modes))
            if layer.num_skipped:
                parts.append(f"without the first {layer.num_skipped} tokens")
        elif isinstance(layer, keras.layers.Dense):
            name = keras.activations.serialize(layer.activation)
            parts.append(f"dense to {layer.units} ({name})")
        elif isinstance(layer, keras.layers.UnitNormalization):
            parts.append("of length 1")
    return ", ".join(parts)


def saved_embedder(folder: Path) -> keras.Model | None:
    """Loads the model.keras of a folder if it is an embedder."""
    if any((folder / name).is_file() for name in (ENCODER, PRETRAINER)):
        return None
    path = folder / TASK_MODEL
    if not path.is_file():
        return None
    model = load_model(path, compile=False)
    outputs = getattr(model, "output", None)
    if isinstance(outputs, dict) and set(outputs) == {"embedding"}:
        return model
    return None


def make_embedder(
    encoder: keras.Model,
    settings: SentenceSettings,
    num_skipped: int,
    folder: Path,
) -> keras.Model:
    """Builds an embedder on an encoder by the settings, with its weights."""
    features = encoder.output["sequence"].shape[-1]
    wanted = settings.features
    if wanted not in (None, features):
        raise ValueError(
            f"{folder}: the Pooling reads {wanted} features per token, but the "
            f"encoder gives {features}, so they belong to different "
            "checkpoints. Get the folder again."
        )
    given = features * len(settings.pooling)
    for module in settings.dense:
        if module.inputs != given:
            raise ValueError(
                f"{module.folder / 'config.json'}: `in_features` must be "
                f"{given}, the output size of the module before it. "
                f"Received: {module.inputs}"
            )
        given = module.units
    model = models.embedder(
        encoder,
        pooling=settings.pooling,
        dense=[(x.units, x.activation, x.use_bias) for x in settings.dense],
        normalize=settings.normalize,
        num_skipped=num_skipped,
    )
    for place, module in enumerate(settings.dense):
        module.load(model, f"dense_{place}")
    return model


def _with_given(
    settings: SentenceSettings,
    pooling: Sequence[str] | None,
    normalize: bool | None,
) -> SentenceSettings:
    """Replaces settings of the folder by those that are not `None`."""
    if pooling is not None:
        modes = check_modes(pooling=pooling)
        settings = replace(settings, pooling=modes, source="as given")
    if normalize is not None:
        settings = replace(settings, normalize=normalize, source="as given")
    return settings


def _as_said(
    inputs: text.TextInputs,
    encoder: keras.Model,
    settings: SentenceSettings,
    max_length: int | None,
    said: int | None,
) -> text.TextInputs:
    """Applies the length and the case of the settings to text inputs."""
    positions = models.family_of(encoder).sizes(encoder).get("positions")
    if positions is not None:
        length = max_length or min(said or positions, positions)
        inputs = inputs.uncut().with_settings(max_length=length)
    return inputs.lower_cased() if settings.lower_case else inputs
