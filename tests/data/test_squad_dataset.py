"""Batches of questions and windows, with real text inputs."""

from pathlib import Path
from unicodedata import category, normalize

import numpy as np
import pytest
from squad_files import IMPOSSIBLE, write_squad

from keras_ctx.data import (
    SquadAnswer,
    SquadQuestion,
    question_windows,
    read_squad,
    squad_dataset,
)
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SMALL = BertInputs([*SPECIAL, "who", "ab", "##c", "d", "?"], 13)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PIECES = BertInputs([*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS)], 60)
ELMO = ElmoInputs(max_characters=8, max_length=45)


def windows_of(path: Path, inputs, training=True, **options):
    options = {"stride": 7, "max_question": 30, **options}
    return question_windows(
        read_squad(path), inputs, training=training, **options
    )


def test_positions_by_hand() -> None:
    context = "d (abc) d abc"
    questions = [
        SquadQuestion("1", "who ?", context, (SquadAnswer("abc", 3),)),
        SquadQuestion("2", "who", context, (SquadAnswer("(abc) d", 2),)),
        SquadQuestion("3", "who", context, (), is_impossible=True),
    ]
    made = question_windows(questions, SMALL, training=True, max_question=4)
    assert len(made.windows) == 3
    dataset = squad_dataset(made, SMALL, batch_size=3, training=True)
    features, targets = next(iter(dataset))
    rows = zip(
        SMALL.tokens(
            [made.question_words[0], made.question_words[1], ["who"]],
            3 * [["d", "(", "abc", ")", "d", "abc"]],
        ).numpy()[:, :7],
        [(6, 7), (4, 8), (0, 0)],
        strict=True,
    )
    # [CLS] who ? [SEP] d ( ab c ) ... and [CLS] who [SEP] d ( ab c ) d ...
    assert [row[0].tolist() for row in rows] == [
        [b"[CLS]", b"who", b"?", b"[SEP]", b"d", b"(", b"ab"],
        [b"[CLS]", b"who", b"[SEP]", b"d", b"(", b"ab", b"c"],
        [b"[CLS]", b"who", b"[SEP]", b"d", b"(", b"ab", b"c"],
    ]
    found = {
        (start, end)
        for start, end in zip(
            targets["start_logits"].numpy().tolist(),
            targets["end_logits"].numpy().tolist(),
            strict=True,
        )
    }
    assert found == {(6, 7), (4, 8), (0, 0)}
    assert targets["start_logits"].dtype == targets["end_logits"].dtype
    assert targets["start_logits"].dtype.name == "int32"
    assert set(features) == {"token_ids", "segment_ids", "padding_mask"}


def plain(text: str) -> str:
    """Removes case, accents and spaces."""
    return "".join(
        c
        for c in normalize("NFD", text.lower())
        if not c.isspace() and category(c) != "Mn"
    )


@pytest.mark.parametrize(
    "inputs", [pytest.param(PIECES, marks=pytest.mark.slow), ELMO]
)
def test_positions_hold_the_answer(inputs, tmp_path: Path) -> None:
    made = windows_of(write_squad(tmp_path / "a.json", True), inputs)
    rows = {}  # features identify the window
    for window in made.windows:
        words = made.context_words[window.question]
        asked = [made.question_words[window.question]]
        shown = [[word for word, _ in words[window.first : window.limit]]]
        key = next(iter(inputs(asked, shown).values())).numpy().tobytes()
        rows[key] = (window, inputs.tokens(asked, shown).numpy()[0])
    assert len(rows) == len(made.windows)
    dataset = squad_dataset(made, inputs, batch_size=1, training=True)
    answered = set()
    for features, targets in dataset.take(len(made.windows)):
        key = next(iter(features.values())).numpy().tobytes()
        window, tokens = rows.pop(key)
        start = int(targets["start_logits"][0])
        end = int(targets["end_logits"][0])
        question = made.questions[window.question]
        if window.answer is None:
            assert start == end == 0
            continue
        found = plain(b"".join(tokens[start : end + 1]).decode())
        assert found in {plain(text) for text, _ in question.answers}
        answered.add(question.id)
    assert not rows
    impossible = {name for name, _, _ in IMPOSSIBLE}
    assert answered == {q.id for q in made.questions} - impossible


@pytest.mark.slow
@pytest.mark.parametrize(
    "bucket_batches",
    [
        pytest.param(1, marks=pytest.mark.slow),
        3,
        pytest.param(100, marks=pytest.mark.slow),
    ],
)
def test_training_epochs_are_permutations(bucket_batches, tmp_path) -> None:
    made = windows_of(write_squad(tmp_path / "a.json"), ELMO, stride=3)
    steps = len(made.windows) // 4

    def rows(count: int, **options) -> list[bytes]:
        dataset = squad_dataset(
            made,
            ELMO,
            **{
                "batch_size": 4,
                "training": True,
                "seed": 3,
                "bucket_batches": bucket_batches,
                **options,
            },
        )
        found = []
        for features, targets in dataset.take(count):
            positions = targets["start_logits"].numpy()
            for row, start in zip(
                features["char_ids"].numpy(), positions, strict=True
            ):
                real = row[(row > 0).any(-1)]
                found.append(real.tobytes() + bytes([int(start)]))
        return found

    whole = rows(3 * steps)
    for epoch in range(3):
        seen = whole[4 * steps * epoch : 4 * steps * (epoch + 1)]
        assert len(set(seen)) == 4 * steps
        assert rows(steps, first_step=steps * epoch) == seen
    assert whole != rows(3 * steps, seed=4)
    assert whole[: 4 * steps] != whole[4 * steps : 8 * steps]


@pytest.mark.quick("inputs1")
@pytest.mark.parametrize("inputs", [PIECES, ELMO])
def test_prediction_gives_every_window_once(inputs, tmp_path: Path) -> None:
    made = windows_of(write_squad(tmp_path / "a.json"), inputs, training=False)
    dataset = squad_dataset(made, inputs, batch_size=5, training=False)
    numbers, lengths = [], []
    for features, where in dataset:
        index = where["word_index"].numpy()
        first = next(iter(features.values()))
        assert index.shape == first.shape[:2]
        for number, row in zip(where["window"].numpy(), index, strict=True):
            window = made.windows[number]
            assert row.max() == window.limit - window.first - 1
            lengths.append(window.length)
            numbers.append(int(number))
    assert sorted(numbers) == list(range(len(made.windows)))
    assert lengths == sorted(lengths), "short rows first"
    assert np.ptp(lengths) > 0


def test_refused() -> None:
    question = SquadQuestion("q", "who", "d", (SquadAnswer("ab", 0),))
    made = question_windows([question], SMALL, training=True, max_question=4)
    with pytest.raises(ValueError, match="at least one window.*misplaced 1"):
        squad_dataset(made, SMALL, batch_size=1, training=True)
    made = question_windows([question], SMALL, training=False, max_question=4)
    with pytest.raises(ValueError, match="`batch_size` must be at most"):
        squad_dataset(made, SMALL, batch_size=2, training=True)
