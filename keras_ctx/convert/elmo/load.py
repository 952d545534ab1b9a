"""Loads ELMo from the HDF5 files and checkpoints of allenai/bilm-tf."""

from pathlib import Path

import keras

from keras_ctx import models, text
from keras_ctx.convert.elmo.arrays import encoder_weights, softmax_weights
from keras_ctx.convert.elmo.files import open_weights
from keras_ctx.convert.elmo.match import match
from keras_ctx.convert.elmo.options import ElmoOptions, read_options
from keras_ctx.convert.files.weight_table import fill
from keras_ctx.convert.files.weights_file import WeightsFile


def load_elmo(
    options_file: str | Path,
    weights_file: str | Path,
    stateful: bool = False,
    max_batch_size: int = 128,
    dropout: float | None = None,
    begin_id: int = 1,
    end_id: int = 2,
    name: str = "elmo_encoder",
) -> keras.Model:
    """Loads an ELMo encoder from published files or your own bilm-tf files.

    The options describe the model. With a block `char_cnn` it reads
    characters and is a model of `models.elmo_encoder`. Without one it reads
    words and is a model of `models.elmo_word_encoder`; its ids are the lines
    of the vocabulary file counted from 1, since 0 is padding.

    `n_characters` may be 261 (the ids of training) or 262 (those of
    inference, shifted by one so that 0 is padding). Files hold 261 rows in
    both cases, and loading adds row 0.

    Args:
        options_file: `options.json`, of a release or of bilm-tf's training.
        weights_file: The HDF5 file; or a checkpoint of bilm-tf's training, by
            its prefix ("model.ckpt-935588") or its folder. Only weights of
            the encoder are read from it, array by array.
        stateful: Whether a batch starts from the last states of the previous
            batch, as in bilm-tf and allennlp.
        max_batch_size: Rows of the kept states, if `stateful`.
        dropout: Dropout rate of the inputs of LSTM layers; `None` for that of
            the options, or 0 if they have none.
        begin_id: Id of `<S>`, for a model that reads words.
        end_id: Id of `</S>`, for a model that reads words.
        name: Name of the model.

    Returns:
        A `keras.Model`, trainable.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the options are not JSON, lack a key, have a value of
            the wrong type or are of a unidirectional model; or if the weights
            are truncated, lack an array, have an extra array or one of
            another shape than the options require, or hold NaN or infinity.
            The message lists all such arrays.

    Example:
        >>> from keras_ctx import convert
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> convert.save_elmo(encoder, "options.json", "weights.hdf5")
        >>> encoder = load_elmo("options.json", "weights.hdf5")
        >>> encoder.input["char_ids"].shape
        (None, None, 5)

    Source:
        The files of Peters et al. 2018 as allenai/bilm-tf writes and reads
        them, https://github.com/allenai/bilm-tf.

    Differs:
        bilm-tf does not find the LSTMs of its own dump with `n_layers` 1,
        whose names lack `MultiRNNCell`; here both names are read. allennlp
        ignores `max_characters_per_token`, and refuses a model without
        residual or without a projection. Both freeze the weights; here set
        `encoder.trainable = False` for that.
    """
    options = read_options(options_file)
    with open_weights(weights_file) as file:
        num_words = _num_words(options, file)
        weights = encoder_weights(options, num_words, file.is_checkpoint)
        match(weights, file)
        encoder = _build(
            options,
            num_words,
            name=name,
            stateful=stateful,
            max_batch_size=max_batch_size,
            dropout=options.dropout if dropout is None else dropout,
            begin_id=begin_id,
            end_id=end_id,
        )
        fill(weights, file, encoder)
    return encoder


