"""Rows of single texts: masked tokens alone, and the next token."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import data, models, training
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
INPUTS = BertInputs([*SPECIAL, *LETTERS], 40, split="character")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a text whose documents have one to six sentences."""
    rng = random.Random(3)
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    documents = [
        "\n".join(
            "".join(rng.choices(LETTERS, k=rng.randint(1, 30)))
            for _ in range(rng.randint(1, 6))
        )
        for _ in range(30)
    ]
    path.write_text("\n\n".join(documents))
    return path


def batch(corpus: Path, **options) -> Any:
    dataset = data.bert_pretraining_dataset(
        corpus,
        INPUTS.with_settings(padding="max_length"),
        **{
            "batch_size": 16,
            "steps_per_epoch": 1,
            "seed": 5,
            "separator": "",
            "objective": "none",
            **options,
        },
    )
    return next(iter(dataset))


def test_a_text_is_a_run_of_a_document_and_none_is_lost(corpus: Path) -> None:
    documents = list(data.read_documents(corpus))
    for short_seq_prob in (0.0, 1.0):
        found = list(
            data.single_texts(
                documents,
                target_length=38,
                seed=2,
                short_seq_prob=short_seq_prob,
                shuffle_buffer=5,
                separator="|",
            )
        )
        texts = [text.split("|") for text in found]
        sentences = [x for text in texts for x in text]
        assert sorted(sentences) == sorted(x for y in documents for x in y)
        ends = {document[-1] for document in documents}
        for text in texts:
            assert any(
                document[k : k + len(text)] == text
                for document in documents
                for k in range(len(document))
            )
            if short_seq_prob == 0:
                assert sum(map(len, text[:-1])) < 38
                assert text[-1] in ends or sum(map(len, text)) >= 38


@pytest.mark.parametrize("masking_rate", [0.15, 0.5])
def test_masked_tokens_alone(masking_rate: float, corpus: Path) -> None:
    features, targets, weights = batch(
        corpus, masking_rate=masking_rate, max_predictions=20
    )
    assert targets.keys() == weights.keys() == {"masked_lm"}
    ids, real = (features[x].numpy() for x in ("token_ids", "padding_mask"))
    places, used = (
        features["masked_positions"].numpy(),
        weights["masked_lm"].numpy() > 0,
    )
    true = ids.copy()
    for row in range(16):
        length = real[row].sum()
        true[row, places[row, used[row]]] = targets["masked_lm"][row][used[row]]
        # One text between [CLS] and the only [SEP].
        assert (true[row, 0], true[row, length - 1]) == (2, 3)
        assert (true[row, 1 : length - 1] >= len(SPECIAL)).all()
        # Of the letters alone, exactly.
        expected = max(1, round(masking_rate * int(length - 2)))
        assert used[row].sum() == expected
    assert not features["segment_ids"].numpy().any()
    assert weights["masked_lm"].numpy().sum() == pytest.approx(1)
    np.testing.assert_array_equal(
        true, batch(corpus, objective="left_to_right")[0]["token_ids"]
    )


def test_the_loss_from_left_to_right_is_that_of_numpy(corpus: Path) -> None:
    features, targets, weights = batch(corpus, objective="left_to_right")
    assert "masked_positions" not in features
    model = randomized(
        models.bert_causal_pretrainer(
            models.bert_encoder(31, 1, 2, 8, 8, 40, causal=True)
        )
    )
    model.compile(loss=training.causal_losses(), jit_compile=False)
    found = model.evaluate(
        features, targets, 16, sample_weight=weights, verbose=0
    )
    logits = np.asarray(model(features)["next_token"], "float64")
    total = np.log(np.exp(logits).sum(-1))
    ids, real = (features[x].numpy() for x in ("token_ids", "padding_mask"))
    nats = [
        total[row, place] - logits[row, place, ids[row, place + 1]]
        for row in range(16)
        for place in range(real[row].sum() - 1)
    ]
    assert found == pytest.approx(np.mean(nats), rel=1e-5)


def test_what_masks_is_refused_where_nothing_is_masked(corpus: Path) -> None:
    for options in ({"whole_word_masking": True}, {"lexicon": ["ab"]}):
        with pytest.raises(ValueError, match="`objective=.*masks nothing"):
            batch(corpus, objective="left_to_right", **options)
    with pytest.raises(ValueError, match="`objective` must be one of"):
        batch(corpus, objective="both")


def test_units_of_single_texts(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("ab cde f\nab cde\n\nf ab\n" * 4)
    features, targets, weights = batch(
        path, segmented=True, separator=" ", masking_rate=0.5
    )
    places = features["masked_positions"].numpy()
    for row, used in enumerate(weights["masked_lm"].numpy() > 0):
        true = features["token_ids"].numpy()[row].copy()
        true[places[row, used]] = targets["masked_lm"].numpy()[row, used]
        chosen = np.zeros(40, bool)
        chosen[places[row, used]] = True
        text = "".join(INPUTS.vocabulary[x][0] for x in true)
        for unit in ("ab", "cde"):
            start = text.find(unit)
            while start >= 0:
                assert len({*chosen[start : start + len(unit)]}) == 1
                start = text.find(unit, start + 1)
    assert (weights["masked_lm"].numpy() > 0).any()
