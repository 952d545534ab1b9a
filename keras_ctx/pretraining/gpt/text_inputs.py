"""The text inputs of a GPT in pretraining, and the tokens of its corpus."""

from pathlib import Path

from keras_ctx import convert, data, text
from keras_ctx.pretraining.options.gpt import GPTPretrainingOptions
from keras_ctx.pretraining.tokens_file import tokens_file


def gpt_text_inputs(options: GPTPretrainingOptions) -> text.GPTInputs:
    """Returns the text inputs of `init`, or learns new ones from the corpus.

    Rows begin and end with the end token, as documents of the corpus do, so
    that the last token of a text has seen all of it.

    Args:
        options: Options of the recipe.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: `init` is not a GPT, or a text cannot be read.

    Example:
        >>> _ = Path("news.txt").write_text("the cat\\nthe mat\\n")
        >>> options = GPTPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     vocabulary_size=260)
        >>> gpt_text_inputs(options).vocabulary[256:]
        ('at', 'he', 'the', '<|endoftext|>')
    """
    if options.init is not None:
        inputs = convert.load_text_inputs(options.init)
        if not isinstance(inputs, text.GPTInputs):
            raise ValueError(
                "`init` must hold a GPT-2, whose end token is between "
                f"documents. Received: {options.init}, whose text inputs are "
                f"{type(inputs).__name__}"
            )
        length = min(options.max_length, inputs.max_length)
        return inputs.with_settings(max_length=length)
    tokens, merges = text.byte_pair_vocabulary(
        data.text_documents(options.corpus_path), options.vocabulary_size
    )
    return text.GPTInputs(
        tokens, merges, options.max_length, add_start=True, add_end=True
    )


def corpus_tokens(
    options: GPTPretrainingOptions, text_inputs: text.GPTInputs
) -> Path:
    """Writes the tokens of the corpus to the folder of the run, once.

    Args:
        options: Uses `corpus` and `output`.
        text_inputs: See `gpt_text_inputs`.

    Returns:
        The file, for `data.token_windows`.

    Example:
        >>> _ = Path("news.txt").write_text("the cat\\nthe mat\\n")
        >>> options = GPTPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     vocabulary_size=260, max_length=8)
        >>> Path("runs/one").mkdir(parents=True)
        >>> corpus_tokens(options, gpt_text_inputs(options)).name
        Tokens of news.txt: 10
        'tokens.bin'
    """
    length = text_inputs.max_length
    return tokens_file(
        options,
        text_inputs,
        length + 1,
        f"more tokens than a row, `max_length`={length}",
    )
