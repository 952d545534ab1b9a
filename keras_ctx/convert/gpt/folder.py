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
from keras_ctx.convert.gpt.vocabulary import load_byte_pairs
from keras_ctx.text import GPTInputs


def _text_inputs(folder: Path, max_length: int | None) -> GPTInputs:
    arguments = gpt_arguments(folder)
    if not arguments["norm_first"]:
        raise ValueError(
            f"{folder}: text inputs exist for GPT-2's byte-level BPE only. The "
            "BPE of GPT splits other words. Use the encoder with ids of your "
            'own. Received: `model_type` "openai-gpt"'
        )
    positions = arguments["max_length"]
    if max_length is not None and max_length > positions:
        raise ValueError(
            f"`max_length` must be at most {positions}, the number of "
            f"positions of the encoder in {folder}. Leave it out to use all. "
            f"Received: max_length={max_length}"
        )
    tokens, merges = load_byte_pairs(folder)
    return GPTInputs(tokens, merges, max_length or positions)


GPT_FOLDER = CheckpointFormat(
    f"GPT or GPT-2: {CONFIG} of `transformers`, or {HPARAMS} of OpenAI, with "
    "the weights",
    is_gpt,
    load_gpt,
    _text_inputs,
)
