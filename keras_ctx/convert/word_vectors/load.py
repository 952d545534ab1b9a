"""Loads word vectors of word2vec, GloVe and fastText."""

from collections.abc import Iterable
from pathlib import Path

from keras_ctx.checks import check_at_least, check_choice
from keras_ctx.convert.word_vectors.binary_rows import read_binary_rows
from keras_ctx.convert.word_vectors.byte_reader import opened
from keras_ctx.convert.word_vectors.fasttext_rows import read_fasttext
from keras_ctx.convert.word_vectors.file_format import file_format
from keras_ctx.convert.word_vectors.kept_rows import ERRORS, KeptRows
from keras_ctx.convert.word_vectors.of_run import word_vectors_of_run
from keras_ctx.convert.word_vectors.text_rows import read_text_rows
from keras_ctx.convert.word_vectors.vectors import WordVectors
from keras_ctx.text import load_vocabulary


def load_word_vectors(
    path: str | Path,
    vocabulary: str | Path | Iterable[str] | None = None,
    most_frequent: int | None = None,
    errors: str = "strict",
    memory_limit: int | None = None,
) -> WordVectors:
    """Loads word vectors: word2vec, GloVe or fastText, also as .gz.

    The content of the file tells its format: word2vec text and binary, GloVe
    text (no header, and words with blanks in them), fastText's .vec and .bin,
    also the first ones without a magic number. The file is read as a stream,
    and only the rows that are asked for are kept.

    Of a fastText .bin all n-grams are kept, and a word that is left out is an
    unknown one: it has the vector of its n-grams, without its own row.

    If a word is repeated, its first vector is kept, and a warning names both
    lines.

    A folder is that of a run of `train_word_vectors.py`, or any with an
    encoder of word vectors and its `text_inputs.json`; it keeps n-grams, too.

    Args:
        path: The file, or the folder.
        vocabulary: The words to keep, or the path of a file with one a line.
            With `lower_case_fallback` of the text inputs, add the lower-cased
            words. `None`: all.
        most_frequent: Number of words to keep, the first ones: these files
            begin with the most frequent words. `None`: all.
        errors: What to do with a word that is not UTF-8: "strict" refuses it,
            "surrogateescape" keeps its bytes as lone surrogates, which
            `save_word_vectors` writes as they were. No text of the text inputs
            has such a word.
        memory_limit: Most bytes of the table of a file. `None`: the free
            memory.

    Returns:
        A `WordVectors`; of fastText's .bin, or a run with n-grams, with
        `subwords`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is of another format (a pickle is never opened),
            quantized, cut or damaged, does not fit its header, or needs more
            memory; no word is left; or an argument is out of range.

    Example:
        >>> text = "2 3\\nthe 0.5 -1 2\\nlaw 1e-2 0 1\\n"
        >>> _ = Path("vectors.txt").write_text(text)
        >>> vectors = load_word_vectors("vectors.txt")
        >>> vectors.words, vectors.vector("law").tolist()
        (('the', 'law'), [0.009999999776482582, 0.0, 1.0])
        >>> load_word_vectors("vectors.txt", most_frequent=1).words
        ('the',)

    Source:
        https://github.com/tmikolov/word2vec,
        https://github.com/stanfordnlp/GloVe and
        https://github.com/facebookresearch/fastText.

    Differs:
        gensim gives `</s>` of a fastText .bin n-grams. The fasttext package
        does not read files without a magic number.
    """
    path = Path(path)
    check_choice(ERRORS, errors=errors)
    if most_frequent is not None:
        check_at_least(1, most_frequent=most_frequent)
    if memory_limit is not None:
        check_at_least(0, memory_limit=memory_limit)
    if vocabulary is not None and most_frequent is not None:
        raise ValueError(
            "`vocabulary` and `most_frequent` must not both be given: they "
            "choose words in two ways. Received: "
            f"most_frequent={most_frequent}"
        )
    wanted = None if vocabulary is None else _wanted(vocabulary)
    if path.is_dir():
        return word_vectors_of_run(path, wanted, most_frequent)
    form = file_format(path)
    settings = (wanted, most_frequent, errors, memory_limit)
    with opened(path) as stream:
        if form.kind == "fasttext":
            return read_fasttext(stream, path, *settings)
        is_text = form.kind == "text"
        kept = KeptRows(
            path,
            "line" if is_text else "row",
            form.width,
            form.estimate if form.rows is None else form.rows,
            *settings,
        )
        read = read_text_rows if is_text else read_binary_rows
        read(stream, form, kept)
    return WordVectors(*kept.finish())


def _wanted(vocabulary: str | Path | Iterable[str]) -> frozenset[bytes]:
    if isinstance(vocabulary, str | Path):
        vocabulary = load_vocabulary(vocabulary)
    words = frozenset(
        word.encode("utf-8", "surrogateescape") for word in vocabulary
    )
    if not words:
        raise ValueError(
            "`vocabulary` must hold at least one word. Received: none"
        )
    return words
