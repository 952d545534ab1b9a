"""What a BERT is pretrained on, by name."""

from typing import Literal

PairObjective = Literal["next_sentence", "sentence_order"]
BertObjective = Literal[
    "next_sentence", "sentence_order", "none", "left_to_right"
]
OF_PAIRS = ("next_sentence", "sentence_order")
"""The objectives whose rows are text pairs; the others' are single texts."""
