"""The file of a corpus's tokens in the folder of a run."""

from pathlib import Path

from keras_ctx import data, text, training
from keras_ctx.pretraining.options.shared import PretrainingOptions

TOKENS = "tokens.bin"


def tokens_file(
    options: PretrainingOptions,
    text_inputs: text.GPTInputs | text.ULMFiTInputs,
    least: int,
    rule: str,
) -> Path:
    """Writes the tokens of the corpus to the folder of the run, once.

    Args:
        options: Uses `corpus` and `output`.
        text_inputs: The text inputs of the language model.
        least: Number of tokens that training needs.
        rule: The same in words, for the error message.

    Returns:
        The file, for `data.token_windows` or `data.token_stream`.

    Raises:
        ValueError: The corpus has fewer tokens.

    Example:
        >>> _ = Path("news.txt").write_text("the cat\\n")
        >>> Path("runs/one").mkdir(parents=True)
        >>> options = PretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"))
        >>> inputs = text.ULMFiTInputs(
        ...     text.ulmfit_vocabulary(["the cat"], min_count=1))
        >>> tokens_file(options, inputs, 2, "two tokens").name
        Tokens of news.txt: 3
        'tokens.bin'
    """
    path = options.output / TOKENS
    if path.is_file() or not training.is_chief():
        return path

    def told(count: int) -> None:
        print(f"\rTokens of {options.corpus_path}: {count:,}", end="")

    count = data.write_tokens(
        options.corpus_path, text_inputs.encode, text_inputs.end_id, path, told
    )
    print()
    if count < least:
        path.unlink()
        raise ValueError(
            f"`corpus` must have {rule}. Received: {count} tokens in "
            f"{options.corpus_path}. Use shorter rows or more text."
        )
    return path
