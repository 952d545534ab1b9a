"""The peer of `elmo.py`: a plain ELMo in PyTorch, in a separate process.

It imports PyTorch and NumPy, and only `worker` of this repository.
`torch.nn.LSTM(proj_size=...)` has no clips, so it does less work than
allennlp's cells and ours. The time does not include character ids.
"""

import argparse
import json
import time

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn.utils.rnn import (  # pyright: ignore[reportMissingImports]
    pack_padded_sequence,
    pad_packed_sequence,
)

from worker import answer, peak_mebibytes

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("options")
    parser.add_argument("weights", help="an .npz file")
    parser.add_argument("dtype", choices=["float32", "bfloat16"])
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with open(arguments.options, encoding="utf-8") as file:
        model = ELMo(json.load(file))
    with np.load(arguments.weights) as weights:
        model.load(weights)
    model.to(getattr(torch, arguments.dtype))

    def run(rows, backward, packed):
        """Returns the seconds and all layers."""
        model.zero_grad(set_to_none=True)
        ids, lengths = char_ids(rows)
        start = time.perf_counter()
        with torch.set_grad_enabled(backward):
            layers = model(ids, lengths, packed)
            if backward:
                sums = [layer.float().sum() for layer in layers]
                torch.stack(sums).sum().backward()
        return time.perf_counter() - start, layers

    def handle(request):
        rows = request["rows"]
        backward = request.get("backward", False)
        packed = request.get("packed", False)
        seconds, layers = run(rows, backward, packed)
        if "save" in request:
            arrays = {
                f"layer_{i}": layer.detach().float().numpy()
                for i, layer in enumerate(layers)
            }
            if backward:
                lowest = model.stacks[0][0]
                arrays["table"] = model.table.weight.grad[1:].numpy()
                arrays["lowest"] = lowest.weight_hr_l0.grad.numpy().T
            np.savez(request["save"], **arrays)
        return {"seconds": seconds, "peak": peak_mebibytes()}

    answer(handle)


if __name__ == "__main__":
    main()
