"""What papers found about pretraining, and whether small models agree."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from .entities import of_seeds


class Finding(NamedTuple):
    """A claim that one variant is better than another."""

    text: str
    better: str
    """Name of a variant."""
    worse: str


FINDINGS = (
    Finding(
        "BERT, table 5: next sentence helps (MNLI 84.4 against 83.9, QNLI 88.4 "
        "against 84.9)",
        "next_sentence",
        "none",
    ),
    Finding(
        "RoBERTa, table 2: single texts without it are better (MNLI 84.7 "
        "against 84.0)",
        "none",
        "next_sentence",
    ),
    Finding(
        "ALBERT: sentence order is better than next sentence",
        "sentence_order",
        "next_sentence",
    ),
    Finding(
        "BERT, table 5: masked words are better than left to right (MNLI 83.9 "
        "against 82.1, SQuAD 87.9 against 77.8)",
        "none",
        "left_to_right",
    ),
    Finding(
        "BERT, table 5: a BiLSTM on left to right helps with tokens (SQuAD "
        "84.9 against 77.8), not with sentences (MRPC 75.7 against 77.5)",
        "left_to_right_bilstm",
        "left_to_right",
    ),
    Finding(
        "BERT, table 5: masked words are better than that, too (SQuAD 87.9 "
        "against 84.9)",
        "none",
        "left_to_right_bilstm",
    ),
    *(
        Finding(f"Wettig et al.: {text}", better, worse)
        for text, better, worse in (
            (
                "more than 15 % is better (40 % in a large model)",
                "masked_30",
                "none",
            ),
            ("15 % is not universally the best", "masked_50", "none"),
        )
    ),
    Finding(
        "BERT chose 15 %, without a comparison: better than less",
        "none",
        "masked_5",
    ),
    *(
        Finding(
            "BERT, table 6: the larger is better, with equal updates "
            "(here: equal minutes)",
            better,
            worse,
        )
        for worse, better in (
            ("1x64", "none"),
            ("none", "4x256"),
            ("4x256", "4x512"),
            ("4x512", "8x512"),
        )
    ),
)


def verdict(better: Sequence[float], worse: Sequence[float]) -> str:
    """Returns the difference of two scores, and whether it agrees.

    A difference of less than two standard errors is neither.

    Args:
        better: The scores of the seeds of the variant that should be better.
        worse: Those of the other.
    """
    (high, spread), (low, other) = of_seeds(better), of_seeds(worse)
    error = sqrt(spread**2 / len(better) + other**2 / len(worse))
    found = "no difference"
    if len(better) > 1 and abs(high - low) > 2 * error:
        found = "agrees" if high > low else "disagrees"
    return f"{high - low:+.1f}, {found}"


def finding_rows(
    scores: Mapping[str, Mapping[str, Sequence[float]]],
) -> list[list[str]]:
    """Returns a row for each finding whose two variants were measured.

    Args:
        scores: The scores of the seeds, by variant and task.
    """
    rows = []
    for finding in FINDINGS:
        if {finding.better, finding.worse} <= scores.keys():
            better, worse = scores[finding.better], scores[finding.worse]
            text = f"{finding.text}: {finding.better} against {finding.worse}"
            rows.append([text, *(verdict(better[x], worse[x]) for x in better)])
    return rows
