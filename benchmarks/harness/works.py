"""What `speed.py` measures: one record for each work."""

from dataclasses import dataclass, replace

from .options import check_names

OURS, KERAS_HUB, GARDEN = "ours", "KerasHub", "Model Garden"
TORCH = ("torch eager", "torch SDPA", "torch compile")
ONNX, SENTENCES, TOKENIZERS = (
    *("ONNX Runtime", "sentence-transformers"),
    "tokenizers",
)
LSTM = ("torch LSTM padded", "torch LSTM packed")
SAMPLED, TORCH_LM = "ours, sampled softmax", "torch LSTM"
TORCH_AWD = "torch.nn.LSTM"

PURE, MIXED = "bfloat16", "mixed_bfloat16"


@dataclass(frozen=True)
class Work:
    """A work, the same for every peer."""

    name: str
    title: str
    kind: str
    """Key of the peers' `STEPS`, and of `inputs.MAKERS`."""
    model: str
    """Name in `models.FOLDERS`."""
    unit: str
    """What is counted: real tokens, words, sentences."""
    peers: tuple[str, ...]
    """Ours comes first."""
    rows: int
    """Rows of a step, or most texts; the page has the real number."""
    length: int = 128
    """Most tokens of a row."""
    new: int = 0
    """Tokens to generate for each row."""
    shortest: int | None = None
    """Fewest tokens of a row; `None`: all rows are of full length."""
    dropout: float = 0.0
    tolerance: float = 1e-4
    """Largest difference from ours in float32, by the largest number."""
    tolerance_bfloat16: float = 5e-2
    bfloat16: tuple[str, ...] = (PURE,)
    """Policies of bfloat16; libraries without policies take the first.
    Empty: there is nothing to compute in bfloat16."""
    warm_up: int = 2
    """Rounds before those that count."""
    rounds: int | None = None
    """Rounds, if not those of the command."""
    checks: int = 1
    """Steps, from the loaded weights on, whose results are compared."""


INFERENCE = (OURS, KERAS_HUB, *TORCH, ONNX, GARDEN)
TRAINING = (OURS, KERAS_HUB, *TORCH)
# Trained weights stay float32, since an update is too small for bfloat16.
TRAINED = {"bfloat16": (MIXED,), "checks": 3, "tolerance": 2e-3}

WORKS = (
    Work(
        "bert_base",
        "`bert_base`, inference, 8 x 128 tokens",
        "inference",
        "bert_base",
        "tokens",
        INFERENCE,
        rows=8,
        bfloat16=(PURE, MIXED),
    ),
    Work(
        "bert_base_padded",
        "`bert_base`, inference, 8 rows of 16 to 128 tokens",
        "inference",
        "bert_base",
        "tokens",
        INFERENCE,
        rows=8,
        shortest=16,
        bfloat16=(PURE, MIXED),
    ),
    Work(
        "training",
        "`bert_base`, training step with AdamW, 8 x 128 tokens, no dropout",
        "training",
        "bert_base",
        "tokens",
        TRAINING,
        rows=8,
        **TRAINED,
    ),
    Work(
        "training_dropout",
        "The same with dropout 0.1",
        "training",
        "bert_base",
        "tokens",
        TRAINING,
        rows=8,
        dropout=0.1,
        # The losses of a random model, near log 2, with random zeros.
        **{**TRAINED, "tolerance": 0.5, "tolerance_bfloat16": 0.5},
    ),
    Work(
        "masked_lm",
        "`bert_small`, masked LM step with AdamW, 32 x 128 tokens",
        "masked_lm",
        "bert_small",
        "tokens",
        TRAINING,
        rows=32,
        **TRAINED,
    ),
    Work(
        "texts",
        "MiniLM, sentences to vectors, text in",
        "texts",
        "minilm",
        "sentences",
        (OURS, SENTENCES, ONNX),
        rows=5000,
        warm_up=1,
        bfloat16=(PURE, MIXED),
    ),
    Work(
        "request",
        "MiniLM, one request of one sentence, exported",
        "request",
        "minilm",
        "sentences",
        (OURS, ONNX, SENTENCES),
        rows=1,
        warm_up=5,
        bfloat16=(),
        rounds=50,
    ),
    Work(
        "fine_tuning",
        "MiniLM, an epoch of fine-tuning, batches of 32 by length",
        "fine_tuning",
        "minilm",
        "sentences",
        (OURS, "torch SDPA"),
        rows=5000,
        # Accuracy on held-out sentences, of two orders of the batches.
        tolerance=0.1,
        tolerance_bfloat16=0.1,
        bfloat16=(MIXED,),
        warm_up=0,  # the compared epoch warms up
        rounds=2,
    ),
    *(
        Work(
            f"elmo_{rows}{suffix}",
            f"ELMo's original size, {title}, {rows} rows of 6 to 24 words",
            kind,
            "elmo_original",
            "words",
            (OURS, *LSTM),
            rows=rows,
            length=24,
            shortest=6,
            bfloat16=(policy,),
        )
        for kind, suffix, title, policy in (
            ("elmo", "", "forward", PURE),
            ("elmo_gradients", "_gradients", "forward and backward", MIXED),
        )
        for rows in (16, 64)
    ),
    Work(
        "tokens",
        "Tokenization of English sentences",
        "tokens",
        "minilm",
        "sentences",
        (OURS, TOKENIZERS),
        rows=5000,
        tolerance=0.0,
        bfloat16=(),
    ),
    Work(
        "tokens_chinese",
        "Tokenization of Chinese sentences",
        "tokens",
        "chinese",
        "sentences",
        (OURS, TOKENIZERS),
        rows=5000,
        tolerance=0.0,
        bfloat16=(),
    ),
)
NAMES = tuple(work.name for work in WORKS)

_TINY = {
    "bert_base": "bert_tiny",
    "bert_small": "bert_tiny",
    "elmo_original": "elmo_small",
}


def tiny(work: Work) -> Work:
    """Returns a work of seconds, which shows that everything runs."""
    return replace(
        work,
        title=f"{work.title} (tiny: a check that it runs, no measurement)",
        model=_TINY.get(work.model, work.model),
        rows=min(work.rows, 96 if work.unit == "sentences" else 4),
        length=min(work.length, 32),
        shortest=work.shortest and 4,
        rounds=work.rounds and min(work.rounds, 3),
    )


def by_names(names: tuple[str, ...], tiny_ones: bool) -> list[Work]:
    """Returns the works with these names, in the order of `WORKS`.

    Raises:
        ValueError: There is no name, or an unknown one.
    """
    check_names("works", names, NAMES)
    chosen = [work for work in WORKS if work.name in names]
    return [tiny(work) for work in chosen] if tiny_ones else chosen
