"""Files with predicted semantic roles and their scores."""

import json
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.evaluation.roles.proposition import Proposition
from keras_ctx.evaluation.roles.scores import role_label_scores, role_scores
from keras_ctx.evaluation.score_tables import score_table
from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import write_text

PREDICTIONS, REPORT, CLASSES = ROLE_REPORT = (
    *("predictions.jsonl", "report.txt", "classes.json"),
)


def save_role_report(
    true: Sequence[Sequence[Proposition]],
    predicted: Sequence[Sequence[Proposition]],
    folder: str | Path,
) -> list[str]:
    """Writes predicted propositions, and the scores of each label.

    Args:
        true: The propositions of each sentence.
        predicted: Those predicted for the same sentences.
        folder: The folder to write to. It is created if it does not exist.
            `predictions.jsonl` has a predicate a line, as `read_propositions`
            reads it; a sentence without predicates has no line.

    Returns:
        The names of the files that were written.

    Example:
        >>> true = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")], "fall")
        >>> found = true.with_tags(["B-ARG0", "O"])
        >>> save_role_report([[true]], [[found]], "out")
        ['predictions.jsonl', 'report.txt', 'classes.json']
        >>> print(Path("out/predictions.jsonl").read_text(), end="")
        {"sent_id": "0", "words": ["It", "fell"], "predicate": 1, ...}
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        json_text(_line(number, one))
        for number, found in enumerate(predicted)
        for one in found
    ]
    write_text(folder / PREDICTIONS, "".join(f"{x}\n" for x in lines))
    labels = role_label_scores(true, predicted)
    figures = "\n".join(
        f"{name}: {value:.4f}"
        if isinstance(value, float)
        else f"{name}: {value}"
        for name, value in role_scores(true, predicted).items()
    )
    write_text(folder / REPORT, f"{figures}\n\n{score_table(labels)}\n")
    write_text(folder / CLASSES, json.dumps(labels, indent=2) + "\n")
    return list(ROLE_REPORT)


def _line(number: int, one: Proposition) -> dict:
    line = {
        "sent_id": str(number),
        "words": list(one.words),
        "predicate": one.predicate,
        "verb": [list(x) for x in one.verb],
        "arguments": [list(x) for x in one.arguments],
    }
    return line | ({} if one.sense is None else {"sense": one.sense})
