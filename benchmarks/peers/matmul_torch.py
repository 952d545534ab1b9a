"""A product of two square matrices in PyTorch: its ceiling."""

import torch  # pyright: ignore[reportMissingImports]

from .step import Step, Task

PACKAGES = ("torch",)


def matmul(task: Task) -> Step:
    torch.set_num_threads(task["threads"])
    dtype = getattr(torch, task["policy"])

    def feed(inputs):
        n = inputs["n"]
        return inputs["repeats"], *torch.rand(2, n, n).to(dtype)

    @torch.inference_mode()
    def compute(fed):
        repeats, a, b = fed
        return [a @ b for _ in range(repeats)][-1]

    return Step(feed, compute)


STEPS = {"matmul": matmul}
