"""What `scaling.py` measures: works in which one number grows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .options import check_names
from .sizes import LAYERS, WORDS, model_name
from .works import KERAS_HUB, ONNX, OURS, SAMPLED, TORCH_LM, Work

LABELS = {
    "length": "tokens of the row",
    "rows": "rows of a batch",
    LAYERS: "layers",
    WORDS: "words that the biLM predicts",
}


@dataclass(frozen=True)
class Curve:
    """A work with several values of one number."""

    name: str
    title: str
    number: str
    """Key of `LABELS`: a field of the work, or what its model's name counts."""
    values: tuple[int, ...]
    work: Work
    tiny: tuple[int, ...]
    """The values of a check that it runs."""
    label: str = ""
    """Of the number, if not that of `LABELS`."""

    @property
    def axis(self) -> str:
        """What the number is."""
        return self.label or LABELS[self.number]

    def works(self) -> Iterator[tuple[int, Work]]:
        """Yields each value with its work."""
        for value in self.values:
            if self.number in (LAYERS, WORDS):
                change = {"model": model_name(self.number, value)}
            else:
                change = {self.number: value}
            name = f"{self.name}_{value}"
            yield value, replace(self.work, name=name, **change)


FORWARD = Work(
    name="forward",
    title="Forward",
    kind="inference",
    model=model_name(LAYERS, 6),
    unit="tokens",
    peers=(OURS, KERAS_HUB, "torch SDPA", ONNX),
    rows=1,
    warm_up=1,
)
# The second loss shows that the first update is the same.
TRAINING = replace(
    FORWARD,
    name="training",
    title="Training step with AdamW",
    kind="training",
    peers=(OURS, KERAS_HUB, "torch SDPA"),
    checks=2,
    tolerance=2e-3,
)
LANGUAGE_MODEL = Work(
    name="language_model",
    title="Training step of a small biLM with Adagrad",
    kind="language_model",
    model=model_name(WORDS, 1000),
    unit="words",
    peers=(OURS, SAMPLED, TORCH_LM),
    rows=16,
    length=20,
    warm_up=1,
    checks=2,
    tolerance=2e-3,
)


def _of_bert(
    name: str,
    title: str,
    number: str,
    values: tuple[int, ...],
    tiny: tuple[int, ...],
    **sizes: int,
) -> Iterator[Curve]:
    """Yields the curve of the forward pass, and that of training."""
    for work, suffix in ((FORWARD, ""), (TRAINING, "_training")):
        yield Curve(
            f"{name}{suffix}",
            f"{work.title}, {title}",
            number,
            values,
            replace(work, **sizes),
            tiny,
        )


CURVES = (
    *_of_bert(
        "length",
        "6 layers, one row of 32 to 2,048 tokens",
        "length",
        (32, 128, 512, 1024, 2048),
        (16, 32),
    ),
    *_of_bert(
        "batch",
        "6 layers, 1 to 256 rows of 32 tokens",
        "rows",
        (1, 4, 16, 64, 256),
        (1, 2),
        length=32,
    ),
    *_of_bert(
        "layers",
        "1 to 24 layers, 8 x 128 tokens",
        LAYERS,
        (1, 3, 6, 12, 24),
        (1, 2),
        rows=8,
        length=128,
    ),
    Curve(
        "vocabulary",
        f"{LANGUAGE_MODEL.title}, 1,000 to 800,000 words, 16 x 20 words",
        WORDS,
        (1_000, 10_000, 100_000, 800_000),
        LANGUAGE_MODEL,
        (1_000, 9_000),
    ),
)
NAMES = tuple(curve.name for curve in CURVES)


def tiny(curve: Curve) -> Curve:
    """Returns a curve of seconds, which shows that everything runs."""
    work = replace(
        curve.work,
        model=model_name(LAYERS, 1),
        rows=min(curve.work.rows, 2),
        length=min(curve.work.length, 16),
        warm_up=0,
    )
    title = f"{curve.title} (tiny: a check that it runs, no measurement)"
    return replace(curve, title=title, values=curve.tiny, work=work)


def by_names(names: Sequence[str], tiny_ones: bool) -> list[Curve]:
    """Returns the curves with these names, in the order of `CURVES`.

    Raises:
        ValueError: There is no name, or an unknown one.
    """
    check_names("curves", names, NAMES)
    chosen = [curve for curve in CURVES if curve.name in names]
    return [tiny(curve) for curve in chosen] if tiny_ones else chosen
