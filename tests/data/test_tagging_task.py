"""Scores of tags compared with seqeval and scikit-learn."""

import random

import numpy as np
import pytest
from seqeval import scheme as seqeval
from seqeval.metrics import classification_report, f1_score
from sklearn import metrics

from keras_ctx.data import TaggingTask, TagScheme, strict_f1
from keras_ctx.evaluation.tag_schemes.schemes import exact_spans, span_tags

TAGS = ["O", "O", "B-X", "I-X", "B-Y", "I-Y", "B-Z", "I-Z"]


def random_tags(rng: random.Random, number: int = 40) -> list[list[str]]:
    return [
        [rng.choice(TAGS) for _ in range(rng.randrange(1, 12))]
        for _ in range(number)
    ]


def test_spans_are_scored_as_seqeval_does() -> None:
    rng = random.Random(1)
    task = TaggingTask(TAGS[1:])
    for _ in range(10):
        true = random_tags(rng)
        best = [
            [tag if rng.random() < 0.6 else rng.choice(TAGS) for tag in tags]
            for tags in true
        ]
        report = classification_report(
            *(true, best),
            mode="strict",
            scheme=seqeval.IOB2,
            output_dict=True,
            zero_division=0,
        )
        found = task.classes(true, best)
        for kind in "XYZ":
            expected = report[kind]
            assert found[kind] == {
                "precision": pytest.approx(expected["precision"], abs=1e-12),
                "recall": pytest.approx(expected["recall"], abs=1e-12),
                "f1": pytest.approx(expected["f1-score"], abs=1e-12),
                "support": expected["support"],
            }
        scores = task.scores(true, best)
        micro, macro = report["micro avg"], report["macro avg"]
        assert scores == {
            "f1": pytest.approx(micro["f1-score"], abs=1e-12),
            "precision": pytest.approx(micro["precision"], abs=1e-12),
            "recall": pytest.approx(micro["recall"], abs=1e-12),
            "f1_macro": pytest.approx(macro["f1-score"], abs=1e-12),
        }


def test_words_that_are_cut_off_are_in_no_span() -> None:
    task = TaggingTask(["B-X", "I-X", "O"])
    true = [["B-X", "I-X", "O"], ["O", "B-X"], ["B-X"]]
    # By hand: only the last is right; the first ends too early.
    scores = task.scores(true, [["B-X"], ["O"], ["B-X"]])
    assert scores["precision"] == 1 / 2 and scores["recall"] == 1 / 3
    names, matrix = task.confusions(true, [["B-X"], ["O"], ["B-X"]])
    assert names == ["O", "X"]
    assert matrix.tolist() == [[2, 0], [2, 2]]


def test_nothing_to_find() -> None:
    task = TaggingTask(["B-X", "O"])
    assert set(task.scores([["O"]], [["O"]]).values()) == {0.0}
    assert task.classes([["O"]], [["O"]]) == {}
    found = task.classes([["O"]], [["B-X"]])
    assert found == {
        "X": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    }
    assert all(np.isfinite(list(task.scores([], []).values())))


def test_spans_without_types() -> None:
    task = TaggingTask(["B", "I", "O"])
    found = task.classes([["B", "I", "O", "B"]], [["B", "I", "B", "O"]])
    assert found["span"]["f1"] == 0.5 and found["span"]["support"] == 2


def test_plain_tags_are_scored_as_scikit_learn_does() -> None:
    rng = random.Random(2)
    task = TaggingTask(["N", "V", "X"], TagScheme("plain"))
    true = [[rng.choice("NVX") for _ in range(9)] for _ in range(20)]
    best = [[rng.choice("NVV") for _ in range(9)] for _ in range(20)]
    flat = sum(true, []), sum(best, [])
    assert task.metric == "accuracy"
    assert task.scores(true, best) == {
        "accuracy": pytest.approx(metrics.accuracy_score(*flat)),
        "f1_macro": pytest.approx(
            metrics.f1_score(*flat, average="macro", zero_division=0)
        ),
    }
    report = metrics.classification_report(
        *flat, output_dict=True, zero_division=0
    )
    for tag in "NVX":
        found = task.classes(true, best)[tag]
        assert found["recall"] == pytest.approx(report[tag]["recall"])
        assert found["support"] == report[tag]["support"]
    names, matrix = task.confusions(true, best)
    np.testing.assert_array_equal(
        matrix, metrics.confusion_matrix(*flat, labels=names)
    )


