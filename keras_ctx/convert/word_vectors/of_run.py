"""The word vectors of the folder of a run."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from keras_ctx.convert.from_folder import load_encoder, load_text_inputs
from keras_ctx.convert.word_vectors.of_encoder import word_vectors_of
from keras_ctx.convert.word_vectors.vectors import WordVectors


def word_vectors_of_run(
    folder: Path,
    wanted: Collection[bytes] | None = None,
    most_frequent: int | None = None,
) -> WordVectors:
    """Returns the vectors of the encoder in a folder.

    Args:
        folder: Folder of `encoder.keras` and `text_inputs.json`.
        wanted: The words to keep, in UTF-8. `None`: all.
        most_frequent: Number of words to keep, the first ones. `None`: all.

    Raises:
        ValueError: The folder has no encoder of word vectors, or no word is
            left.
    """
    try:
        inputs: Any = load_text_inputs(folder)
        found = word_vectors_of(load_encoder(folder), inputs)
    except (ValueError, FileNotFoundError) as error:
        raise ValueError(
            "`path` must name a file of word vectors, or the folder of "
            f"train_word_vectors.py. Received: {str(folder)!r}. {error}"
        ) from error
    rows = [
        row
        for row, word in enumerate(found.words)
        if wanted is None or word.encode() in wanted
    ][:most_frequent]
    if not rows:
        raise ValueError(
            f"{folder}: none of its {len(found):,} words is in `vocabulary`"
        )
    words = [found.words[row] for row in rows]
    return WordVectors(words, found.vectors[rows], found.subwords)
