"""Adding begin and end markers to sentences, and removing them."""

import numpy as np
import pytest

from keras_ctx.layers import (
    AddMarkerIds,
    AddSentenceMarkers,
    StripSentenceMarkers,
)

BEGIN = [259, 257, 260, 261]  # word begin, the marker, word end, a pad
END = [259, 258, 260, 261]
A, B, C = ([259, byte, 260, 261] for byte in (98, 99, 100))
NONE = [0, 0, 0, 0]


def test_end_marker_follows_the_last_word_of_each_row() -> None:
    rows = np.array([[A, B, C], [A, NONE, NONE], [NONE, NONE, NONE]])
    found = AddSentenceMarkers(max_characters=4)(rows)
    assert np.asarray(found).tolist() == [
        [BEGIN, A, B, C, END],
        [BEGIN, A, END, NONE, NONE],
        [BEGIN, END, NONE, NONE, NONE],
    ]


def test_markers_of_another_vocabulary() -> None:
    mark = AddSentenceMarkers(4, begin=[9, 1, 8, 7], end=[9, 2, 8, 7])
    again = AddSentenceMarkers.from_config(mark.get_config())
    for layer in (mark, again):
        found = layer(np.array([[[9, 3, 8, 7], NONE]]))
        assert np.asarray(found).tolist() == [
            [[9, 1, 8, 7], [9, 3, 8, 7], [9, 2, 8, 7], NONE]
        ]


@pytest.mark.parametrize("row", [[1, 2, 3], [1, 2, 3, 0], [1, 2, 3, 4.0]])
def test_error_of_marker_rows(row: list) -> None:
    for name in ("begin", "end"):
        message = f"`{name}` must"
        with pytest.raises(ValueError, match=message):
            AddSentenceMarkers(4, **{name: row})


def test_batch_without_words() -> None:
    found = AddSentenceMarkers(4)(np.zeros((2, 0, 4), "int32"))
    assert np.asarray(found).tolist() == [[BEGIN, END]] * 2


def test_marker_of_three_characters_has_no_pad() -> None:
    found = AddSentenceMarkers(3)(np.array([[[259, 98, 260]]]))
    assert np.asarray(found)[0, 0].tolist() == [259, 257, 260]


def test_stripped_are_the_words_and_zeros_at_padding() -> None:
    # Positions: begin marker 0, words 1 and 2, end marker 3 or padding.
    vectors = np.array([[[10.0], [11], [12], [13]], [[20], [21], [22], [23]]])
    mask = np.array([[True, True], [True, False]])
    found = np.asarray(StripSentenceMarkers()(vectors, mask))
    assert found.tolist() == [[[11], [12]], [[21], [0]]]


def test_zeros_at_padding_also_in_place_of_nan() -> None:
    vectors = np.array([[[1.0], [2], [np.nan], [np.nan]]])
    found = StripSentenceMarkers()(vectors, np.array([[True, False]]))
    assert np.asarray(found).tolist() == [[[2], [0]]]


@pytest.mark.parametrize("number", [0, -1, 2.5, None, 1, 2])
def test_error_of_max_characters(number: int) -> None:
    message = f"`max_characters` must be .* max_characters={number}"
    with pytest.raises(ValueError, match=message):
        AddSentenceMarkers(number)


def test_error_of_words_of_another_length() -> None:
    message = "`char_ids` must hold `max_characters=5` .* shape=.1, 1, 4."
    with pytest.raises(ValueError, match=message):
        AddSentenceMarkers(5)(np.array([[A]]))


def test_end_id_follows_the_last_word_of_each_row() -> None:
    word_ids = np.array([[7, 8, 9], [7, 0, 0], [0, 0, 0]])
    assert np.asarray(AddMarkerIds()(word_ids)).tolist() == [
        [1, 7, 8, 9, 2],
        [1, 7, 2, 0, 0],
        [1, 2, 0, 0, 0],
    ]
    assert np.asarray(AddMarkerIds(5, 4)(word_ids)).tolist() == [
        [5, 7, 8, 9, 4],
        [5, 7, 4, 0, 0],
        [5, 4, 0, 0, 0],
    ]


def test_ids_of_a_batch_without_words() -> None:
    found = AddMarkerIds()(np.zeros((2, 0), "int64"))
    assert np.asarray(found).tolist() == [[1, 2]] * 2
    assert np.asarray(found).dtype == "int32"


@pytest.mark.parametrize("number", [0, -1, 2.5, None, True])
def test_error_of_marker_ids(number) -> None:
    for name in ("begin_id", "end_id"):
        message = f"`{name}` must be .* {name}={number}"
        with pytest.raises(ValueError, match=message):
            AddMarkerIds(**{name: number})


@pytest.mark.parametrize("shape", [(3,), (1, 3, 1)])
def test_error_of_word_ids_of_another_rank(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="`word_ids` must have 2 axes"):
        AddMarkerIds()(np.ones(shape, "int32"))
