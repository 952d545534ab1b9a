"""Records of sentence pairs decoded to text, and training data from them."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from record_corpus import BERT, DOCUMENTS, bert_inputs, write_folder

from keras_ctx.data import (
    RecordSettings,
    open_records,
    pair_records_dataset,
    record_names,
    write_shard,
)
from keras_ctx.text import BertInputs

WHOLE = ["".join(document) for document in DOCUMENTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("records"))


def decoded(path: str) -> list[tuple[str, str, int]]:
    """Decodes the bytes by the definition of a record alone."""
    vocabulary, found = bert_inputs().vocabulary, []
    for record in tf.data.TFRecordDataset(path):
        example = tf.train.Example.FromString(record.numpy())
        values = {
            key: list(feature.int64_list.value)
            for key, feature in example.features.feature.items()
        }
        tokens = [vocabulary[i] for i in values["token_ids"]]
        (first_length,), (is_next,) = values["first_length"], values["is_next"]
        first, second = tokens[:first_length], tokens[first_length:]
        assert (first[0], first[-1], second[-1]) == ("[CLS]", "[SEP]", "[SEP]")
        assert len(tokens) <= BERT.max_length
        found.append(("".join(first[1:-1]), "".join(second[:-1]), is_next))
    return found


def test_pairs_are_texts_of_the_documents(folder: Path) -> None:
    pairs = [p for x in open_records(folder).paths for p in decoded(x)]
    assert len(pairs) > 60 and 0.3 < np.mean([p[2] for p in pairs]) < 0.7
    for first, second, is_next in pairs:
        follows = any(first + second in document for document in WHOLE)
        assert follows == bool(is_next)
        assert any(first in document for document in WHOLE)
        assert any(second in document for document in WHOLE)


def test_two_writings_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_folder(tmp_path)
    for path in sorted(folder.iterdir()):
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_order_of_the_documents_does_not_matter(tmp_path: Path) -> None:
    for name, documents in (("1", DOCUMENTS), ("2", DOCUMENTS[::-1] * 2)):
        (tmp_path / name).mkdir()
        done = write_shard(tmp_path / name, 0, documents, BERT, bert_inputs())
        assert done["counts"].get("duplicates", 0) == 60 * (name == "2")
    name = BERT.shard_name(0)
    first, second = ((tmp_path / folder / name).read_bytes() for folder in "12")
    assert first == second


def test_another_seed_makes_other_pairs(tmp_path: Path) -> None:
    other = RecordSettings("bert", "character", 2, 2, 24)
    write_shard(tmp_path, 0, DOCUMENTS, other, bert_inputs())
    write_shard(tmp_path, 1, DOCUMENTS, BERT, bert_inputs())
    names = (other.shard_name(0), BERT.shard_name(1))
    first, second = (decoded(str(tmp_path / name)) for name in names)
    assert first != second


@pytest.mark.parametrize(
    ("objective", "documents", "without"),
    [
        ("next_sentence", [["a"], ["b", "c"]], 2),
        ("sentence_order", [["a"], ["b", "c"]], 1),
        ("next_sentence", [], 0),
    ],
)
def test_documents_that_make_no_pair_are_counted(
    objective, documents, without: int, tmp_path: Path
) -> None:
    settings = RecordSettings(
        "bert", "character", max_length=24, objective=objective
    )
    done = write_shard(tmp_path, 0, documents, settings, bert_inputs())
    assert done["records"] == (objective == "sentence_order")
    assert done["counts"].get("documents_without_pairs", 0) == without


def test_text_inputs_that_do_not_suit_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`max_length` of `settings`, 24"):
        write_shard(tmp_path, 0, DOCUMENTS, BERT, bert_inputs(32))


def batches(folder: Path, steps: int, **options) -> list:
    settings = {"batch_size": 8, "seed": 5, "max_predictions": 4, **options}
    inputs = settings.pop("inputs", bert_inputs())
    dataset = pair_records_dataset(folder, inputs, **settings)
    return [
        tf.nest.map_structure(lambda x: x.numpy(), x)
        for x in dataset.take(steps)
    ]


def unmasked(batch, inputs: BertInputs) -> list[tuple[str, str, int]]:
    """Returns the pairs of a batch, with masked tokens restored."""
    (features, targets, weights), found = batch, []
    for row, ids in enumerate(features["token_ids"].copy()):
        used = weights["masked_lm"][row] > 0
        places = features["masked_positions"][row][used]
        ids[places] = targets["masked_lm"][row][used]
        real = features["padding_mask"][row]
        assert (ids[~real] == inputs.pad_id).all()
        texts = [
            "".join(
                inputs.vocabulary[i] for i in ids[real & (segments == part)]
            )
            for segments in [features["segment_ids"][row]]
            for part in (0, 1)
        ]
        first = texts[0].removeprefix("[CLS]").removesuffix("[SEP]")
        second = texts[1].removesuffix("[SEP]")
        found.append((first, second, int(targets["next_sentence"][row])))
    return found


@pytest.mark.slow
def test_a_pass_has_every_record_once(folder: Path) -> None:
    inputs = bert_inputs(30)
    records = open_records(folder)
    every = sorted(p for path in records.paths for p in decoded(path))
    number = records.num_records
    # One record per step, and windows of one pass, which else reach into the
    # next.
    found = batches(
        folder, 2 * number, batch_size=1, shuffle_buffer=number, inputs=inputs
    )
    pairs = list(
        itertools.chain.from_iterable(unmasked(x, inputs) for x in found)
    )
    assert found[0][0]["token_ids"].shape == (1, 30)
    assert sorted(pairs) == sorted(every * 2)
    first, second = pairs[:number], pairs[number:]
    assert first != second and first != every
    hidden = [
        {
            p: x[0]["token_ids"].tobytes()
            for p, x in zip(some, part, strict=True)
        }
        for some, part in ((first, found[:number]), (second, found[number:]))
    ]
    same = [hidden[0][p] == hidden[1][p] for p in hidden[0].keys() & hidden[1]]
    assert same and np.mean(same) < 0.2  # masked again


def test_first_step_leaves_out_what_came_before(folder: Path) -> None:
    whole, rest = batches(folder, 9), batches(folder, 4, first_step=5)
    tf.nest.map_structure(np.testing.assert_array_equal, whole[5:], rest)


@pytest.mark.slow
def test_names_of_records_are_where_they_stand(folder: Path) -> None:
    inputs, options = bert_inputs(), {"batch_size": 8, "shuffle_buffer": 20}
    paths = {Path(path).name: path for path in open_records(folder).paths}
    found = batches(folder, 12, **options)  # of more than a pass
    for step in (0, 7, 11):
        names = record_names(folder, step, seed=5, **options)
        expected = []
        for name in names:
            file, number = name.split("#")
            expected.append(decoded(paths[file])[int(number)])
        assert unmasked(found[step], inputs) == expected


@pytest.mark.slow
def test_global_seed_and_other_calls_change_nothing(folder: Path) -> None:
    tf.random.set_seed(1)
    first = batches(folder, 3)
    tf.random.set_seed(2)
    tf.random.uniform(())
    tf.nest.map_structure(
        np.testing.assert_array_equal, first, batches(folder, 3)
    )
    other = batches(folder, 3, seed=6)
    assert (other[0][0]["token_ids"] != first[0][0]["token_ids"]).any()


def test_weights_sum_to_one(folder: Path) -> None:
    for _, _, weights in batches(folder, 3):
        for values in weights.values():
            assert values.sum() == pytest.approx(1, abs=1e-6)


def test_rows_shorter_than_the_records_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="at least that of the records, 24"):
        batches(folder, 1, inputs=bert_inputs(20))


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"first_step": -1}, {"shuffle_buffer": 0}]
)
def test_numbers_out_of_range(options: dict, folder: Path) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(options))}`"):
        batches(folder, 1, **options)
