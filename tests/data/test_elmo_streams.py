"""Endless texts in windows, decoded from their bytes and rejoined."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import (
    RecordSettings,
    elmo_stream_dataset,
    write_manifest,
    write_shard,
)
from keras_ctx.text import ElmoInputs, WordInputs

VOCABULARY = ["<S>", "</S>", "<UNK>", "b", "c", "a", "d", "e"]  # without f
LINES = ["a b", "c", "d e f"]
B, U, N = 2, 4, 3
ELMO = ElmoInputs(6, distinct=True)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("a b\n\nc\n  \nd e f\n", encoding="utf-8")
    return path


def stream(path: Path, **options) -> tf.data.Dataset:
    settings: dict[str, Any] = {
        "text_inputs": ELMO,
        "vocabulary": VOCABULARY,
        "num_negatives": N,
        "batch_size": B,
        "window_size": U,
        "seed": 3,
        **options,
    }
    return elmo_stream_dataset(path, **settings)


def spelled(char_ids: np.ndarray) -> str:
    """Decodes a word from its row, between the begin and end markers."""
    inside = char_ids[1 : char_ids.tolist().index(260)].tolist()
    if inside in ([257], [258]):
        return "<S>" if inside == [257] else "</S>"
    return bytes(i - 1 for i in inside).decode()


def texts(path: Path, steps: int, **options) -> dict[str, tuple[list, list]]:
    """Returns for each direction the words of a row and their targets."""
    found: dict[str, tuple[list, list]] = {}
    for features, _, _ in stream(path, **options).take(steps):
        table = features["distinct_char_ids"].numpy()
        for key in ("forward", "backward"):
            ids = features[f"{key}_word_ids"].numpy()
            words, following = found.setdefault(
                key, ([[] for _ in ids], [[] for _ in ids])
            )
            for row in range(len(ids)):
                words[row] += [spelled(table[i]) for i in ids[row]]
                targets = features[f"{key}_targets"].numpy()[row]
                following[row] += targets.tolist()
    return found


def sentences(words: list[str], begin: str) -> list[list[str]]:
    """Returns the complete sentences of a row that starts with a marker."""
    assert words[0] == begin
    found: list[list[str]] = []
    for word in words:
        if word == begin:
            found.append([])
        else:
            found[-1].append(word)
    return found[:-1]  # the last may be cut


def test_one_line_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("a f b\n")
    [one, two] = list(stream(path, batch_size=1, window_size=5).take(2))
    expected = {
        "forward": (
            ["<S>", "a", "f", "b", "<S>"],
            [5, 2, 3, 1, 5],
            ["a", "f", "b", "<S>", "a"],
            [2, 3, 1, 5, 2],
        ),
        "backward": (
            ["</S>", "b", "f", "a", "</S>"],
            [3, 2, 5, 0, 3],
            ["b", "f", "a", "</S>", "b"],
            [2, 5, 0, 3, 2],
        ),
    }
    for key, values in expected.items():
        found = []
        for features, _, _ in (one, two):
            table = features["distinct_char_ids"].numpy()
            [ids] = features[f"{key}_word_ids"].numpy()
            found.append([spelled(table[i]) for i in ids])
            found.append(features[f"{key}_targets"].numpy()[0].tolist())
        assert tuple(found) == values


def test_rows_are_texts_without_gap_and_targets_what_follows(
    corpus: Path,
) -> None:
    for key, (words, following) in texts(corpus, 30).items():
        begin, end = ("<S>", 1) if key == "forward" else ("</S>", 0)
        lines = [line.split() for line in LINES]
        if key == "backward":
            lines = [line[::-1] for line in lines]
        assert len(words) == B
        for row in range(B):
            assert len(words[row]) == 30 * U
            found = sentences(words[row], begin)
            assert all(sentence in lines for sentence in found)
            # Never the marker on the other side, which is only a target.
            assert not {"<S>", "</S>"} - {begin} & set(words[row])
            expected = [
                end
                if word == begin
                else VOCABULARY.index(word if word in VOCABULARY else "<UNK>")
                for word in words[row][1:]
            ]
            assert following[row][:-1] == expected


def drawn_order(rows: list[list[list[str]]], steps: int) -> list[list[str]]:
    """Returns the order in which rows took sentences: row by row, each until
    its window was full."""
    waiting = [iter(row) for row in rows]
    have, order = [0] * len(rows), []
    for _ in range(steps):
        for row, sentence in enumerate(waiting):
            while have[row] < U:
                order.append(next(sentence, None))
                if order[-1] is None:
                    return order[:-1]
                have[row] += len(order[-1]) + 1
            have[row] -= U
    return order


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_rows_share_a_pass_and_a_pass_has_every_line_once(
    corpus: Path, rows: int
) -> None:
    steps = 40
    orders = {}
    found = texts(corpus, steps, batch_size=rows)
    for key, (words, _) in found.items():
        begin = "<S>" if key == "forward" else "</S>"
        parsed = [sentences(row, begin) for row in words]
        order = [" ".join(s) for s in drawn_order(parsed, steps)]
        lines = LINES if key == "forward" else ["b a", "c", "f e d"]
        passes = [order[i : i + 3] for i in range(0, len(order) - 2, 3)]
        assert len(passes) > 10
        assert all(sorted(each) == sorted(lines) for each in passes)
        assert len({tuple(each) for each in passes}) > 1
        orders[key] = [lines.index(line) for line in order]
    # Independent seeds, because equal ones would give the same order.
    shared = min(map(len, orders.values()))
    assert orders["forward"][:shared] != orders["backward"][:shared]


def arrays(dataset: tf.data.Dataset, steps: int) -> list[list[np.ndarray]]:
    return [
        [part.numpy() for part in tf.nest.flatten(step)]
        for step in dataset.take(steps)
    ]


def same(one: list, two: list) -> bool:
    return len(one) == len(two) and all(
        np.array_equal(a, b)
        for step, other in zip(one, two, strict=True)
        for a, b in zip(step, other, strict=True)
    )


@pytest.mark.slow
def test_first_step_goes_on_bit_equal(corpus: Path) -> None:
    whole = arrays(stream(corpus), 9)
    assert same(whole, arrays(stream(corpus), 9))
    for first in (1, 4, 7):
        resumed = arrays(stream(corpus, first_step=first), 9 - first)
        assert same(resumed, whole[first:])
    assert not same(whole, arrays(stream(corpus, seed=4), 9))


def test_unknown_word_is_unknown_as_target_alone(corpus: Path) -> None:
    words, following = texts(corpus, 30)["forward"]
    places = [i for i, word in enumerate(words[0][:-1]) if word == "f"]
    assert places
    for i in places:
        assert words[0][i - 1] == "e" and following[0][i - 1] == 2
    # Only "f" is unknown.
    assert following[0].count(2) - len(places) in (0, 1)


def test_shapes_weights_and_negatives(corpus: Path) -> None:
    drawn = []
    for features, targets, weights in stream(corpus).take(5):
        assert sorted(features) == [
            "backward_targets",
            "backward_word_ids",
            "distinct_char_ids",
            "forward_targets",
            "forward_word_ids",
            "negative_ids",
        ]
        # Each word once, in both directions together.
        table = features["distinct_char_ids"].numpy()
        read = {
            spelled(table[i])
            for key in ("forward", "backward")
            for i in np.ravel(features[f"{key}_word_ids"])
        }
        assert len(table) == 3 + len(read)
        negatives = features["negative_ids"].numpy()
        assert negatives.shape == (B, 2, N)
        assert (negatives == negatives[:1]).all()
        assert all(len(set(row)) == N for row in negatives[0].tolist())
        drawn.append(negatives[0].tolist())
        for key in ("forward", "backward"):
            assert features[f"{key}_word_ids"].shape == (B, U)
            assert features[f"{key}_targets"].dtype == tf.int32
            assert not targets[key].numpy().any()
            # Exact: an eighth of a power of two.
            assert weights[key].numpy().tolist() == [[0.125] * U] * B
    assert len({str(pair) for pair in drawn}) == 5
    assert any(sorted(f) != sorted(b) for f, b in drawn)
    features, _, _ = next(iter(stream(corpus, num_negatives=None)))
    assert "negative_ids" not in features


def test_each_device_has_all_words_in_its_rows(corpus: Path) -> None:
    settings = {"batch_size": 6, "num_negatives": None}
    several = stream(corpus, num_devices=2, **settings)
    for (ours, *_), (theirs, *_) in zip(
        several.take(5), stream(corpus, **settings).take(5), strict=True
    ):
        shared = ours.pop("distinct_char_ids").numpy()
        words = theirs.pop("distinct_char_ids").numpy()
        assert shared.shape[0] == 6
        for half in (shared[:3], shared[3:]):
            rows = half.reshape(-1, half.shape[-1])
            np.testing.assert_array_equal(rows[: len(words)], words)
            assert not rows[len(words) :].any()
        for key, values in theirs.items():
            np.testing.assert_array_equal(ours[key], values)
    with pytest.raises(ValueError, match="`batch_size` must be a multiple"):
        stream(corpus, num_devices=B + 1)


def test_static_shapes_let_a_model_be_compiled_once(corpus: Path) -> None:
    spec: Any = stream(corpus).element_spec
    features, _, _ = spec
    for key in ("forward_word_ids", "backward_word_ids", "forward_targets"):
        assert features[key].shape == (B, U)


def test_words_and_markers_by_their_ids(corpus: Path) -> None:
    inputs = WordInputs(VOCABULARY)
    for features, _, _ in stream(corpus, text_inputs=inputs).take(20):
        assert "distinct_char_ids" not in features
        for key, begin in (("forward", 0), ("backward", 1)):
            ids = features[f"{key}_word_ids"].numpy() - 1
            targets = features[f"{key}_targets"].numpy()
            end = 1 - begin
            assert end not in ids and begin not in targets
            # The target is the next word read; an end marker is read as a begin
            # marker.
            following = np.where(targets == end, begin, targets)
            np.testing.assert_array_equal(ids[:, 1:], following[:, :-1])
            assert (ids >= 0).all()


def test_characters_are_split_by_the_function_given(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("ab\n")
    words, _ = texts(path, 2, split=list, batch_size=1)["forward"]
    assert words == [["<S>", "a", "b", "<S>", "a", "b", "<S>", "a"]]


def test_a_window_of_one_line_keeps_the_order_of_the_file(
    corpus: Path,
) -> None:
    words, _ = texts(corpus, 9, shuffle_buffer=1, batch_size=1)["forward"]
    found = [" ".join(s) for s in sentences(words[0], "<S>")]
    assert found == list(itertools.islice(itertools.cycle(LINES), len(found)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"window_size": 0}, "`window_size` must be at least 1"),
        ({"num_negatives": 0}, "`num_negatives` must be at least 1"),
        ({"num_negatives": 9}, "`num_negatives` must be at most .* 8 words"),
        ({"shuffle_buffer": 0}, "`shuffle_buffer` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"first_step": -1}, "`first_step` must be at least 0"),
        ({"vocabulary": ["a"]}, "`vocabulary` must begin with '<S>', '</S>',"),
        ({"split": lambda line: []}, "`path` must hold words. Received: none"),
    ],
)
def test_refused(options: dict, message: str, corpus: Path) -> None:
    with pytest.raises(ValueError, match=message):
        stream(corpus, **options)


def test_a_bad_file_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`path` must name a file"):
        stream(tmp_path / "none.txt")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    with pytest.raises(ValueError, match="the file holds no text"):
        stream(empty)


def test_records_are_read_as_the_same_lines_in_a_file(tmp_path: Path) -> None:
    settings = RecordSettings("elmo", "character")
    documents = [["ab", " c "], ["d ef", "b"], ["a"]]
    shard = write_shard(tmp_path, 0, documents, settings)
    write_manifest(tmp_path, settings, {}, None, {}, [shard])
    path = tmp_path / settings.shard_name(0)
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    lines = [record.decode() for record in records]  # pyright: ignore
    assert sorted(lines) == ["a", "a b", "b", "c", "d e f"]
    file = tmp_path / "corpus.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for ours, theirs in zip(
        stream(tmp_path).take(9), stream(file).take(9), strict=True
    ):
        tf.nest.map_structure(np.testing.assert_array_equal, ours, theirs)


def test_every_pass_reads_the_files_in_another_order(tmp_path: Path) -> None:
    settings = RecordSettings("elmo", "whitespace", num_shards=3)
    shards = [
        write_shard(tmp_path, number, [[word]], settings)
        for number, word in enumerate("abc")
    ]
    write_manifest(tmp_path, settings, {}, None, {}, shards)
    options = {"batch_size": 1, "window_size": 6, "shuffle_buffer": 1}
    words, _ = texts(tmp_path, 10, **options)["forward"]
    passes = ["".join(words[0][k + 1 : k + 6 : 2]) for k in range(0, 60, 6)]
    assert {"".join(sorted(each)) for each in passes} == {"abc"}
    assert len(set(passes)) > 2
