"""Saves how records are tokenized: BERT's text inputs, or ELMo's words."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from keras_ctx import convert, data, text
from keras_ctx.pretraining.options.corpus import CorpusOptions

# Saved with the records, for `pretrain_bert.py` and `pretrain_elmo.py`.
RECORD_INPUTS = {"bert": "text_inputs.json", "elmo": "words.txt"}
_LOOKED_AT = 1000


def save_record_inputs(options: CorpusOptions, files: Sequence[Path]) -> None:
    """Writes OUTPUT/text_inputs.json for BERT, OUTPUT/words.txt for ELMo.

    An existing file is kept.

    Args:
        options: Options of the recipe.
        files: The texts, to build a vocabulary from if none is given.

    Raises:
        ValueError: The texts have no words, a vocabulary cannot be read, or see
            `CorpusOptions.pair_length`.

    Example:
        >>> _ = Path("a.txt").write_text("a b\\nb\\n")
        >>> options = CorpusOptions(
        ...     output=Path("."), kind="elmo", split="whitespace")
        >>> save_record_inputs(options, [Path("a.txt")])
        Vocabulary:
        ...
        >>> Path("words.txt").read_text().split()
        ['<S>', '</S>', '<UNK>', 'b', 'a']
    """
    path = options.output / RECORD_INPUTS[options.kind]
    if path.exists():
        return
    if options.kind == "elmo":
        text.save_vocabulary(_words(options, files), path)
        return
    length = options.pair_length
    if options.init is not None:
        inputs = convert.load_text_inputs(options.init, length)
        lines = itertools.islice(_lines(options, files[:1]), _LOOKED_AT)
        text.warn_unknown(inputs, list(lines), str(files[0]))
    else:
        inputs = text.BertInputs(
            _tokens(options, files),
            length,
            lower_case=options.lower_case,
            split=options.split,
        )
    text.save_inputs(inputs, path)


def _words(options: CorpusOptions, files: Sequence[Path]) -> list[str]:
    """Returns words, the most frequent first."""
    if options.init is not None:
        return text.load_vocabulary(options.init / "words.txt")
    if options.vocabulary is not None:
        return text.load_vocabulary(
            options.vocabulary, text.WORD_SPECIAL_TOKENS
        )
    return text.word_vocabulary(
        _counted_lines(options, files),
        vocabulary_size=options.vocabulary_size,
        split=options.split,
    )


def _tokens(options: CorpusOptions, files: Sequence[Path]) -> list[str]:
    if options.vocabulary is not None:
        return text.load_vocabulary(options.vocabulary)
    tokens = text.bert_vocabulary(
        _counted_lines(options, files),
        options.vocabulary_size,
        options.split,
        options.lower_case,
    )
    if len(tokens) == len(text.SPECIAL_TOKENS):
        raise ValueError(
            "`inputs` must contain text. Received: files without any"
        )
    return tokens


def _counted_lines(
    options: CorpusOptions, files: Sequence[Path]
) -> Iterator[str]:
    print("Vocabulary:")
    bar = keras.utils.Progbar(len(files), unit_name="file")
    for path in files:
        yield from _lines(options, [path])
        bar.add(1)


def _lines(options: CorpusOptions, files: Sequence[Path]) -> Iterator[str]:
    for path in files:
        for document in data.raw_documents(path, options.layout):
            yield from document