def load_elmo_language_model(
    options_file: str | Path,
    checkpoint: str | Path,
    num_negatives: int | None = None,
    stateful: bool = False,
    max_batch_size: int = 128,
    dropout: float | None = None,
    begin_id: int = 1,
    end_id: int = 2,
) -> keras.Model:
    """Loads a language model with its softmax from a checkpoint of bilm-tf.

    Use it to score texts or to resume training. Targets are lines of the
    vocabulary file counted from 0, even if the inputs are words.

    Args:
        options_file: `options.json` of the training.
        checkpoint: Prefix or folder of the checkpoint.
        num_negatives: Number of negative samples in training; `None` for the
            full softmax.
        stateful: As in `load_elmo`.
        max_batch_size: As in `load_elmo`.
        dropout: Dropout rate of the inputs of LSTM layers and of the top
            output; `None` for that of the options, or 0.
        begin_id: As in `load_elmo`.
        end_id: As in `load_elmo`.

    Returns:
        A model of `models.elmo_language_model`. It shares the layers of its
        encoder.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As in `load_elmo`, or if `checkpoint` is an HDF5 file,
            which holds no softmax.

    Example:
        >>> import json, pathlib
        >>> import numpy as np, tensorflow as tf
        >>> options = {
        ...     "lstm": {"dim": 4, "projection_dim": 4, "n_layers": 2},
        ...     "share_embedding_softmax": True,
        ... }
        >>> _ = pathlib.Path("options.json").write_text(json.dumps(options))
        >>> shapes = {"embedding": (8, 4), "softmax/b": (8,)}
        >>> for k in range(4):
        ...     cell = f"RNN_{k // 2}/rnn/multi_rnn_cell/cell_{k % 2}/lstm_cell"
        ...     shapes[f"{cell}/kernel"] = (8, 16)
        ...     shapes[f"{cell}/bias"] = (16,)
        >>> tf.raw_ops.SaveV2(
        ...     prefix="model.ckpt-1250",
        ...     tensor_names=[f"lm/{name}" for name in shapes],
        ...     shape_and_slices=[""] * len(shapes),
        ...     tensors=[np.zeros(s, "float32") for s in shapes.values()],
        ... )
        >>> model = load_elmo_language_model("options.json", "model.ckpt-1250")
        >>> sentence = {
        ...     "word_ids": np.array([[4, 7]]),
        ...     "forward_targets": np.array([[3, 6, 1]]),
        ...     "backward_targets": np.array([[0, 3, 6]]),
        ... }
        >>> model(sentence)["forward"].numpy().round(4)  # log 8
        array([[2.0794, 2.0794, 2.0794]], dtype=float32)

    Source:
        allenai/bilm-tf, its training.

    Differs:
        A softmax that shares its matrix with the word embeddings
        (`share_embedding_softmax`) becomes a separately trained copy. The
        state of the optimizer is not read.
    """
    options = read_options(options_file)
    with open_weights(checkpoint, "checkpoint") as file:
        if not file.is_checkpoint:
            raise ValueError(
                "`checkpoint` must be a checkpoint of bilm-tf's training; an "
                "HDF5 file holds no softmax. "
                f"Received: checkpoint={str(checkpoint)!r}. Create a new "
                "softmax with `load_elmo` and `models.elmo_language_model`."
            )
        num_words = _num_words(options, file)
        encoder_part = encoder_weights(options, num_words, checkpoint=True)
        softmax_part = softmax_weights(options, num_words)
        match([*encoder_part, *softmax_part], file)
        rate = options.dropout if dropout is None else dropout
        encoder = _build(
            options,
            num_words,
            stateful=stateful,
            max_batch_size=max_batch_size,
            dropout=rate,
            begin_id=begin_id,
            end_id=end_id,
        )
        fill(encoder_part, file, encoder)
        model = models.elmo_language_model(
            encoder, num_words, num_negatives, dropout=rate
        )
        fill(softmax_part, file, model)
    return model


def _num_words(options: ElmoOptions, file: WeightsFile) -> int:
    """Returns the vocabulary size of the options, or else of the file."""
    if options.num_words is not None:
        return options.num_words
    for name in ("embedding", "lm/embedding", "lm/softmax/W"):
        if file.shapes.get(name):
            return file.shapes[name][0]
    return 0  # `match` will report the missing arrays.


def _build(
    options: ElmoOptions,
    num_words: int,
    begin_id: int,
    end_id: int,
    **arguments,
) -> keras.Model:
    if options.characters is None:
        return models.elmo_word_encoder(
            num_words,
            **options.lstm,
            begin_id=begin_id,
            end_id=end_id,
            **arguments,
        )
    return models.elmo_encoder(
        **options.lstm, **options.characters, **arguments
    )


def elmo_text_inputs(
    options_file: str | Path,
    vocabulary: str | Path | None = None,
    split: str = "whitespace",
    max_length: int | None = None,
) -> text.TextInputs:
    """Creates the text inputs for a model of `load_elmo`.

    Args:
        options_file: As for `load_elmo`.
        vocabulary: Path of a file with the words of the model, one per line,
            if it reads words.
        split: How to split a text into words: `"whitespace"` or `"character"`.
        max_length: Maximum number of words in a row; `None` for no limit.

    Returns:
        A `text.ElmoInputs` or a `text.WordInputs`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As for `load_elmo`, or if a model that reads words has no
            `vocabulary`.

    Example:
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> from keras_ctx.convert import save_elmo
        >>> save_elmo(encoder, "options.json", "weights.hdf5")
        >>> elmo_text_inputs("options.json").max_characters
        5
    """
    options = read_options(options_file)
    if options.characters is not None:
        width = options.characters["max_characters"]
        return text.ElmoInputs(width, split, max_length)
    if vocabulary is None:
        raise ValueError(
            f"`vocabulary` must be given: the model of {options_file} reads "
            "words by their ids. Received: vocabulary=None"
        )
    return text.WordInputs(vocabulary, split, max_length)
