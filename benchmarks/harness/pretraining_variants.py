"""The variants of pretraining, and the groups in which they are compared."""

from typing import Any, NamedTuple


class Variant(NamedTuple):
    """What is pretrained."""

    title: str
    objective: str = "none"
    masking_rate: float = 0.15
    layers: int = 2
    hidden: int = 128
    learning_rate: float = 1e-3


VARIANTS = {
    "next_sentence": Variant("masked words, next sentence", "next_sentence"),
    "sentence_order": Variant("masked words, sentence order", "sentence_order"),
    "none": Variant("masked words alone"),
    "left_to_right": Variant("left to right", "left_to_right"),
    "masked_5": Variant("5 % masked", masking_rate=0.05),
    "masked_30": Variant("30 % masked", masking_rate=0.3),
    "masked_50": Variant("50 % masked", masking_rate=0.5),
    "1x64": Variant("1 block of 64", layers=1, hidden=64),
    "4x256": Variant("4 blocks of 256", layers=4, hidden=256),
    # Not tuned: wider models diverge sooner.
    "4x512": Variant("4 blocks of 512", "none", 0.15, 4, 512, 5e-4),
    "8x512": Variant("8 blocks of 512", "none", 0.15, 8, 512, 5e-4),
}
"""The sizes from 2 x 128 are BERT-Tiny, Mini, Small and Medium of Turc et al.
2019; the smallest is half of Tiny."""
BILSTM, UNTRAINED = "left_to_right_bilstm", "none_untrained"
MORE = {
    BILSTM: "left to right, a BiLSTM on top",
    UNTRAINED: "not pretrained, 2 blocks of 128",
}
OTHER_TITLES = {
    "The share masked": "15 % masked",
    "Size": "2 blocks of 128",
}
GROUPS = {
    "Objective": (
        *(UNTRAINED, "next_sentence", "sentence_order", "none"),
        *("left_to_right", BILSTM),
    ),
    "The share masked": ("masked_5", "none", "masked_30", "masked_50"),
    "Size": ("1x64", "none", "4x256", "4x512", "8x512"),
}


def options(variant: Variant) -> dict[str, Any]:
    """Returns the options of `pretrain_bert.py`."""
    found = {
        "objective": variant.objective,
        "num-layers": variant.layers,
        "num-heads": max(1, variant.hidden // 64),
        "hidden-dim": variant.hidden,
        "learning-rate": variant.learning_rate,
    }
    if variant.objective != "left_to_right":
        found["masking-rate"] = variant.masking_rate
    return found


def title(name: str, group: str) -> str:
    """Returns the title of a variant in a table."""
    if name == "none" and group in OTHER_TITLES:
        return OTHER_TITLES[group]
    return MORE.get(name) or VARIANTS[name].title
