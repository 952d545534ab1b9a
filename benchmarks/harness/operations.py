"""Operations that a work needs: a product and its sum count as 2.

A row of T tokens through L blocks of D features, matrix products only, real
tokens only, needs

    forward  =  24 L D^2 T  +  4 L D T^2

for the weights of the blocks and attention. A masked position adds
2 (D^2 + D V). Training needs 3 times that, for the gradients of both factors.
A word needs the LSTMs of ELMo, in two directions, and each distinct word of a
batch its characters. What an implementation computes twice, or for padding,
does not count.
"""

from collections.abc import Sequence

import numpy as np

from .inputs import VOCABULARY_SIZE, Inputs
from .works import Work

# Blocks, features.
BERT = {
    "bert_tiny": (2, 128),
    "bert_small": (4, 512),
    "bert_base": (12, 768),
    "minilm": (6, 384),
}
# Cells, features of a direction, highways.
ELMO = {"elmo_small": (1024, 128, 1), "elmo_original": (4096, 512, 2)}
FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
CHARACTERS, CHARACTER_DIM, LSTM_LAYERS = 50, 16, 2

GRADIENTS = {"training", "masked_lm", "fine_tuning", "elmo_gradients"}


def bert_operations(model: str, lengths: Sequence[int]) -> float:
    blocks, features = BERT[model]
    row = np.array(lengths, "float64")
    return float(np.sum(blocks * features * row * (24 * features + 4 * row)))


def elmo_operations(model: str, rows: Sequence[Sequence[str]]) -> float:
    cells, features, highways = ELMO[model]
    filters = sum(count for _, count in FILTERS)
    encoder = 2 * highways * filters**2 + filters * features
    encoder += sum(
        width * CHARACTER_DIM * count * (CHARACTERS - width + 1)
        for width, count in FILTERS
    )
    cell = 2 * features * 4 * cells + cells * features
    words = [word for row in rows for word in row]
    lstms = 2 * LSTM_LAYERS * cell
    return 2.0 * (lstms * len(words) + encoder * len(set(words)))


def operations(
    work: Work, inputs: Inputs, lengths: Sequence[int] | None
) -> float | None:
    """Returns the operations of a step; `None`: nothing to multiply.

    Args:
        work: The work.
        inputs: The inputs of the step.
        lengths: Tokens of each text; `None` for inputs that are not texts.
    """
    if work.model in ELMO:
        total = elmo_operations(work.model, inputs["rows"])
    elif work.kind == "tokens":
        return None
    else:
        rows = inputs["lengths"] if lengths is None else lengths
        total = bert_operations(work.model, rows)
    if "positions" in inputs:
        features = BERT[work.model][1]
        masked = np.size(inputs["positions"])
        total += 2 * masked * features * (features + VOCABULARY_SIZE)
    return total * (3 if work.kind in GRADIENTS else 1)
