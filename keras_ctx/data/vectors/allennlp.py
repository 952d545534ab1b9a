"""Vectors of a corpus in the format of allennlp's command `elmo`."""

import json
from collections.abc import Iterable
from pathlib import Path

from h5py import string_dtype

from keras_ctx.data.vectors.folder import read_vectors
from keras_ctx.files.new_hdf5_file import new_hdf5
from keras_ctx.files.whole_file import whole_file


def save_allennlp_vectors(
    folder: str | Path,
    lines: Iterable[str],
    path: str | Path,
    layer_axis: bool = True,
) -> None:
    r"""Writes a folder of vectors as one HDF5 file with one key per line.

    The key of a line is its number, counted from 0, as text: "0", "1", ...
    Its dataset is `(L, T, D)`, or `(T, D)` without the axis of layers.
    `sentence_to_index` holds one string: a JSON object that maps the text of
    each line to its key (of equal lines, to the last key). A blank line has a
    dataset without words (T = 0), and no entry in `sentence_to_index`.

    Args:
        folder: A folder that `VectorWriter` or `recipes/embed_corpus.py` has
            written.
        lines: The lines of the corpus, including blank ones.
        path: The file to write. An existing file is replaced.
        layer_axis: Whether datasets have an axis of layers, as with
            allennlp's `--all`. They have none with `--top` and `--average`.

    Raises:
        FileNotFoundError: The folder does not exist or holds no vectors.
        ValueError: The folder is incomplete, is of other lines, or has
            several layers and `layer_axis` is false.

    Example:
        >>> import h5py, numpy as np
        >>> from keras_ctx.data import VectorWriter
        >>> writer = VectorWriter("four", num_layers=1, size=2, settings={})
        >>> with writer.shard(first_line=1, tokens=[[b"a", b"b"]]) as put:
        ...     put(0, np.ones((2, 1, 2), "float32"))
        >>> writer.finish(num_lines=1)
        >>> save_allennlp_vectors("four", ["a b\n"], "elmo.hdf5")
        >>> with h5py.File("elmo.hdf5") as file:
        ...     file["0"].shape, file["sentence_to_index"][0]
        ((1, 2, 2), b'{"a b": "0"}')

    Source:
        The command `elmo` of allenai/allennlp 0.9.

    Differs:
        allennlp refuses a file with blank lines.
    """
    index: dict[str, str] = {}
    with whole_file(path) as growing, new_hdf5(growing) as (file, check):
        try:
            pairs = zip(read_vectors(folder), lines, strict=True)
            for key, (found, line) in enumerate(pairs):
                vectors = found.vectors
                if not layer_axis and vectors.shape[1] != 1:
                    raise ValueError(
                        "`layer_axis` must be true for several layers. "
                        f"Received: {vectors.shape[1]} layers"
                    )
                file.create_dataset(
                    str(key),
                    data=vectors.swapaxes(0, 1)
                    if layer_axis
                    else vectors[:, 0],
                    track_times=False,
                )
                check()
                if sentence := line.strip():
                    index[sentence] = str(key)
        except ValueError as error:
            if "zip()" not in str(error):
                raise
            raise ValueError(
                "`lines` must be the lines that the vectors were computed "
                "from. Received: another number of lines than in "
                f"{folder}"
            ) from error
        strings = file.create_dataset(
            "sentence_to_index",
            (1,),
            dtype=string_dtype(),
            track_times=False,
        )
        strings[0] = json.dumps(index)
