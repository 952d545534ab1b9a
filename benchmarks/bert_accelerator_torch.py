"""The peer of `bert_accelerator.py`, in a separate process.

It imports PyTorch and transformers, and only `worker` of this repository.
"""

import statistics
import time
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from harness.worker import answer

WARM_UP = 2
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def maybe(compiled: bool):
    return torch.compile if compiled else lambda function: function


def make_config(request: dict[str, Any]):
    return transformers.BertConfig(
        vocab_size=request["vocabulary_size"],
        hidden_size=request["hidden_dim"],
        num_hidden_layers=request["num_layers"],
        num_attention_heads=request["num_heads"],
        intermediate_size=4 * request["hidden_dim"],
        hidden_dropout_prob=request["dropout"],
        attention_probs_dropout_prob=request["dropout"],
        attn_implementation="sdpa",
    )


def inputs(request: dict[str, Any]):
    """Returns ids and segments on the device, one batch per step."""
    shape = (request["steps"], request["batch_size"], request["length"])
    ranks = torch.arange(1, request["vocabulary_size"], device=DEVICE)
    shares = (1 / ranks.double()).cumsum(0)
    drawn = shares[-1] * torch.rand(shape, device=DEVICE, dtype=torch.float64)
    ids = 1 + torch.searchsorted(shares, drawn)
    return ids, torch.randint(0, 2, shape, device=DEVICE)


def peak_bytes() -> int:
    return torch.cuda.max_memory_allocated() if DEVICE == "cuda" else 0


def rounds_of(request: dict[str, Any], round_of_steps) -> list[float]:
    seconds = []
    for _ in range(WARM_UP + request["rounds"]):
        start = time.perf_counter()
        round_of_steps()
        seconds.append(time.perf_counter() - start)
    return seconds[WARM_UP:]


def train(request: dict[str, Any], compiled: bool) -> list[float]:
    model = transformers.BertForPreTraining(make_config(request)).to(DEVICE)
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), 1e-4, weight_decay=0.01, fused=DEVICE == "cuda"
    )
    ids, segments = inputs(request)
    drawn = torch.rand(ids.shape, device=DEVICE)
    positions = drawn.topk(request["masked"]).indices.sort().values
    targets = ids.gather(-1, positions)
    masks = torch.rand(targets.shape, device=DEVICE) < 0.8
    ids.scatter_(-1, positions, torch.where(masks, request["mask_id"], targets))
    follows = torch.randint(0, 2, ids.shape[:2], device=DEVICE)

    @maybe(compiled)
    def loss_of(ids, segments, positions, targets, follows):
        with torch.autocast(DEVICE, torch.bfloat16):
            outputs = model.bert(ids, token_type_ids=segments)
            sequence = outputs.last_hidden_state
            places = positions[..., None].expand(-1, -1, sequence.shape[-1])
            words, sentence = model.cls(
                sequence.gather(1, places), outputs.pooler_output
            )
        return functional.cross_entropy(
            words.flatten(0, 1).float(), targets.flatten()
        ) + functional.cross_entropy(sentence.float(), follows)

    def round_of_steps():
        loss = torch.zeros(())
        for batch in zip(
            ids, segments, positions, targets, follows, strict=True
        ):
            loss = loss_of(*batch)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return loss.item()

    return rounds_of(request, round_of_steps)


def forward(request: dict[str, Any], compiled: bool) -> list[float]:
    model = transformers.BertModel(
        make_config(request), add_pooling_layer=False
    )
    model = model.to(DEVICE, torch.bfloat16).eval()
    ids, segments = inputs(request)

    @maybe(compiled)
    def vectors(ids, segments):
        sequence = model(ids, token_type_ids=segments).last_hidden_state
        return functional.normalize(sequence.mean(1), dim=-1)

    @torch.inference_mode()
    def round_of_steps():
        found = [vectors(*batch) for batch in zip(ids, segments, strict=True)]
        return torch.cat(found).float().cpu()

    return rounds_of(request, round_of_steps)


def measure(request: dict[str, Any], compiled: bool) -> dict[str, Any]:
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    run = {"train": train, "forward": forward}[request["mode"]]
    seconds = run(request, compiled)
    return {
        "seconds": [second / request["steps"] for second in seconds],
        "peak_bytes": peak_bytes(),
        "how": "compiled" if compiled else "eager",
    }


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the faster variant; prints both times to standard error."""
    torch.set_float32_matmul_precision("high")
    found = [measure(request, compiled) for compiled in (False, True)]
    for one in found:
        print(one["how"], one["seconds"], one["peak_bytes"])
    cuda = DEVICE == "cuda"
    return {
        **min(found, key=lambda one: statistics.median(one["seconds"])),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "versions": f"torch {torch.__version__}, "
        f"transformers {transformers.__version__}",
    }


if __name__ == "__main__":
    answer(handle)
