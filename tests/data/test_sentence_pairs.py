"""Pairs from real prose (CPython's documentation) and small cases."""

import itertools
import re
from collections import Counter
from pydoc_data.topics import topics

import pytest

from keras_ctx.data import sentence_pairs


def prose() -> list[list[str]]:
    """Returns topics as documents, without repeated sentences."""
    seen: set[str] = set()
    documents = []
    for text in topics.values():
        sentences = re.split(r"(?<=[.:])\s+", " ".join(text.split()))
        new = [s for s in dict.fromkeys(sentences) if s and s not in seen]
        seen.update(new)
        documents.append(new)
    return documents


DOCUMENTS = prose()
PLACE = {
    sentence: (number, index)
    for number, document in enumerate(DOCUMENTS)
    for index, sentence in enumerate(document)
}
SETTINGS = {"target_length": 400, "separator": "\n", "shuffle_buffer": 20}


def pairs(seed: int = 0, **options):
    settings = {**SETTINGS, **options}
    for first, second, is_next in sentence_pairs(
        DOCUMENTS, seed=seed, **settings
    ):
        yield first.split("\n"), second.split("\n"), is_next


def test_true_next_is_adjacent_and_other_is_from_elsewhere() -> None:
    count = 0
    for first, second, is_next in pairs():
        count += 1
        for part in (first, second):
            places = [PLACE[sentence] for sentence in part]
            number, start = places[0]
            assert places == [(number, start + i) for i in range(len(part))]
        (number, end), (other, start) = PLACE[first[-1]], PLACE[second[0]]
        if is_next:
            assert (other, start) == (number, end + 1)
        else:
            assert other != number
        assert start > 0  # in both cases, so that opening sentences are no cue
    assert count > 900


def test_half_are_true_and_lengths_do_not_tell_which() -> None:
    made = [pair for seed in range(4) for pair in pairs(seed)]
    true = [pair for pair in made if pair[2]]
    other = [pair for pair in made if not pair[2]]
    # 5 standard deviations of a fair coin.
    assert abs(len(true) - len(other)) < 5 * len(made) ** 0.5

    def mean_length(sides):
        return sum(len("\n".join(s)) for s in sides) / len(sides)

    for side in (0, 1):
        one = mean_length([pair[side] for pair in true])
        two = mean_length([pair[side] for pair in other])
        assert abs(one / two - 1) < 0.15


def test_first_and_true_next_parts_cover_a_document_once() -> None:
    # Only a single sentence left at the end of a document is lost.
    used = Counter()
    for first, second, is_next in pairs():
        used.update(first)
        if is_next:
            used.update(second)
    assert set(used.values()) == {1}
    for document in DOCUMENTS:
        missing = [s for s in document if s not in used]
        assert missing in ([], document[-1:])


def test_pairs_reach_the_target_and_not_one_sentence_more() -> None:
    for first, second, is_next in pairs(short_seq_prob=0.0):
        if is_next:
            sentences = first + second
            total = sum(map(len, sentences))
            assert len(sentences) == 2 or total - len(sentences[-1]) < 400
            number, end = PLACE[second[-1]]
            assert total >= 400 or end == len(DOCUMENTS[number]) - 1


def test_short_documents_are_as_many_as_asked() -> None:
    # 300 documents of 3,000 characters. A full one has a true pair of 300
    # or more; a short one may have any length up to 300.
    documents = [[f"{n:04} {i:04}." for i in range(300)] for n in range(300)]

    def share_of_short(probability: float) -> float:
        longest = Counter()
        for first, second, is_next in sentence_pairs(
            documents,
            target_length=300,
            seed=1,
            short_seq_prob=probability,
            separator="",
        ):
            if is_next:
                number = first[:4]
                size = len(first + second)
                longest[number] = max(longest[number], size)
        return sum(size < 270 for size in longest.values()) / len(longest)

    assert share_of_short(0.0) == 0
    # Nine in ten of half of them; 5 standard deviations.
    assert abs(share_of_short(0.5) - 0.45) < 5 * (0.25 / 300) ** 0.5


def test_pure_function_of_the_seed() -> None:
    assert list(pairs(5)) == list(pairs(5))
    assert list(pairs(5)) != list(pairs(6))


def test_all_documents_are_read_whatever_the_window() -> None:
    expected = {n for n, d in enumerate(DOCUMENTS) if len(d) > 1}
    for window in (2, 7, 10_000):
        made = pairs(shuffle_buffer=window)
        assert {PLACE[first[0]][0] for first, _, _ in made} == expected


def test_no_more_than_the_window_is_held() -> None:
    read = itertools.count()

    def endless():
        for number in read:
            yield [f"{number} a", f"{number} b", f"{number} c"]

    made = sentence_pairs(endless(), target_length=9, seed=0, shuffle_buffer=10)
    for drawn in range(1, 200):
        first, second, _ = next(made)
        # One document read beyond the window for each that gave a pair.
        now = 10 + drawn + 1
        assert int(first.split()[0]) <= now and int(second.split()[0]) <= now
    assert next(read) <= 10 + 200 + 1


def test_length_counts_as_asked() -> None:
    words = [["a b c", "d e f", "g h i", "j k l"], ["m n", "o p"]]
    made = sentence_pairs(
        words,
        target_length=12,
        seed=2,
        length=lambda s: len(s.split()),
        short_seq_prob=0.0,
    )
    true = [f"{a} {b}" for a, b, is_next in made if is_next]
    assert set(true) <= {"a b c d e f g h i j k l", "m n o p"} | {
        "d e f g h i j k l",
        "g h i j k l",
    }


def test_equal_documents_are_not_another_document() -> None:
    copies = [["a", "b"]] * 5 + [["c", "d"]]
    for seed in range(20):
        for first, second, is_next in sentence_pairs(
            copies, target_length=2, seed=seed
        ):
            assert (first + second in ("ab", "cd")) == bool(is_next)


@pytest.mark.parametrize(
    ("documents", "options", "message"),
    [
        ([["a", "b"]] * 3, {}, "at least two different documents"),
        ([["a", "b", "c"]], {}, "at least two different documents"),
        ([["a"], ["b"], []], {}, "a document of at least two sentences"),
        ([], {}, "a document of at least two sentences"),
        ([["a"]], {"target_length": 1}, "`target_length` must be at least 2"),
        (
            [["a"]],
            {"shuffle_buffer": 1},
            "`shuffle_buffer` must be at least 2 documents",
        ),
        ([["a"]], {"short_seq_prob": 1.5}, "`short_seq_prob` must be"),
    ],
)
def test_refused(documents, options, message) -> None:
    options = {"target_length": 10, **options}
    with pytest.raises(ValueError, match=message):
        for seed in range(20):
            list(sentence_pairs(documents, seed=seed, **options))
