"""AWD-LSTM without its dropouts in PyTorch: `torch.nn.LSTM` under a table.

One of the two biases stays 0, lest their sum learn twice as fast as our one
bias. Any policy of bfloat16 means weights in bfloat16.
"""

from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from safetensors.torch import load_file  # pyright: ignore
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from .step import AWD_RATE, Step, Task

PACKAGES = ("torch",)


class AWDLSTM(nn.Module):
    """The table, the LSTMs and the output, which is tied to the table."""

    def __init__(self, arrays):
        super().__init__()
        table = arrays["encoder.weight"]
        self.table = nn.Embedding(*table.shape, _weight=table)
        self.bias = nn.Parameter(arrays["decoder.bias"])
        self.lstms = nn.ModuleList()
        while f"rnns.{len(self.lstms)}.module.weight_ih_l0" in arrays:
            name = f"rnns.{len(self.lstms)}.module."
            width, size = arrays[f"{name}weight_ih_l0"].shape
            lstm = nn.LSTM(size, width // 4, batch_first=True)
            first, second = (arrays[f"{name}bias_{x}_l0"] for x in ("ih", "hh"))
            lstm.load_state_dict(
                {
                    "weight_ih_l0": arrays[f"{name}weight_ih_l0"],
                    "weight_hh_l0": arrays[f"{name}weight_hh_l0_raw"],
                    "bias_ih_l0": first + second,
                    "bias_hh_l0": torch.zeros_like(second),
                }
            )
            lstm.bias_hh_l0.requires_grad_(False)
            self.lstms.append(lstm)

    def forward(self, ids):
        x = self.table(ids)
        for lstm in self.lstms:
            x, _ = lstm(x)
        return x

    def loss(self, ids, targets):
        logits = functional.linear(self(ids), self.table.weight, self.bias)
        return functional.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten()
        )


def _model(task: Task) -> AWDLSTM:
    torch.set_num_threads(task["threads"])
    model = AWDLSTM(load_file(Path(task["folder"]) / "model.safetensors"))
    exact = task["policy"] == "float32"
    return model.to(torch.float32 if exact else torch.bfloat16)


def awd_lstm(task: Task) -> Step:
    model = _model(task).eval()

    @torch.inference_mode()
    def compute(ids):
        return model(ids)

    return Step(
        lambda inputs: torch.tensor(inputs["token_ids"]),
        compute,
        lambda found: found.float().numpy(),
    )


def awd_lstm_training(task: Task) -> Step:
    """Returns a step of SGD, which returns the loss before it."""
    model = _model(task)
    optimizer = torch.optim.SGD(model.parameters(), AWD_RATE)

    def compute(fed):
        loss = model.loss(*fed)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return Step(
        lambda inputs: (
            torch.tensor(inputs["token_ids"]),
            torch.tensor(inputs["targets"]),
        ),
        compute,
        lambda loss: np.array([loss], "float32"),
    )


STEPS = {"awd_lstm": awd_lstm, "awd_lstm_training": awd_lstm_training}
