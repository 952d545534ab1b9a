"""A folder with an encoder to a model of sentence vectors."""

import json
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


def load_embedder(
    folder: str | Path,
    max_length: int | None = None,
    prompt: str = "",
    distinct: bool = False,
) -> tuple[keras.Model, text.TextInputs]:
    """The sentence vectors of a folder: a model, and its text inputs.

    Pooling, dense layers, length and case are those of `modules.json` where
    sentence-transformers wrote the folder. Any other encoder gets the mean
    of its tokens, of length 1. An embedder that was saved as `model.keras` is
    taken as it is. What is done, and who says so, is printed.

    Args:
        folder: As for `load_encoder`.
        max_length: Most tokens of a row; `None` for what the folder says.
        prompt: A text that stands before every text. It is not put there by
            the text inputs; it is left out of the pooling where the folder
            says so (`include_prompt`).
        distinct: Whether an ELMo reads each word of a batch once, as
            `models.distinct_words`, where its text inputs do so.

    Returns:
        A model as of `models.embedder`, and a `text.TextInputs`.

    Raises:
        FileNotFoundError: There is no such folder, or no vocabulary in it.
        ValueError: As for `load_encoder`, `load_text_inputs` and
            `sentence_settings`; or sizes that do not fit.

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
    settings = sentence_settings(folder)
    model = saved_embedder(folder)
    encoder = load_encoder(folder) if model is None else None
    inputs = load_text_inputs(folder, max_length)
    inside = models.encoder_of(model) if encoder is None else encoder
    said = settings.max_length or tokenizer_length(folder)
    inputs = _as_said(inputs, inside, settings, max_length, said)
    if encoder is not None:
        if inputs.distinct and distinct:
            encoder = models.distinct_words(encoder)
        elif inputs.distinct:
            inputs = inputs.with_settings(distinct=False)
        skipped = 0
        if prompt and not settings.include_prompt:
            # [CLS] and the prompt, without the [SEP] behind it.
            skipped = int(inputs.num_tokens([prompt])[0]) - 1
        model = make_embedder(encoder, settings, skipped, folder)
    check_text_inputs(inputs, encoder or inside, folder)
    source = settings.source if encoder else f"as {TASK_MODEL} holds it"
    print(f"{folder}: a vector is the {embedder_words(model)} ({source}).")
    return model, inputs


def embedder_words(model: keras.Model) -> str:
    """What an embedder does with the tokens of a text, in words."""
    parts = []
    for layer in model.layers:
        if isinstance(layer, layers.MaskedMean):
            parts.append("mean")
        elif isinstance(layer, layers.Pooling):
            parts.append(" beside ".join(layer.modes))
            if layer.num_skipped:
                parts.append(f"without {layer.num_skipped} tokens in front")
        elif isinstance(layer, keras.layers.Dense):
            name = keras.activations.serialize(layer.activation)
            parts.append(f"dense to {layer.units} ({name})")
        elif isinstance(layer, keras.layers.UnitNormalization):
            parts.append("of length 1")
    return ", ".join(parts)


def saved_embedder(folder: Path) -> keras.Model | None:
    """The embedder that is the model.keras of a folder, if it is one."""
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
    """The head of the settings on an encoder, with its weights."""
    features = encoder.output["sequence"].shape[-1]
    wanted = settings.features
    if wanted not in (None, features):
        raise ValueError(
            f"{folder}: the Pooling reads {wanted} features of a token, the "
            f"encoder gives {features}. They are of different checkpoints; "
            "get the folder again."
        )
    given = features * len(settings.pooling)
    for module in settings.dense:
        if module.inputs != given:
            raise ValueError(
                f"{module.folder / 'config.json'}: `in_features` must be "
                f"{given}, what the module before it gives. "
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


def _as_said(
    inputs: text.TextInputs,
    encoder: keras.Model,
    settings: SentenceSettings,
    max_length: int | None,
    said: int | None,
) -> text.TextInputs:
    """Text inputs with the length that is said, and the settings' case."""
    positions = models.family_of(encoder).sizes(encoder).get("positions")
    if positions is not None:
        length = max_length or min(said or positions, positions)
        inputs = inputs.uncut().with_settings(max_length=length)
    return inputs.lower_cased() if settings.lower_case else inputs


def prompt_of(settings: SentenceSettings, prompt: str | None) -> str:
    """The text of a prompt: of a name of the folder's, or as it is.

    Args:
        settings: Of the folder.
        prompt: A name among its prompts; or a text, such as "query: "; or
            `None`, for the folder's default.

    Raises:
        ValueError: A single word that is no name of a prompt.

    Example:
        >>> settings = SentenceSettings(prompts=(("query", "query: "),))
        >>> prompt_of(settings, "query")
        'query: '
        >>> prompt_of(settings, "passage: ")
        'passage: '
    """
    if prompt is None:
        return settings.default_prompt
    known = dict(settings.prompts)
    if prompt in known:
        return known[prompt]
    if prompt and prompt.isascii() and prompt.replace("-", "_").isidentifier():
        raise ValueError(
            "`prompt` must be a name among the folder's prompts, "
            f"{sorted(known)}, or a text that ends in a blank or a colon, such "
            f"as 'query: '. Received: prompt={prompt!r}"
        )
    return prompt


def prompt_notes(settings: SentenceSettings) -> list[str]:
    """What a client of an embedder must know of its prompts.

    The text inputs put none before a text, neither here nor when served.

    Args:
        settings: Of the folder.

    Returns:
        Sentences in Markdown; none where the folder has no prompts.

    Example:
        >>> settings = SentenceSettings(prompts=(("query", "query: "),))
        >>> print(*prompt_notes(settings))
        A prompt is not put before a text here. The checkpoint has ...
    """
    known = dict(settings.prompts)
    listed = ", ".join(
        f"`{json.dumps(prompt, ensure_ascii=False)}` ({name})"
        for name, prompt in known.items()
        if prompt
    )
    if settings.default_prompt:
        prompt = json.dumps(settings.default_prompt, ensure_ascii=False)
        more = f" Its prompts: {listed}." if len(known) > 1 else ""
        return [
            "A prompt is not put before a text here. The checkpoint was made "
            f"for texts that begin with `{prompt}`, unless another prompt is "
            f"meant: send it before each text.{more}"
        ]
    if listed:
        return [
            "A prompt is not put before a text here. The checkpoint has "
            f"{listed}: send the one that fits before each text."
        ]
    return []
