"""Files with predicted semantic roles and their scores."""

import json
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.data.roles.json_lines import json_lines
from keras_ctx.evaluation.roles.proposition import Proposition
from keras_ctx.evaluation.roles.scores import role_label_scores, role_scores
from keras_ctx.evaluation.score_tables import score_table
from keras_ctx.files.whole_file import write_text

PREDICTIONS, REPORT, CLASSES = ROLE_REPORT = (
    *("predictions.jsonl", "report.txt", "classes.json"),
)


def save_role_report(
    sentences: Sequence[tuple[Sequence[str], Sequence[Proposition]]],
    predicted: Sequence[Sequence[Proposition]],
    folder: str | Path,
) -> list[str]:
    """Writes predicted propositions, and the scores of each label.

    Args:
        sentences: The words of each sentence, and its propositions, as
            `read_propositions` returns them.
        predicted: The propositions predicted for each sentence.
        folder: The folder to write to. It is created if it does not exist.
            `predictions.jsonl` has the layout of JSON lines that
            `read_propositions` reads.

    Returns:
        The names of the files that were written.

    Example:
        >>> true = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")], "fall")
        >>> found = true.with_tags(["B-ARG0", "O"])
        >>> save_role_report([(true.words, [true])], [[found]], "out")
        ['predictions.jsonl', 'report.txt', 'classes.json']
        >>> print(Path("out/predictions.jsonl").read_text(), end="")
        {"sent_id": "0", "words": ["It", "fell"], "predicate": 1, ...}
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    true = [there for _, there in sentences]
    lines = [
        line
        for number, (words, _) in enumerate(sentences)
        for line in json_lines(number, words, predicted[number])
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
