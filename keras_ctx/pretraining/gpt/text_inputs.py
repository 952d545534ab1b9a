"""The text inputs of a GPT in pretraining, and the tokens of its corpus."""

from pathlib import Path

from keras_ctx import convert, data, text, training
from keras_ctx.pretraining.options.gpt import GPTPretrainingOptions

TOKENS = "tokens.bin"


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
    path = options.output / TOKENS
    if path.is_file() or not training.is_chief():
        return path

    def told(count: int) -> None:
        print(f"\rTokens of {options.corpus_path}: {count:,}", end="")

    data.write_tokens(
        options.corpus_path, text_inputs.encode, text_inputs.end_id, path, told
    )
    print()
    count = path.stat().st_size // 4
    if count <= text_inputs.max_length:
        path.unlink()
        raise ValueError(
            "`corpus` must have more tokens than a row, `max_length`="
            f"{text_inputs.max_length}. Received: {count} tokens in "
            f"{options.corpus_path}. Use shorter rows or more text."
        )
    return path
