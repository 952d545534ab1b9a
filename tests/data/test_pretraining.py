"""Complete datasets from a corpus file, with real text inputs."""

import itertools
import re
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import bert_pretraining_dataset, elmo_pretraining_dataset
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789.,:()'\"-_"))
WORDS = ["<S>", "</S>", "<UNK>", "the", "a", "of", "is", "to", "and", "in"]
BERT = BertInputs([*SPECIAL, *CHARACTERS], 64, split="character")
ELMO = ElmoInputs(max_characters=8, max_length=12)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    documents = []
    for text in itertools.islice(topics.values(), 30):
        sentences = re.split(r"(?<=[.:])\s+", " ".join(text.split()))
        documents.append("\n".join(sentences) + "\n")
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text("\n".join(documents), encoding="utf-8")
    return path


def bert(corpus, **options) -> tf.data.Dataset:
    settings = {
        "batch_size": 4,
        "steps_per_epoch": 3,
        "seed": 11,
        "max_predictions": 10,
        "shuffle_buffer": 8,
        **options,
    }
    return bert_pretraining_dataset(corpus, BERT, **settings)


def elmo(corpus, **options) -> tf.data.Dataset:
    settings = {
        "batch_size": 4,
        "steps_per_epoch": 3,
        "seed": 11,
        "num_negatives": 5,
        "shuffle_buffer": 50,
        "bucket_batches": 2,
        **options,
    }
    return elmo_pretraining_dataset(corpus, ELMO, WORDS, **settings)


def arrays(dataset: tf.data.Dataset, steps: int) -> list:
    flat = [tf.nest.flatten(step) for step in dataset.take(steps)]
    return [[part.numpy() for part in step] for step in flat]


def same(one: list, two: list) -> bool:
    return len(one) == len(two) and all(
        np.array_equal(a, b)
        for step, other in zip(one, two, strict=True)
        for a, b in zip(step, other, strict=True)
    )


@pytest.mark.quick("elmo")
@pytest.mark.parametrize("make", [bert, elmo])
def test_steps_are_bit_equal_wherever_a_run_begins(make, corpus) -> None:
    whole = arrays(make(corpus), 9)
    assert same(whole, arrays(make(corpus), 9))
    for first in (1, 3, 5, 6):  # of epochs of three steps
        resumed = make(corpus, first_step=first)
        assert same(whole[first:], arrays(resumed, 9 - first))
    assert not same(whole[:3], whole[3:6])
    assert not same(whole[:3], arrays(make(corpus, seed=12), 3))


def test_bert_batches_fit_the_pretrainer(corpus) -> None:
    dataset = bert(corpus)
    assert dataset.cardinality() in (
        tf.data.INFINITE_CARDINALITY,
        tf.data.UNKNOWN_CARDINALITY,
    )
    shares = []
    for features, targets, weights in dataset.take(30):
        token_ids = features["token_ids"].numpy()
        rows, length = token_ids.shape
        assert rows == 4 and length <= 64
        assert set(features) == {
            "token_ids",
            "segment_ids",
            "padding_mask",
            "masked_positions",
        }
        assert features["segment_ids"].shape == token_ids.shape
        assert features["padding_mask"].dtype == tf.bool
        positions = features["masked_positions"]
        assert positions.dtype == targets["masked_lm"].dtype == tf.int32
        assert positions.shape == targets["masked_lm"].shape == (4, 10)
        assert targets["next_sentence"].shape == (4,)
        shares.append(targets["next_sentence"].numpy().mean())
        masked_weights = weights["masked_lm"].numpy()
        assert masked_weights.shape == (4, 10)
        assert masked_weights.sum() == pytest.approx(1, abs=1e-6)
        # Every used position of the batch has the same weight, in any row.
        assert len(set(masked_weights[masked_weights > 0])) == 1
        assert weights["next_sentence"].numpy().tolist() == [0.25] * 4
        # Two separators: both parts are present.
        assert ((token_ids == BERT.sep_id).sum(1) == 2).all()
    assert 0.3 < np.mean(shares) < 0.7


def test_bert_rows_hold_the_words_of_the_corpus(corpus) -> None:
    text = "".join(corpus.read_text(encoding="utf-8").lower().split())
    for features, targets, weights in bert(corpus, masking_rate=0.3).take(5):
        token_ids = features["token_ids"].numpy()
        positions = features["masked_positions"].numpy()
        used = weights["masked_lm"].numpy() > 0
        for row in range(4):
            # Without masks, each part is a passage of the corpus.
            places = positions[row][used[row]]
            truth = targets["masked_lm"].numpy()[row][used[row]]
            token_ids[row, places] = truth
            for part in (0, 1):
                inside = features["segment_ids"].numpy()[row] == part
                inside &= features["padding_mask"].numpy()[row]
                inside &= ~np.isin(token_ids[row], [BERT.cls_id, BERT.sep_id])
                pattern = "".join(
                    "."
                    if i == BERT.unknown_id
                    else re.escape(BERT.vocabulary[i])
                    for i in token_ids[row][inside]
                )
                assert pattern and re.search(pattern, text)


