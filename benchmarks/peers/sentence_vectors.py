"""The sentence-transformers library on PyTorch."""

import numpy as np
import sentence_transformers  # pyright: ignore[reportMissingImports]
import torch  # pyright: ignore[reportMissingImports]

from .step import Step, Task

PACKAGES = ("sentence-transformers", "torch", "transformers")


def texts(task: Task) -> Step:
    torch.set_num_threads(task["threads"])
    model = sentence_transformers.SentenceTransformer(
        task["folder"], device="cpu"
    )
    model.max_seq_length = task["max_length"]
    model.to(getattr(torch, task["policy"]))

    def compute(texts):
        return model.encode(texts, batch_size=32, show_progress_bar=False)

    return Step(
        lambda inputs: inputs["texts"],
        compute,
        lambda vectors: np.asarray(vectors, "float32"),
    )


STEPS = {"texts": texts, "request": texts}
