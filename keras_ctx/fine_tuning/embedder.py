"""The embedder of a run: loaded, compiled, and checked before it is trained."""

from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert, models, text, training
from keras_ctx.fine_tuning.options.embedding import EmbeddingOptions
from keras_ctx.fine_tuning.options.rates import rate_arguments

# These do not change the figures of a run, so they may change later.
_FREE = ("seeds",)


def load_embedder(
    options: EmbeddingOptions,
) -> tuple[keras.Model, text.TextInputs]:
    """Loads the embedder of `options.init` and its text inputs.

    Args:
        options: Uses `init`, `max_length`, `pooling`, `normalize`, `dtype`.

    Raises:
        FileNotFoundError, ValueError: See `convert.load_embedder`; or the
            embedder has LoRA.

    Example:
        >>> from pathlib import Path
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder.save("encoder.keras")
        >>> text.save_inputs(text.ElmoInputs(5), "text_inputs.json")
        >>> options = EmbeddingOptions(
        ...     init=Path("."), train=Path("a.tsv"), test=Path("a.tsv"),
        ...     output=Path("runs/one"), pooling=("max",))
        >>> model, _ = load_embedder(options)
        .: a vector is the max, of length 1 (as given).
    """
    model, text_inputs = convert.load_embedder(
        options.init,
        options.max_length,
        pooling=options.pooling,
        normalize=options.normalize,
    )
    if any("lora" in weight.path for weight in model.weights):
        raise ValueError(
            "`init` must hold an embedder without LoRA: take the folder "
            "sentence_transformers of the run, where the updates are merged. "
            f"Received: init={str(options.init)!r}"
        )
    if options.dtype != "float32":
        model = models.with_dtype(model, options.dtype)
    return model, text_inputs


def compile_embedder(
    options: EmbeddingOptions, embedder: keras.Model, steps_per_epoch: int
) -> keras.Model:
    """Returns a compiled model of the texts of a row under one embedder.

    Args:
        options: Options of the recipe.
        embedder: The embedder to train; modified in place by LoRA.
        steps_per_epoch: Batches per epoch.

    Returns:
        The model to call `fit` on. It trains on the devices of the strategy in
        whose scope this function is called.

    Raises:
        ValueError: A number is out of range, or the encoder has no blocks for
            LoRA.

    Example:
        >>> from pathlib import Path
        >>> options = EmbeddingOptions(
        ...     train=Path("a.tsv"), test=Path("a.tsv"), output=Path("one"))
        >>> embedder = models.embedder(models.bert_tiny(100))
        >>> compile_embedder(options, embedder, 10).loss.keys()
        dict_keys(['embeddings'])
    """
    if options.lora_rank is not None:
        models.enable_lora(embedder, options.lora_rank)
    rates = rate_arguments(options, embedder, options.epochs, steps_per_epoch)
    model = training.distributed(
        models.siamese_embedder(embedder, options.num_texts)
    )
    optimizer = training.bert_optimizer(
        options.learning_rate, options.epochs * steps_per_epoch, **rates
    )
    model.compile(optimizer, options.losses(), jit_compile=False)
    return model


def begin_embedder(
    options: EmbeddingOptions, strategy: Any, steps_per_epoch: int
) -> None:
    """Tries to create the model, then records what the run depends on.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.
        steps_per_epoch: Batches per epoch.

    Raises:
        ValueError: A device gets a single row, the model cannot be created, or
            see `training.begin_run`.

    Example:
        >>> from pathlib import Path
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder.save("encoder.keras")
        >>> text.save_inputs(text.ElmoInputs(5), "text_inputs.json")
        >>> _ = Path("a.tsv").write_text("a\\tb\\nc\\td\\n")
        >>> options = EmbeddingOptions(
        ...     init=Path("."), train=Path("a.tsv"), test=Path("a.tsv"),
        ...     output=Path("runs/begun"), batch_size=2)
        >>> begin_embedder(options, training.strategy(), 1)
        .: a vector is the mean, of length 1 (our default: the folder has ...
        >>> Path("runs/begun/settings.json").exists()
        True
    """
    devices = strategy.num_replicas_in_sync
    if options.in_batch and options.batch_size // devices < 2:
        raise ValueError(
            f"`batch_size` must be at least {2 * devices} on {devices} "
            "devices: each compares only its own rows with each other. "
            f"Received: batch_size={options.batch_size}"
        )
    with strategy.scope():
        embedder, text_inputs = load_embedder(options)
        digests = training.input_digests(
            options.files, models.encoder_of(embedder), text_inputs
        )
        compile_embedder(options, embedder, steps_per_epoch)
    training.begin_recipe(options, digests, *_FREE, strategy=strategy)


def save_sentence_transformers(
    model: keras.Model, folder: str | Path, text_inputs: text.TextInputs
) -> list[Path]:
    """Saves an embedder for sentence-transformers, if that library can read it.

    Otherwise prints why it cannot.

    Args:
        model: The embedder.
        folder: The folder to write.
        text_inputs: Its text inputs.

    Returns:
        The folder in a list, or an empty list.

    Example:
        >>> inputs = text.ElmoInputs(5)
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> save_sentence_transformers(models.embedder(encoder), "a", inputs)
        No folder for sentence-transformers: `text_inputs` must be ...
        []
    """
    try:
        convert.save_embedder(model, folder, text_inputs)
    except ValueError as error:
        print(f"No folder for sentence-transformers: {error}")
        return []
    return [Path(folder)]