def test_elmo_batches_fit_the_language_model(corpus) -> None:
    lines = {
        " ".join(line.split()[:12])
        for line in corpus.read_text(encoding="utf-8").splitlines()
    }
    ids = {word: index for index, word in enumerate(WORDS)}
    for features, targets, weights in elmo(corpus).take(9):
        char_ids = features["char_ids"].numpy()
        rows, length, width = char_ids.shape
        assert (rows, width) == (4, 8) and length <= 12
        forward = features["forward_targets"].numpy()
        backward = features["backward_targets"].numpy()
        assert forward.shape == backward.shape == (4, length + 1)
        for row in range(4):
            # Decode the words from their bytes, cut to six.
            count = (char_ids[row, :, 0] > 0).sum()
            shown = [
                bytes(i - 1 for i in word if i <= 256)
                for word in char_ids[row, :count]
            ]
            matching = [
                line.split()
                for line in lines
                if [w.encode()[:6] for w in line.split()] == shown
            ]
            assert matching
            expected = [ids.get(word, 2) for word in matching[0]]
            assert forward[row].tolist() == [
                *expected,
                1,
                *[0] * (length - count),
            ]
            assert backward[row].tolist() == [
                0,
                *expected,
                *[0] * (length - count),
            ]
        negatives = features["negative_ids"].numpy()
        assert negatives.shape == (4, 2, 5)
        assert (negatives == negatives[:1]).all()
        assert all(len(set(ids)) == 5 for ids in negatives[0].tolist())
        for key in ("forward", "backward"):
            assert (targets[key].numpy() == 0).all()
            assert targets[key].shape == weights[key].shape
            assert weights[key].numpy().sum() == pytest.approx(1, abs=1e-6)
            real = (char_ids[..., 0] > 0).sum() + 4
            assert (weights[key].numpy() > 0).sum() == real


def test_both_directions_have_negatives_of_their_own(corpus) -> None:
    drawn = [
        features["negative_ids"].numpy()[0].tolist()
        for features, _, _ in elmo(corpus).take(6)
    ]
    assert any(sorted(f) != sorted(b) for f, b in drawn)
    assert len({str(pair) for pair in drawn}) == 6


def test_elmo_without_sampling_has_no_negatives(corpus) -> None:
    features, _, _ = next(iter(elmo(corpus, num_negatives=None)))
    assert set(features) == {"char_ids", "forward_targets", "backward_targets"}


def test_markers_in_the_corpus_are_unknown_words(tmp_path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("the <S> </S> <UNK> a\n")
    features, _, _ = next(iter(elmo(path, batch_size=1)))
    assert features["forward_targets"].numpy().tolist() == [[3, 2, 2, 2, 4, 1]]


@pytest.mark.quick("elmo-*")
@pytest.mark.parametrize(
    ("make", "mask"),
    [
        (bert, lambda features: features["padding_mask"]),
        (elmo, lambda features: features["char_ids"][..., 0] > 0),
    ],
)
def test_sorting_by_length_saves_padding(make, mask, tmp_path) -> None:
    path = tmp_path / "corpus.txt"
    documents = [f"{'a ' * n}{n}\n{'b ' * n}{n}\n" for n in range(1, 29)]
    path.write_text("\n".join(documents))

    def padding(bucket_batches: int) -> float:
        dataset = make(path, steps_per_epoch=32, bucket_batches=bucket_batches)
        masks = [mask(step[0]).numpy() for step in dataset.take(32)]
        return sum((~m).sum() for m in masks) / sum(m.size for m in masks)

    assert padding(16) < 0.4 * padding(1)


@pytest.mark.parametrize("make", [bert, elmo])
def test_a_bad_file_is_an_error_at_once(make, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="`path` must name a file"):
        make(tmp_path / "none.txt")
    empty = tmp_path / "empty.txt"
    empty.touch()
    with pytest.raises(ValueError, match="the file holds no text"):
        make(empty)


def test_a_bad_line_further_on_names_itself(tmp_path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"a b c\n" * 60 + b"\xff\n")
    with pytest.raises(tf.errors.OpError, match="line 61: byte 0 is not UTF-8"):
        arrays(elmo(path, batch_size=8, steps_per_epoch=9), 9)


def test_corpus_without_a_second_document_is_refused(tmp_path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("one.\ntwo.\nthree.\n")
    with pytest.raises(ValueError, match="two different documents"):
        bert(path)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (bert, {"batch_size": 0}, "`batch_size` must be at least 1"),
        (bert, {"steps_per_epoch": 0}, "`steps_per_epoch` must be at least 1"),
        (bert, {"max_predictions": 0}, "`max_predictions` must be at least 1"),
        (bert, {"masking_rate": 1.5}, "`masking_rate` must be a share"),
        (bert, {"seed": -1}, "`seed` must be at least 0"),
        (elmo, {"first_step": -1}, "`first_step` must be at least 0"),
        (elmo, {"bucket_batches": 0}, "`bucket_batches` must be at least 1"),
        (elmo, {"shuffle_buffer": 0}, "`shuffle_buffer` must be at least 1"),
        (elmo, {"num_negatives": 0}, "`num_negatives` must be at least 1"),
        (elmo, {"num_negatives": 11}, "`num_negatives` must be at most .* 10"),
    ],
)
def test_refused(make, options, message, corpus) -> None:
    with pytest.raises(ValueError, match=message):
        make(corpus, **options)


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (["the", "a"], "`vocabulary` must begin with '<S>', '</S>', '<UNK>'"),
        ([*WORDS, "the"], "`vocabulary` must hold every word once.*'the'"),
    ],
)
def test_bad_vocabulary_is_refused(vocabulary, message, corpus) -> None:
    with pytest.raises(ValueError, match=message):
        elmo_pretraining_dataset(
            corpus,
            ELMO,
            vocabulary,
            num_negatives=2,
            batch_size=2,
            steps_per_epoch=1,
            seed=0,
        )
