"""The `tokenizers` library, which works on all its threads by itself."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from .step import Step, Task

PACKAGES = ("tokenizers",)


def tokens(task: Task) -> Step:
    path = Path(task["folder"]) / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(task["max_length"])
    tokenizer.no_padding()
    return Step(
        lambda inputs: inputs["texts"],
        tokenizer.encode_batch_fast,
        lambda found: np.concatenate([encoding.ids for encoding in found]),
    )


STEPS = {"tokens": tokens}