def test_plain_tags_that_are_cut_off_are_wrong() -> None:
    task = TaggingTask(["N", "V"], TagScheme("plain"))
    assert task.scores([["N", "V"]], [["N"]])["accuracy"] == 0.5
    assert task.confusions([["N", "V"]], [["N"]])[0] == ["(cut off)", "N", "V"]
    assert set(task.classes([["N", "V"]], [["N"]])) == {"N", "V"}


def test_majority() -> None:
    train = [(["a", "b", "a"], ["B-X", "O", "B-X"]), (["a"], ["O"])]
    assert TaggingTask(["B-X", "O"]).majority(train, [["a", "c"], ["b"]]) == [
        *(["B-X", "O"], ["O"]),
    ]
    plain = TaggingTask(["N", "V"], TagScheme("plain"))
    assert plain.majority([(["a", "b", "c"], [*"VVN"])], [["a", "z"]]) == [
        ["V", "V"]
    ]


@pytest.mark.parametrize(
    "name, scheme",
    [
        *(("IOB1", seqeval.IOB1), ("IOB2", seqeval.IOB2)),
        *(("BIOES", seqeval.IOBES), ("BILOU", seqeval.BILOU)),
        *(("BMES", seqeval.IOBES), ("IOE2", seqeval.IOE2)),
    ],
)
def test_strict_f1_is_of_the_scheme_of_the_truth(name, scheme) -> None:
    rng = random.Random(5)
    for _ in range(20):
        true, best = [], []
        for _ in range(10):
            spans = [(0, 1, "X"), (1, 3, "X"), (4, 7, "Y"), (7, 8, "Y")]
            spans = [span for span in spans if rng.random() < 0.8]
            true.append(span_tags(spans, 9, name))
            best.append(rng.sample(true[-1], 9))  # may be invalid
            if rng.random() < 0.5:
                best[-1] = true[-1]
        same = str.maketrans("M", "I")
        expected = f1_score(
            *(
                [[t[0].translate(same) + t[1:] for t in row] for row in rows]
                for rows in (true, best)
            ),
            mode="strict",
            scheme=scheme,
            zero_division=0,
        )
        assert strict_f1(true, best) == pytest.approx(expected, abs=1e-12)
        assert strict_f1(true, true) == 1.0


def test_strict_f1_of_plain_tags_is_the_accuracy() -> None:
    assert strict_f1([["NN", "VB"]], [["NN", "NN"]]) == 0.5
    assert strict_f1([["O"]], [["B-X"]]) == 0.0


def test_strict_f1_of_schemes_that_seqeval_does_not_know() -> None:
    true = [["S-X", "O", "B-Y", "I-Y"]]
    assert strict_f1(true, true) == 1.0
    assert strict_f1(true, [["S-X"]]) == pytest.approx(2 / 3)
    # B for one word is invalid and not a span: 1 of 2, and 1 of 1 right.
    found = strict_f1(true, [["B-X", "O", "B-Y", "I-Y"]])
    assert found == pytest.approx(2 / 3)


def test_spans_inside_a_model_are_exact_as_in_seqeval() -> None:
    rng = random.Random(3)
    task = TaggingTask([], model_scheme="BIOES")
    letters = ["O", "O", *(f"{x}-{y}" for x in "BIES" for y in "XY")]
    lengths = [rng.randrange(1, 9) for _ in range(300)]
    true, best = (
        [[rng.choice(letters) for _ in range(n)] for n in lengths]
        for _ in range(2)
    )
    # Random tags seldom are right: let some be.
    best = [
        a if rng.random() < 0.5 else b for a, b in zip(true, best, strict=True)
    ]
    expected = f1_score(true, best, mode="strict", scheme=seqeval.IOBES)
    found = task.scores(
        *([task.from_model(x) for x in y] for y in (true, best))
    )
    assert found["f1"] == pytest.approx(expected, abs=1e-12)
    assert 0.3 < expected < 0.9
    for tags in random_tags(rng):
        exact = span_tags(exact_spans(tags), len(tags))
        assert task.from_model(task.to_model(tags)) == exact
