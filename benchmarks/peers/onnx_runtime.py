"""BERT in ONNX Runtime, exported by PyTorch and joined for BERT.

`onnxruntime.transformers.optimizer` joins attention, GELU and norms into one
operation each, which its users would do, too.
"""

from pathlib import Path

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingImports]
import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]
from onnxruntime.transformers import (  # pyright: ignore[reportMissingImports]
    optimizer,
)
from tokenizers import Tokenizer

from .step import Step, Task, real_tokens

PACKAGES = ("onnxruntime", "onnx", "torch", "transformers")
NAMES = ("input_ids", "attention_mask", "token_type_ids")


class Encoder(torch.nn.Module):
    """A model with three tensors in and one out."""

    def __init__(self, folder: str):
        super().__init__()
        self.model = transformers.BertModel.from_pretrained(
            folder, attn_implementation="eager"
        )

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(
            input_ids, attention_mask, token_type_ids
        ).last_hidden_state


def load(task: Task) -> onnxruntime.InferenceSession:
    if task["policy"] != "float32":
        raise ValueError("ONNX Runtime has no bfloat16 kernels for CPUs")
    model = Encoder(task["folder"]).eval()
    path = str(Path(task["scratch"]) / "model.onnx")
    example = torch.ones((2, 8), dtype=torch.int64)
    axes = {0: "rows", 1: "tokens"}
    torch.onnx.export(
        model,
        (example, example, 0 * example),
        path,
        input_names=list(NAMES),
        output_names=["sequence"],
        dynamic_axes={name: axes for name in (*NAMES, "sequence")},
        dynamo=False,
    )
    config = model.model.config
    joined = optimizer.optimize_model(
        path,
        "bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
    )
    joined.save_model_to_file(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task["threads"]
    return onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )


def inference(task: Task) -> Step:
    session = load(task)

    def feed(inputs):
        ids = np.array(inputs["token_ids"], "int64")
        mask = real_tokens(inputs["lengths"], ids.shape[1]).astype("int64")
        return dict(zip(NAMES, (ids, mask, 0 * ids), strict=True))

    return Step(feed, lambda fed: session.run(None, fed)[0])


def texts(task: Task) -> Step:
    """Returns the step of sentences: sorted by length, 32 at a time."""
    session = load(task)
    path = Path(task["folder"]) / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(task["max_length"])
    tokenizer.no_padding()

    def compute(texts):
        rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        order = sorted(range(len(rows)), key=lambda k: len(rows[k]))
        parts = [order[k : k + 32] for k in range(0, len(order), 32)]
        vectors = [mean_vectors(session, [rows[k] for k in x]) for x in parts]
        found = np.empty((len(rows), vectors[0].shape[-1]), "float32")
        found[order] = np.concatenate(vectors)
        return found

    return Step(lambda inputs: inputs["texts"], compute)


def mean_vectors(
    session: onnxruntime.InferenceSession, rows: list[list[int]]
) -> np.ndarray:
    """Returns the mean of the tokens of each row, of length 1."""
    lengths = [len(row) for row in rows]
    mask = real_tokens(lengths, max(lengths)).astype("int64")
    ids = np.zeros_like(mask)
    ids[mask > 0] = np.concatenate(rows)
    fed = dict(zip(NAMES, (ids, mask, 0 * ids), strict=True))
    found = session.run(None, fed)[0]
    means = (found * mask[..., None]).sum(1)
    return means / np.linalg.norm(means, axis=-1, keepdims=True)


STEPS = {"inference": inference, "texts": texts, "request": texts}
