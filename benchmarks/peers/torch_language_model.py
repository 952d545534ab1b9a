"""A training step of a plain biLM in PyTorch, with the softmax over all words.

Rows carry their states from step to step; each distinct word's characters are
computed once, as by ours.
"""

import json
from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from .step import Step, Task, distinct_words
from .torch_lstm import ELMo, char_ids

PACKAGES = ("torch",)


class LanguageModel(nn.Module):
    """An ELMo's two stacks of LSTMs under one softmax."""

    def __init__(self, folder: Path):
        super().__init__()
        options = json.loads((folder / "options.json").read_text("utf-8"))
        self.elmo = ELMo(options)
        with np.load(folder / "weights.npz") as weights:
            self.elmo.load(weights)
        kernel = torch.from_numpy(np.load(folder / "softmax.npy"))
        self.softmax = nn.Linear(kernel.shape[1], len(kernel), device="meta")
        self.softmax.weight = nn.Parameter(kernel)
        self.softmax.bias = nn.Parameter(torch.zeros(len(kernel)))
        self.states: list = [[None] * len(x) for x in self.elmo.stacks]

    def forward(self, characters, word_ids, targets):
        """Returns the sum of the mean losses of both directions."""
        words = self.elmo.encode(characters)
        losses = []
        for direction, stack in enumerate(self.elmo.stacks):
            x = words[word_ids[direction]]
            states = self.states[direction]
            for i, lstm in enumerate(stack):
                y, state = lstm(x, states[i])
                states[i] = [part.detach() for part in state]
                x = y + x if i else y
            logits = self.softmax(x).flatten(0, 1)
            goal = targets[direction].flatten()
            losses.append(functional.cross_entropy(logits, goal))
        return torch.stack(losses).sum()


def language_model(task: Task) -> Step:
    """Returns a step of Adagrad, which returns the loss before it."""
    torch.set_num_threads(task["threads"])
    model = LanguageModel(Path(task["folder"]))
    # The settings of bilm-tf, as in `training.elmo_optimizer`.
    optimizer = torch.optim.Adagrad(
        model.parameters(),
        0.2,
        initial_accumulator_value=1.0,
        eps=0.0,
        fused=True,
    )

    def feed(inputs):
        distinct, word_ids = distinct_words(
            inputs["rows"], inputs["backward_rows"]
        )
        characters, _ = char_ids([distinct])
        return (
            characters[0, 1:-1],  # without the markers
            torch.tensor(word_ids).long(),
            torch.tensor(inputs["targets"]),
        )

    def compute(fed):
        loss = 0.5 * task["max_length"] * model(*fed)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return Step(feed, compute, lambda loss: np.array([loss], "float32"))


STEPS = {"language_model": language_model}
