"""The checkpoint formats of GPT and GPT-2, for all functions of folders."""

from pathlib import Path

from keras_ctx.convert.checkpoint_format import CheckpointFormat
from keras_ctx.convert.gpt.load import (
    CONFIG,
    HPARAMS,
    gpt_arguments,
    is_gpt,
    load_gpt,
)
from keras_ctx.convert.gpt.shards import SHAPES
from keras_ctx.convert.gpt.vocabulary import load_byte_pairs
from keras_ctx.text import GPT1Inputs, GPTInputs


def _text_inputs(
    folder: Path, max_length: int | None
) -> GPTInputs | GPT1Inputs:
    arguments = gpt_arguments(folder)
    positions = arguments["max_length"]
    if max_length is not None and max_length > positions:
        raise ValueError(
            f"`max_length` must be at most {positions}, the number of "
            f"positions of the encoder in {folder}. Leave it out to use all. "
            f"Received: max_length={max_length}"
        )
    words = not arguments["norm_first"]
    tokens, merges = load_byte_pairs(folder, words)
    inputs = GPT1Inputs if words else GPTInputs
    return inputs(tokens, merges, max_length or positions)


GPT_FOLDER = CheckpointFormat(
    f"GPT or GPT-2: {CONFIG} of `transformers` or KerasHub, or {HPARAMS} or "
    f"{SHAPES} of OpenAI, with the weights",
    is_gpt,
    load_gpt,
    _text_inputs,
)
