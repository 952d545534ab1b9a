"""Checks of the labels of a data set, run before training."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from keras_ctx.data.tables.label_sets import listed_labels
from keras_ctx.data.tables.labelled_texts import LabelledTexts
from keras_ctx.evaluation.label_spelling import NUMBER, spelling

Files = Mapping[str, LabelledTexts]
# Usual names of these columns, in lower case.
_HEADERS = set(
    "label labels class classes category categories target sentiment emotion "
    "score rating stars polarity quality intent gold_label is_duplicate "
    "similarity topic text sentence sentence1 sentence2 text_a text_b review "
    "content premise hypothesis question question1 question2 tweet comment "
    "标签 类别 情感 文本 内容 评论 句子".split()
)
# The values of a multi-hot label.
_HOT = {"0", "1", "0.0", "1.0", "True", "False"}
# What some files write where there is no label.
_NONE = {"-1", "-", "?", "nan", "none", "null", "n/a", "unknown"}
_NAME = re.compile(r"[^\W\d][\w.#-]{0,30}")
# Files with fewer rows are too small to judge by counts.
_FEW_ROWS = 10
_HEADER_ROWS = 20
# In a file of up to 3 rows, labels may outnumber texts by chance. In a file of
# 6 rows or more, some label must occur twice.
_SINGLE_ROWS, _MANY_SINGLE = 3, 6


def check_header(files: Files, labels: Mapping[str, Sequence[str]]) -> None:
    """Refuses a first row that holds column names if columns are numbers.

    The label of such a row occurs in no later row. Moreover, the row holds a
    usual name of a column; or its label is a word where all other labels are
    numbers; or the row looks like names and all other labels are repeated.
    """
    later = Counter(
        itertools.chain.from_iterable(found[1:] for found in labels.values())
    )
    numbers = bool(later) and all(map(NUMBER.fullmatch, later))
    for name, rows in files.items():
        label = labels[name][0]
        if not later or label in later:
            continue
        cells = [rows.texts[0], *(rows.text_pairs or [])[:1], label]
        named = any(cell.strip().lower() in _HEADERS for cell in cells)
        like_names = (
            len(rows) > _HEADER_ROWS
            and min(later.values()) > 1
            and all(_NAME.fullmatch(cell.strip()) for cell in cells)
        )
        strange = numbers and not NUMBER.fullmatch(label)
        if named or like_names or (strange and _NAME.fullmatch(label)):
            raise ValueError(
                f"{rows.where(0)}: looks like the names of columns, {cells}. "
                "Name the columns in `columns`, or set `header` to True; "
                "False reads the row as data."
            )


def check_classes(files: Files, labels: Mapping[str, Sequence[str]]) -> None:
    """Refuses empty or near-equal labels, one class, swapped columns."""
    train = labels["train"]
    rows = files["train"]
    for name, found in labels.items():
        check_written(files[name], found)
    distinct = dict.fromkeys(train)
    if len(distinct) < 2:
        raise ValueError(
            f"{rows.path}: all {len(rows)} labels are {train[0]!r}, and at "
            "least two classes are needed. Is this the column of labels?"
        )
    if train[0].startswith("[") and train[0].endswith("]"):
        raise ValueError(
            f"{rows.where(0)}: the label is a list, {train[0][:60]!r}. Use "
            "`multi_label` for several labels per text."
        )
    check_many(rows, len(distinct), len(rows) / 2)
    if len(distinct) > 20 and _measures(distinct):
        raise ValueError(
            f"{rows.path}: the labels are {len(distinct)} different numbers, "
            f"such as {train[0]}. Use `regression` to predict numbers."
        )
    check_spelling(rows, train)
    _check_swapped(rows, len(distinct))
    check_seen(files, labels, set(distinct))


def check_many(
    rows: LabelledTexts, num_labels: int, most: float, few: int = _FEW_ROWS
) -> None:
    if len(rows) >= few and num_labels > most:
        raise ValueError(
            f"{rows.path}: there are {num_labels} different labels in "
            f"{len(rows)} rows. Are the columns of texts and labels swapped? "
            f"The label on line {rows.lines[0]} is {rows.labels[0][:60]!r}. "
            "`columns` are text, label: --columns 1 0 reads the text from the "
            "second column."
        )


def _check_swapped(rows: LabelledTexts, num_labels: int) -> None:
    """Refuses more labels than texts, also in a file of a few rows."""
    texts = zip(rows.texts, rows.text_pairs or rows.texts, strict=True)
    if len(rows) > _SINGLE_ROWS and num_labels > len(set(texts)):
        check_many(rows, num_labels, 0, few=_SINGLE_ROWS + 1)
    if not _measures(dict.fromkeys(rows.labels)):
        check_many(rows, num_labels, len(rows) - 1, few=_MANY_SINGLE)


def check_written(rows: LabelledTexts, labels: Sequence[str]) -> None:
    """Refuses a label that cannot be written into a line of a file."""
    for place, label in enumerate(labels):
        if not label:
            raise ValueError(
                f"{rows.where(place)}: the label is empty. Correct the row, or "
                'leave such rows out with `no_label` "".'
            )
        if set(label) & set("\t\n\r"):
            raise ValueError(
                f"{rows.where(place)}: a label must not hold a tab or a line "
                f"break. Received: {label[:60]!r}"
            )


def check_spelling(rows: LabelledTexts, labels: Sequence[str]) -> None:
    """Refuses labels that differ only in case, width, blanks, invisible
    characters or decimals."""
    seen: dict[str, tuple[str, int]] = {}
    known: set[str] = set()
    for place, label in enumerate(labels):
        if label in known:
            continue
        known.add(label)
        key = spelling(label)
        other, first = seen.setdefault(key, (label, place))
        if other != label:
            raise ValueError(
                f"{rows.where(place)}: the label {label!r} is nearly the same "
                f"as {other!r} on line {rows.lines[first]}, and would be "
                "another class. Write both the same way."
            )


def check_no_hot(rows: LabelledTexts, separator: str) -> None:
    """Refuses multi-hot labels: a 0 or 1 for each possible label.

    Read as names, they would be the labels "0" and "1".
    """
    lengths = set()
    for place, value in enumerate(rows.labels):
        try:
            found = listed_labels(value, separator)
        except ValueError as error:
            raise ValueError(f"{rows.where(place)}: {error}") from error
        lengths.add(len(found))
        if len(lengths) > 1 or len(found) < 2 or not set(found) <= _HOT:
            return
    raise ValueError(
        f"{rows.where(0)}: all labels are rows of {lengths.pop()} zeros and "
        "ones. Write the names of the labels that a text has, such as "
        f"{separator.join(['rain', 'wind'])!r}. Received: {rows.labels[0]!r}"
    )


def check_seen(
    files: Files, labels: Mapping[str, Sequence[str]], known: set[str]
) -> None:
    """Refuses labels that do not occur in the training file."""
    for name, found in labels.items():
        for place, label in enumerate(found):
            if label not in known:
                shown = ", ".join(map(repr, sorted(known)[:20]))
                none = label.lower() in _NONE
                raise ValueError(
                    f"{files[name].where(place)}: `labels` must hold only "
                    f"labels that occur in {files['train'].path}: a model "
                    "learns only these. Correct the row, or add texts with "
                    f"the label there. Received: {label!r}; known are {shown}"
                    + (", ..." if len(known) > 20 else "")
                    + (
                        f". If {label} means no label, leave such rows "
                        f"out with `no_label` {label}"
                        if none
                        else ""
                    )
                )


def numbers(rows: LabelledTexts) -> list[float]:
    """Returns the labels as numbers. Refuses others, and equal numbers."""
    found = []
    for place, label in enumerate(rows.labels):
        if not NUMBER.fullmatch(label) or abs(float(label)) > 3e38:
            raise ValueError(
                f"{rows.where(place)}: the label must be a finite number such "
                f"as 4.5. Received: {label[:60]!r}" + _advice(rows, place)
            )
        found.append(float(label))
    if len(set(found)) < 2:
        raise ValueError(
            f"{rows.path}: all {len(rows)} numbers are {found[0]}: a model "
            "cannot learn from equal numbers, and they have no correlation."
        )
    return found


def _advice(rows: LabelledTexts, place: int) -> str:
    if not rows.labels[place]:
        return ', an empty column. `no_label` "" leaves such rows out.'
    with_point = rows.labels[place].replace(",", ".", 1)
    if "," in rows.labels[place] and NUMBER.fullmatch(with_point):
        return ", with a comma. Write a decimal point."
    if NUMBER.fullmatch(rows.texts[place].strip()):
        return ". Are the columns of texts and labels swapped?"
    later = [x for k, x in enumerate(rows.labels) if k != place]
    if place == 0 and later and all(map(NUMBER.fullmatch, later)):
        return ". If the row names columns, use their names in `columns`."
    return ""


def _measures(labels: Mapping[str, None]) -> bool:
    """Returns whether all are numbers, and some are not integers."""
    return all(map(NUMBER.fullmatch, labels)) and any(
        not float(label).is_integer() for label in labels
    )
