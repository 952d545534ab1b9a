"""The word vectors, the text inputs and the encoder of an MT-LSTM's run."""

import keras

from keras_ctx import convert, data, models, text
from keras_ctx.pretraining.options.cove import CovePretrainingOptions


def cove_vectors(
    options: CovePretrainingOptions,
) -> convert.WordVectors | None:
    """Loads the vectors of `options.vectors`, of a file or of a run.

    Args:
        options: Options of the recipe.

    Returns:
        The vectors, the first `num_words` of them; `None` without `vectors`.

    Raises:
        FileNotFoundError, ValueError: See `convert.load_word_vectors`.

    Example:
        >>> from pathlib import Path
        >>> options = CovePretrainingOptions(
        ...     output=Path("runs/one"), train=(Path("a.en"), Path("a.de")))
        >>> cove_vectors(options)
    """
    if options.vectors is None:
        return None
    return convert.load_word_vectors(
        options.vectors, most_frequent=options.num_words
    )


def cove_start(
    options: CovePretrainingOptions,
    vectors: convert.WordVectors | None,
    texts: data.ParallelTexts,
) -> tuple[keras.Model, text.TextInputs, text.SentencePieceInputs]:
    """Returns the encoder to train, and the text inputs of both sides.

    Args:
        options: Options of the recipe.
        vectors: From `cove_vectors`.
        texts: The texts to train on, for SentencePiece: the target alone with
            `vectors`, else both sides.

    Raises:
        ValueError: See `text.sentence_piece_model`.

    Example:
        >>> from pathlib import Path
        >>> options = CovePretrainingOptions(
        ...     output=Path("runs/one"), train=(Path("a.en"), Path("a.de")),
        ...     vocabulary_size=12, hidden_dim=3)
        >>> pairs = data.ParallelTexts(["a cat"] * 9, ["cat a"] * 9, 0)
        >>> encoder, source, target = cove_start(options, None, pairs)
        >>> source is target
        True
    """
    read = [] if vectors is not None else texts.sources
    target = text.SentencePieceInputs(
        text.sentence_piece_model(
            [*read, *texts.targets],
            options.vocabulary_size,
            normalization=options.normalization,
        ),
        options.max_length,
    )
    sizes = (options.hidden_dim, options.num_layers, options.dropout)
    if vectors is None:
        embedding_dim = options.embedding_dim or options.hidden_dim
        encoder = models.mt_lstm_encoder(
            *(target.vocabulary_size, embedding_dim, *sizes), subwords=True
        )
        return encoder, target, target
    encoder, source = convert.mt_lstm_encoder_from(
        vectors, *sizes, max_length=options.max_length
    )
    return encoder, source, target
