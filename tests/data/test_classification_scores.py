"""Scores compared with scikit-learn, scipy and results by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from keras_ctx.data import (
    Classification,
    LabelledTexts,
    MultiLabel,
    Regression,
    class_scores,
    classification_scores,
    confusion_matrix,
    confusion_table,
    is_constant,
    multi_label_scores,
    read_labelled,
    regression_scores,
    save_confusion,
    save_predictions,
    score_table,
)

RNG = np.random.default_rng(3)


def test_scores_are_those_of_glue() -> None:
    # 3 true positives, 1 false negative, 2 false positives, 4 true negatives.
    true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    found = classification_scores(true, [1, 1, 1, 0, 1, 1, 0, 0, 0, 0])
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["f1"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 2))
    matthews = (3 * 4 - 2 * 1) / np.sqrt((3 + 2) * (3 + 1) * (4 + 2) * (4 + 1))
    assert found["matthews"] == pytest.approx(matthews)
    negative = 2 * 4 / (2 * 4 + 1 + 2)
    assert found["f1_macro"] == pytest.approx((found["f1"] + negative) / 2)
    # Three classes: the mean of each one's F1 (1, 2/3, 0).
    found = classification_scores([0, 1, 2], [0, 1, 1])
    assert found["f1"] == found["f1_macro"] == pytest.approx((1 + 2 / 3) / 3)


@pytest.mark.parametrize(
    ("true", "predicted", "f1"),
    [
        ([0, 0], [0, 0], 0),
        ([1, 1], [1, 1], 1),
        ([0, 0], [1, 0], 0),
        ([1], [0], 0),
    ],
)
def test_one_class_is_scored_without_a_warning(true, predicted, f1) -> None:
    found = classification_scores(true, predicted)
    assert found["f1"] == f1 and found["matthews"] == 0
    assert all(np.isfinite(list(found.values())))


def test_classes_are_scikit_learns() -> None:
    true, predicted = RNG.integers(0, 4, (2, 60))
    expected = metrics.classification_report(
        true, predicted, labels=range(5), output_dict=True, zero_division=0
    )
    found = class_scores(true, predicted, list("abcde"))
    for number, scores in enumerate(found.values()):
        ours = {k.replace("f1", "f1-score"): v for k, v in scores.items()}
        assert ours == pytest.approx(expected[str(number)])
    assert found["e"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    np.testing.assert_array_equal(
        confusion_matrix(true, predicted, 5),
        metrics.confusion_matrix(true, predicted, labels=range(5)),
    )


@pytest.mark.parametrize("num_labels", [1, 2, 5])
def test_sets_are_scikit_learns(num_labels) -> None:
    true, predicted = RNG.integers(0, 2, (2, 40, num_labels))
    true[:, -1] = predicted[:, -1] = 0  # a label that no text has
    found = multi_label_scores(true, predicted)
    for average in ("micro", "macro"):
        # By hand, because scikit-learn reads one column as two classes.
        both = (true & predicted).sum(0)
        sizes = true.sum(0) + predicted.sum(0)
        expected = [2 * b / max(s, 1) for b, s in zip(both, sizes, strict=True)]
        if average == "micro":
            expected = [2 * both.sum() / max(sizes.sum(), 1)]
        assert found[f"f1_{average}"] == pytest.approx(np.mean(expected))
        if num_labels > 1:
            score = metrics.f1_score(
                true, predicted, average=average, zero_division=0
            )
            assert found[f"f1_{average}"] == pytest.approx(score)
    assert found["accuracy"] == metrics.accuracy_score(true, predicted)
    classes = class_scores(
        true, predicted, [f"l{k}" for k in range(num_labels)]
    )
    assert [x["support"] for x in classes.values()] == true.sum(0).tolist()
    for column, scores in enumerate(classes.values()):
        *expected, _ = metrics.precision_recall_fscore_support(
            true[:, column],
            predicted[:, column],
            labels=[1],
            average="macro",
            zero_division=0,
        )
        assert list(scores.values())[:3] == pytest.approx(expected)
    with pytest.raises(ValueError, match="shape of `true`"):
        multi_label_scores(true, predicted[:, :0])


def test_correlations_are_scipys_and_never_nan() -> None:
    true, predicted = RNG.normal(size=(2, 30)).round(1)  # with ties
    found = regression_scores(true, predicted)
    assert found["pearson"] == stats.pearsonr(true, predicted).statistic
    assert found["spearman"] == stats.spearmanr(true, predicted).statistic
    mean = (found["pearson"] + found["spearman"]) / 2
    assert found["pearson_spearman"] == pytest.approx(mean)
    for constant in (np.full(30, 0.3), np.full(30, 0.1) + 0.2, np.zeros(30)):
        for sides in ((true, constant), (constant, true)):
            assert set(regression_scores(*sides).values()) == {0.0}
    assert set(regression_scores([1.0], [2.0]).values()) == {0.0}
    assert not is_constant(np.array([1e-9, 2e-9]))
    with pytest.raises(ValueError, match="finite"):
        regression_scores([1.0, 2.0], [np.nan, 1.0])


def test_tables_line_up_over_chinese() -> None:
    scores = class_scores([0, 0, 1], [0, 1, 1], ["好", "neutral"])
    assert score_table(scores).splitlines() == [
        "         precision  recall     f1  support",
        "好           1.000   0.500  0.667        2",
        "neutral      0.500   1.000  0.667        1",
    ]
    matrix = confusion_matrix([0, 0, 1], [0, 1, 1], 2)
    assert confusion_table(matrix, ["好", "x"]).splitlines() == [
        "true \\ predicted  好  x",
        "好                 1  1",
        "x                  0  1",
    ]
    matrix = np.diag([9] * 20)
    matrix[3, 4], matrix[7, 1] = 2, 5
    labels = [f"l{k}" for k in range(20)]
    assert [
        x.split() for x in confusion_table(matrix, labels).splitlines()
    ] == [
        ["true", "predicted", "texts"],
        ["l7", "l1", "5"],
        ["l3", "l4", "2"],
    ]


@pytest.mark.quick("1", "2")
@pytest.mark.parametrize("num_classes", [1, 2, 40, 120])
def test_pictures(num_classes, tmp_path) -> None:
    labels = [f"$x_{k}$ {'long ' * 9}" for k in range(num_classes)]
    path = tmp_path / "new" / "confusion.png"
    matrix = RNG.integers(0, 9, (num_classes, num_classes))
    assert save_confusion(matrix, labels, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_picture_of_labels_that_no_font_has(tmp_path) -> None:
    # Unassigned, so that no font has it. A warning of matplotlib about a
    # missing character would be an error here.
    labels = ["\u0378", "b"]
    assert not save_confusion(np.eye(2, dtype=int), labels, tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
    # The picture uses a font with these characters if there is one, else
    # numbers.
    save_confusion(np.eye(2, dtype=int), ["好", "差"], tmp_path / "b.png")
    assert (tmp_path / "b.png").exists()


def rows_of(labels: list[str]) -> LabelledTexts:
    count = len(labels)
    texts = [f"t{k}" for k in range(count)]
    return LabelledTexts(Path("a"), list(range(count)), texts, None, labels)


def test_report_of_classes(tmp_path) -> None:
    labels = ["no", "yes", "no", "so"]
    logits = np.eye(3)[[0, 1, 2, 2]] * 2.5
    task = Classification(["no", "so", "yes"])
    written = save_predictions(task, rows_of(labels), logits, tmp_path / "new")
    assert written == [
        *("predictions.tsv", "report.txt", "classes.json", "confusion.png")
    ]
    predictions = tmp_path / "new" / "predictions.tsv"
    assert list(read_labelled(predictions, ["label", "prediction", "so"])) == [
        ("no", "no", "0.0000"),
        ("yes", "so", "2.5000"),
        ("no", "yes", "0.0000"),
        ("so", "yes", "0.0000"),
    ]
    report = (tmp_path / "new" / "report.txt").read_text("utf-8")
    assert "accuracy           0.2500" in report
    assert "true \\ predicted  no  so  yes" in report
    classes = json.loads((tmp_path / "new" / "classes.json").read_text())
    assert classes["no"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }


def test_report_of_sets_and_numbers(tmp_path) -> None:
    logits = np.array([[1.0, -1], [1, 1], [-2, -2]])
    save_predictions(
        *(MultiLabel(["a", "b"], "|"), rows_of(['["a"]', "", "b| a"])),
        *(logits, tmp_path),
    )
    lines = (tmp_path / "predictions.tsv").read_text().splitlines()
    assert lines[1:] == [
        "a\ta\t1.0000\t-1.0000",
        "\ta|b\t1.0000\t1.0000",
        "b|a\t\t-2.0000\t-2.0000",
    ]
    assert "f1_micro" in (tmp_path / "report.txt").read_text()
    assert not (tmp_path / "confusion.png").exists()
    numbers = rows_of(["1", "2", "4"])
    constant = np.full((3, 1), 0.5, "float32")
    written = save_predictions(Regression(), numbers, constant, tmp_path)
    assert written == ["predictions.tsv", "report.txt"]
    report = (tmp_path / "report.txt").read_text()
    assert "All predictions are 0.5: a correlation with them is" in report
    assert "pearson            0.0000" in report
    with pytest.raises(ValueError, match="1 numbers that are not finite"):
        constant[1] = np.nan
        save_predictions(Regression(), numbers, constant, tmp_path)
    same = np.tile([1.0, 0.0], (3, 1))
    task = Classification(["a", "b"])
    save_predictions(task, rows_of(["a", "b", "b"]), same, tmp_path)
    assert "All predictions are 'a'." in (tmp_path / "report.txt").read_text()
