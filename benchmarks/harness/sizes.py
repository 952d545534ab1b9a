"""The models of `scaling.py`: a size, and the number that varies, in a name.

"layers_6" is a BERT of 6 layers with MiniLM's features, "words_800000" a biLM
that predicts 800,000 words. Their weights are random.
"""

LAYERS, WORDS = "layers", "words"

# MiniLM's.
HEADS, FEATURES, INNER = 12, 384, 1536
POSITIONS = 2048

# A small biLM: the softmax takes most of its time from 10,000 words on.
FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128))
CELLS, PROJECTION = 512, 128
NEGATIVES = 8192
"""Of the sampled softmax, as in bilm-tf."""


def model_name(kind: str, number: int) -> str:
    return f"{kind}_{number}"


def number_of(model: str) -> int:
    """Returns the number in a name."""
    return int(model.rpartition("_")[2])
