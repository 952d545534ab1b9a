"""Files with the predictions and scores of tagged sentences."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.evaluation.confusion_picture import save_confusion
from keras_ctx.evaluation.score_tables import confusion_table, score_table
from keras_ctx.evaluation.tagging import TaggingTask
from keras_ctx.files.whole_file import write_text

PREDICTIONS, REPORT, CLASSES, CONFUSION = TAGGING_REPORT = (
    *("predictions.conll", "report.txt", "classes.json", "confusion.png"),
)


def save_tagging_report(
    task: TaggingTask,
    sentences: Sequence[tuple[list[str], list[str]]],
    predicted: Sequence[Sequence[str]],
    folder: str | Path,
) -> list[str]:
    """Writes predictions, a report, and a picture of the confusion matrix.

    Args:
        task: The task, which knows the meaning of the tags.
        sentences: Words and their tags, in IOB2 or plain.
        predicted: The predicted tags, in IOB2 or plain, without those of words
            that were cut off.
        folder: The folder to write to. It is created if it does not exist.
            `predictions.conll` has a line per word: the word, its tag and the
            prediction, in the scheme of the files, separated by tabs if words
            have blanks. `report.txt` has all scores, the scores of each type,
            and confusions. `classes.json` has the scores of each type.
            `confusion.png` shows the confusions.

    Returns:
        The names of the files that were written.

    Raises:
        ModuleNotFoundError: `matplotlib` is not installed, or for plain tags
            `scikit-learn`.

    Example:
        >>> task = TaggingTask(["B-LOC", "O"])
        >>> save_tagging_report(
        ...     task, [(["In", "Rome"], ["O", "B-LOC"])], [["O", "O"]], "out")
        ['predictions.conll', 'report.txt', 'classes.json', 'confusion.png']
        >>> print(Path("out/predictions.conll").read_text(), end="")
        In O O
        Rome B-LOC O
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_words(task, sentences, predicted, folder / PREDICTIONS)
    true = [tags for _, tags in sentences]
    scores = task.scores(true, predicted)
    classes = task.classes(true, predicted)
    write_text(
        folder / CLASSES,
        json.dumps(classes, ensure_ascii=False, indent=2) + "\n",
    )
    report = ["\n".join(f"{k:<18} {v:.4f}" for k, v in scores.items())]
    cut = sum(map(len, true)) - sum(map(len, predicted))
    if cut:
        counted = "wrong" if task.is_plain else '"O"'
        report.append(f"{cut} words that were cut off count as {counted}.")
    if classes:
        report.append(score_table(classes))
    names, matrix = task.confusions(true, predicted)
    report.append("Words of each type, and their predicted types:")
    report.append(confusion_table(matrix, names))
    if not save_confusion(matrix, names, folder / CONFUSION):
        report.append(
            f"{CONFUSION} numbers the types from 0, in the order above: no "
            "installed font has their characters."
        )
    write_text(folder / REPORT, "\n\n".join(report) + "\n")
    return list(TAGGING_REPORT)


def _write_words(
    task: TaggingTask,
    sentences: Sequence[tuple[list[str], list[str]]],
    predicted: Sequence[Sequence[str]],
    path: Path,
) -> None:
    blank = any(" " in word for words, _ in sentences for word in words)
    mark = "\t" if blank else " "
    outside = "_" if task.is_plain else task.scheme.outside
    blocks = []
    for (words, tags), best in zip(sentences, predicted, strict=True):
        rows = itertools.zip_longest(
            words,
            task.scheme.from_iob2(tags),
            task.scheme.from_iob2(best),
            fillvalue=outside,
        )
        blocks.append("".join(f"{mark.join(row)}\n" for row in rows))
    write_text(path, "\n".join(blocks))
