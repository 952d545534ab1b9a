"""What `generation.py` measures: two works of new tokens, and a curve."""

from collections.abc import Sequence
from dataclasses import replace

from .curves import Curve
from .options import check_names
from .works import KERAS_HUB, OURS, Work

TORCH = ("torch eager", "torch SDPA")

GREEDY = Work(
    name="greedy_1",
    title="`gpt2_small`, greedy, 32 tokens and 128 new ones, 1 row",
    kind="greedy",
    model="gpt2_small",
    unit="new tokens",
    peers=(OURS, KERAS_HUB, *TORCH),
    rows=1,
    length=32,
    new=128,
    tolerance=0.0,
    bfloat16=(),
    warm_up=1,
)
BEAMS = Work(
    name="beams_1",
    title="Marian, 6 + 6 x 512, beam 4, 32 tokens to 64, 1 row",
    kind="beam_translation",
    model="marian_base",
    unit="new tokens",
    peers=(OURS, *TORCH),
    rows=1,
    length=32,
    new=64,
    tolerance=0.0,
    bfloat16=(),
    warm_up=1,
)
WORKS = tuple(
    replace(
        work,
        name=work.name.replace("1", str(rows)),
        title=work.title.replace("1 row", f"{rows} row{'s' * (rows > 1)}"),
        rows=rows,
    )
    for work in (GREEDY, BEAMS)
    for rows in (1, 8)
)
CURVE = Curve(
    "written",
    "`gpt2_small`, greedy, one new token after 16 to 1,000 tokens",
    "length",
    (16, 64, 128, 256, 512, 1000),
    replace(
        GREEDY,
        kind="next_token",
        peers=(OURS, KERAS_HUB, "torch SDPA"),
        new=20,  # 1,024 positions in all, with a first token
    ),
    tiny=(8, 16),
    label="tokens before it",
)
NAMES = (*(work.name for work in WORKS), CURVE.name)

_TINY = {"gpt2_small": "gpt2_mini", "marian_base": "marian_tiny"}


def tiny(work: Work) -> Work:
    """Returns a work of seconds, which shows that everything runs."""
    return replace(
        work,
        title=f"{work.title} (tiny: a check that it runs, no measurement)",
        model=_TINY[work.model],
        rows=min(work.rows, 2),
        length=min(work.length, 8),
        new=4,
    )


def by_names(
    names: Sequence[str], tiny_ones: bool
) -> tuple[list[Work], list[Curve]]:
    """Returns the works with these names, and the curve if it is named.

    Raises:
        ValueError: There is no name, or an unknown one.
    """
    check_names("works", names, NAMES)
    works = [work for work in WORKS if work.name in names]
    curves = [CURVE] if CURVE.name in names else []
    if not tiny_ones:
        return works, curves
    return [tiny(work) for work in works], [
        replace(x, values=x.tiny, work=tiny(x.work)) for x in curves
    ]
