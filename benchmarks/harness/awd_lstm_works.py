"""What `awd_lstm_speed.py` measures: an AWD-LSTM read and trained."""

from collections.abc import Sequence
from dataclasses import replace

from .options import check_names
from .works import MIXED, OURS, PURE, TORCH_AWD, Work

# Vocabulary, embeddings and widths: those of the paper on the Penn Treebank.
SIZES = {
    "awd_lstm": (10_000, 400, (1150, 1150, 400)),
    "awd_lstm_tiny": (50, 8, (12, 12, 8)),
}

INFERENCE = Work(
    name="encoder",
    title="AWD-LSTM, 400-1150-1150-400, the last layer of 64 x 70 tokens",
    kind="awd_lstm",
    model="awd_lstm",
    unit="tokens",
    peers=(OURS, TORCH_AWD),
    rows=64,
    length=70,
    bfloat16=(PURE,),
    warm_up=1,
)
WORKS = (
    INFERENCE,
    replace(
        INFERENCE,
        name="training",
        title="The same with its output of 10,000 words, training step with "
        "SGD, no dropout",
        kind="awd_lstm_training",
        # Losses near log 10,000 of the same steps from the same weights.
        tolerance=1e-3,
        bfloat16=(MIXED,),
        checks=3,
    ),
)
NAMES = tuple(work.name for work in WORKS)


def by_names(names: Sequence[str], tiny_ones: bool) -> list[Work]:
    """Returns the works with these names, in the order of `WORKS`.

    Raises:
        ValueError: There is no name, or an unknown one.
    """
    check_names("works", names, NAMES)
    chosen = [work for work in WORKS if work.name in names]
    if not tiny_ones:
        return chosen
    return [
        replace(
            work,
            title=f"{work.title} (tiny: a check that it runs, no measurement)",
            model="awd_lstm_tiny",
            rows=3,
            length=7,
        )
        for work in chosen
    ]
