"""Vectors of a corpus as allennlp's command `elmo` writes them."""

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
    r"""Write one HDF5 file of a folder of vectors, with a key a line.

    A line's key is its number from 0, as text: "0", "1", ... Its dataset is
    `(L, T, D)`, or `(T, D)` without the axis of layers. `sentence_to_index`
    holds one string: JSON that gives the key of each line by its text, the
    last one of equal lines. A blank line has a dataset without words (T = 0),
    and no entry there.

    Args:
        folder: What `VectorWriter`, or `recipes/embed_corpus.py`, has written.
        lines: The lines of the corpus, blank ones too.
        path: The file; one that exists is replaced.
        layer_axis: Whether datasets have an axis of layers, as allennlp's
            `--all` has, and `--top` and `--average` have not.

    Raises:
        FileNotFoundError: No such folder, or none with vectors.
        ValueError: The folder is not whole, has other lines, or several
            layers without an axis for them.

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
                "`lines` must be those that the vectors are of. Received: "
                f"another number of lines than {folder} has"
            ) from error
        strings = file.create_dataset(
            "sentence_to_index",
            (1,),
            dtype=string_dtype(),
            track_times=False,
        )
        strings[0] = json.dumps(index)
