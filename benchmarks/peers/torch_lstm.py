"""A plain ELMo in PyTorch.

`torch.nn.LSTM(proj_size=...)` has no clips, so it does less work than
allennlp's cells and ours. The time does not include character ids. Variants:
"padded" rows, or "packed" sequences. Any policy of bfloat16 means weights in
bfloat16.
"""

import json
from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn.utils.rnn import (  # pyright: ignore[reportMissingImports]
    pack_padded_sequence,
    pad_packed_sequence,
)

from .step import Step, Task

PACKAGES = ("torch",)

MARKERS = {"<S>": [256], "</S>": [257]}
CHARACTERS = 50


def char_ids(rows):
    """Returns ids `(B, T + 2, 50)` with markers, and lengths `(B,)`."""
    lengths = [len(row) + 2 for row in rows]
    ids = np.zeros((len(rows), max(lengths), CHARACTERS), "int64")
    for b, row in enumerate(rows):
        for t, word in enumerate(["<S>", *row, "</S>"]):
            codes = MARKERS.get(word) or word.encode()[: CHARACTERS - 2]
            codes = [258, *codes, 259]
            ids[b, t] = 260
            ids[b, t, : len(codes)] = codes
            ids[b, t] += 1
    return torch.tensor(ids), torch.tensor(lengths)


class ELMo(nn.Module):
    """Character encoder and two stacks of LSTMs; returns all layers."""

    def __init__(self, options):
        super().__init__()
        size = options["lstm"]["projection_dim"]
        characters = options["char_cnn"]
        dim = characters["embedding"]["dim"]
        filters = characters["filters"]
        total = sum(count for _, count in filters)
        self.table = nn.Embedding(262, dim)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dim, count, width) for width, count in filters
        )
        self.transforms, self.gates = (
            nn.ModuleList(
                nn.Linear(total, total) for _ in range(characters["n_highway"])
            )
            for _ in range(2)
        )
        self.projection = nn.Linear(total, size)
        self.stacks = nn.ModuleList(
            nn.ModuleList(
                nn.LSTM(
                    size,
                    options["lstm"]["dim"],
                    proj_size=size,
                    batch_first=True,
                )
                for _ in range(options["lstm"]["n_layers"])
            )
            for _ in range(2)
        )

    def forward(self, ids, lengths, packed):
        steps = torch.arange(ids.shape[1])
        mask = steps < lengths[:, None]
        order = torch.where(mask, lengths[:, None] - 1 - steps, steps)
        tokens = self.encode(ids.flatten(0, 1)).unflatten(0, ids.shape[:2])
        mask = mask[..., None].to(tokens.dtype)
        tokens = tokens * mask
        layers = [[tokens, tokens]]
        forward, backward = (
            self.run(self.stacks[0], tokens, lengths, mask, packed),
            self.run(
                self.stacks[1],
                reordered(tokens, order),
                lengths,
                mask,
                packed,
            ),
        )
        layers += [
            [f, reordered(b, order)]
            for f, b in zip(forward, backward, strict=True)
        ]
        words = mask[:, 2:]  # as long as the row without its markers
        return [torch.cat(pair, -1)[:, 1:-1] * words for pair in layers]

    def encode(self, ids):
        x = self.table(ids).transpose(1, 2)
        x = torch.cat(
            [torch.relu(conv(x).amax(-1)) for conv in self.convolutions], -1
        )
        for transform, gate in zip(self.transforms, self.gates, strict=True):
            g = torch.sigmoid(gate(x))
            x = g * torch.relu(transform(x)) + (1 - g) * x
        return self.projection(x)

    def run(self, stack, x, lengths, mask, packed):
        outputs = []
        for i, lstm in enumerate(stack):
            if packed:
                y = pack_padded_sequence(x, lengths, True, False)
                y = pad_packed_sequence(lstm(y)[0], True)[0]
            else:
                y = lstm(x)[0] * mask
            x = y + x if i else y
            outputs.append(x)
        return outputs

    @torch.no_grad()
    def load(self, weights):
        """Loads weights with the names of the official files."""

        def put(parameter, array):
            parameter.copy_(torch.tensor(np.ascontiguousarray(array)))

        put(self.table.weight, np.pad(weights["char_embed"], ((1, 0), (0, 0))))
        for i, conv in enumerate(self.convolutions):
            put(conv.weight, weights[f"CNN/W_cnn_{i}"][0].transpose(2, 1, 0))
            put(conv.bias, weights[f"CNN/b_cnn_{i}"])
        for i in range(len(self.gates)):
            for linear, name in (
                (self.gates[i], "carry"),
                (self.transforms[i], "transform"),
            ):
                put(linear.weight, weights[f"CNN_high_{i}/W_{name}"].T)
                put(linear.bias, weights[f"CNN_high_{i}/b_{name}"])
        put(self.projection.weight, weights["CNN_proj/W_proj"].T)
        put(self.projection.bias, weights["CNN_proj/b_proj"])
        for d, stack in enumerate(self.stacks):
            for i, lstm in enumerate(stack):
                cell = f"RNN_{d}/RNN/MultiRNNCell/Cell{i}/LSTMCell"
                # The file's order is i, j, f, o; the forget gate's 1 is added.
                w, u = np.split(ifgo(weights[f"{cell}/W_0"]).T, 2, axis=1)
                bias = ifgo(weights[f"{cell}/B"])
                bias[lstm.hidden_size : 2 * lstm.hidden_size] += 1
                put(lstm.weight_ih_l0, w)
                put(lstm.weight_hh_l0, u)
                put(lstm.bias_ih_l0, bias)
                put(lstm.bias_hh_l0, np.zeros_like(bias))
                put(lstm.weight_hr_l0, weights[f"{cell}/W_P_0"].T)


def ifgo(array):
    i, j, f, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, j, o], axis=-1)


def reordered(x, order):
    return x.gather(1, order[..., None].expand_as(x))


def elmo(task: Task, gradients: bool = False) -> Step:
    torch.set_num_threads(task["threads"])
    folder = Path(task["folder"])
    model = ELMo(json.loads((folder / "options.json").read_text("utf-8")))
    with np.load(folder / "weights.npz") as weights:
        model.load(weights)
    exact = task["policy"] == "float32"
    model.to(torch.float32 if exact else torch.bfloat16)
    packed = task["variant"] == "packed"

    @torch.set_grad_enabled(gradients)
    def compute(fed):
        model.zero_grad(set_to_none=True)
        layers = model(*fed, packed)
        if gradients:
            sums = [layer.float().sum() for layer in layers]
            torch.stack(sums).sum().backward()
        return layers

    def fetch(layers):
        if not gradients:
            return torch.stack(layers).float().numpy()
        lowest = model.stacks[0][0].weight_hr_l0.grad
        # Row 0 is padding.
        parts = model.table.weight.grad[1:], lowest.T
        return np.concatenate([part.float().numpy().ravel() for part in parts])

    return Step(lambda inputs: char_ids(inputs["rows"]), compute, fetch)


def elmo_gradients(task: Task) -> Step:
    return elmo(task, gradients=True)


STEPS = {"elmo": elmo, "elmo_gradients": elmo_gradients}
