"""Speed of BERT on one accelerator, compared with Hugging Face's in PyTorch.

Command   KERAS_BACKEND=jax python benchmarks/bert_accelerator.py
Data      None: ids drawn by Zipf's law, all real tokens, [MASK] at four of
          five masked positions. The ids only affect the time through frequent
          ones, whose gradients are added to one row.
Needs     A GPU, `pip install "jax[cuda13]"`, and PyTorch with `transformers`,
          here or in a separate Python (`--torch-python`). Ten minutes.
Output    Markdown: a table of tokens per second, share of the chip's peak,
          memory and ratios; each row is printed when it is measured.
Expected  benchmarks/README.md, "BERT on an accelerator".

"train" is `bert_pretrainer(bert_base(30522))` under "mixed_bfloat16" with
`model.fit` and Keras's AdamW, on arrays in the memory of the host: 15 % of
positions masked, next sentence prediction, both losses. The time includes
shuffling batches and copying them to the device. The peer, in
`bert_accelerator_torch.py`, is the encoder and heads of `BertForPreTraining`,
the head on the masked positions only, under autocast, with fused AdamW, with
or without `torch.compile`, whichever is faster. Its batches are on the device
before the clock starts, and it gets no padding mask, so that PyTorch can use
fused attention. "forward" is the mean of the last layer for each text:
`embedder` under "bfloat16" with `predict`, and the same for the peer. Each
side of a row of the table runs in a separate process. After two rounds for
warm-up and compilation, the result is the median of `rounds`; each round ends
when its result has been fetched.

Operations of a row of T tokens, M of them masked, with L blocks, D features
and V tokens in the vocabulary, matrix products only, 2 for a product and its
sum:

    forward  =  24 L D^2 T  +  4 L D T^2
    train    =  3 (forward  +  2 (D^2 + D V) M  +  2 D^2)

The terms are the weights of the blocks, attention, and for training the
masked language model head and the pooler; the factor 3 is for the gradients
of both factors. Recomputation by an implementation does not count.
"""

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from harness.worker import Worker

HERE = Path(__file__).resolve().parent
VOCABULARY_SIZE = 30522

# Blocks, heads, features.
SIZES = {
    "bert_tiny": (2, 2, 128),
    "bert_base": (12, 12, 768),
    "bert_large": (24, 16, 1024),
}

# Dense bfloat16, in 1e12 operations a second, by a part of the chip's name:
# the data sheets of NVIDIA's A100, H100 and H200, without sparsity.
PEAKS = {
    "A100": 312.0,
    "H100 80GB HBM3": 989.4,
    "H100 PCIe": 756.0,
    "H200": 989.4,
}


@dataclass(frozen=True)
class Config:
    torch_python: Path = Path(sys.executable)
    """Python with PyTorch and transformers."""
    size: Literal["bert_tiny", "bert_base", "bert_large"] = "bert_base"
    """Size of the BERT."""
    modes: tuple[Literal["train", "forward"], ...] = ("train", "forward")
    """What to measure."""
    lengths: tuple[int, ...] = (128, 512)
    """Tokens per row."""
    tokens_per_step: tuple[int, ...] = (65536,)
    """Tokens per batch; the number of rows follows from it."""
    dropouts: tuple[float, ...] = (0.1,)
    """Dropout rates, of features and attention, in training."""
    steps: int = 20
    """Batches per round."""
    rounds: int = 3
    """Rounds to measure, after warm-up."""

    def __post_init__(self):
        if min(self.tokens_per_step) < max(self.lengths):
            raise ValueError(
                "`tokens_per_step` must be at least a row of `lengths`. "
                f"Received: {self.tokens_per_step} and {self.lengths}"
            )


def operations(request: dict[str, Any]) -> float:
    """Returns the operations of a row, by the formula above."""
    blocks, features = request["num_layers"], request["hidden_dim"]
    length = request["length"]
    forward = blocks * features * length * (24 * features + 4 * length)
    if request["mode"] == "forward":
        return forward
    head = 2 * features * (features + VOCABULARY_SIZE) * request["masked"]
    return 3 * (forward + head + 2 * features**2)


def requests(config: Config) -> list[dict[str, Any]]:
    """Yields the requests for the cells of the table."""
    blocks, heads, features = SIZES[config.size]
    return [
        {
            "mode": mode,
            "size": config.size,
            "vocabulary_size": VOCABULARY_SIZE,
            "num_layers": blocks,
            "num_heads": heads,
            "hidden_dim": features,
            "length": length,
            "batch_size": tokens // length,
            "masked": round(0.15 * length),
            "mask_id": 103,
            "dropout": dropout,
            "steps": config.steps,
            "rounds": config.rounds,
        }
        for mode in config.modes
        for dropout in (config.dropouts if mode == "train" else (0.0,))
        for length in config.lengths
        for tokens in config.tokens_per_step
    ]


def measure(python: Path, script: str, request: dict[str, Any]):
    """Returns the worker's answer, or `None` if it ended (out of memory)."""
    try:
        with Worker(python, HERE / script) as worker:
            return worker.ask(**request)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return None


def share_of_peak(reply: dict[str, Any], per_second: float) -> str:
    for name, peak in PEAKS.items():
        if name in reply["device"]:
            return f"{per_second / peak / 1e12:.1%}"
    return "?"


def cells(request: dict[str, Any], reply: dict[str, Any] | None) -> list[str]:
    """Returns tokens/s, ms per step, share of the peak, peak memory."""
    if reply is None:
        return ["-"] * 4
    seconds = statistics.median(reply["seconds"])
    rows = request["batch_size"] / seconds
    return [
        f"{rows * request['length']:,.0f}",
        f"{1e3 * seconds:.1f}",
        share_of_peak(reply, rows * operations(request)),
        f"{reply['peak_bytes'] / 2**30:.1f}",
    ]


def main(config: Config) -> None:
    columns = ["tokens/s", "ms", "of peak", "GiB"]
    head = ["what", "dropout", "batch", *columns]
    head += ["peer", *columns, "x peer"]
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1), flush=True)
    said, spread = set(), 0.0
    for request in requests(config):
        ours, peer = (
            measure(python, script, request)
            for python, script in (
                (Path(sys.executable), "bert_accelerator_keras.py"),
                (config.torch_python, "bert_accelerator_torch.py"),
            )
        )
        ratio = "-"
        if ours and peer:
            times = (statistics.median(x["seconds"]) for x in (peer, ours))
            ratio = f"**{next(times) / next(times):.2f}**"
        for reply in filter(None, (ours, peer)):
            said.add(f"{reply['device']}; {reply['versions']}")
            seconds = reply["seconds"]
            spread = max(spread, max(seconds) / min(seconds) - 1)
        row = [
            request["mode"],
            f"{request['dropout']:g}" if request["mode"] == "train" else "",
            f"{request['batch_size']} x {request['length']}",
            *cells(request, ours),
            peer["how"] if peer else "-",
            *cells(request, peer),
            ratio,
        ]
        print("| " + " | ".join(row) + " |", flush=True)
    print("\n" + "\n".join(sorted(said)))
    print(f"Slowest over fastest round of a cell: at most {spread:.1%} more.")


if __name__ == "__main__":
    main(tyro.cli(Config))
