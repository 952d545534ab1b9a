"""Ranks of names in a gap, beside a loop over the candidates."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import evaluation, models, text, training
from keras_ctx.predictions.candidate_ranker import CandidateRanker, Gap

CHARACTERS = "他在北京上海广州市工作。"
NAMES = ["北京", "上海", "海", "广州市", "龙"]  # the last is not known
GAPS = [
    Gap("他在", "工作。", "北京"),
    Gap("", "。", "广州市"),
    Gap("他在北京上海广州市工作。" * 3, "工作。" * 9, "海"),
    Gap("他在北京上海广州市工作。" * 3, "", "上海"),
]
POSITIONS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    tokens = text.character_vocabulary([CHARACTERS])
    inputs = text.BertInputs(tokens, POSITIONS, split="character")
    encoder = models.bert_encoder(len(tokens), 1, 2, 8, 16, POSITIONS)
    model = randomized(models.bert_pretrainer(encoder))
    training.save_model(model, folder / "pretrainer.keras")
    text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


def by_hand(folder: Path, gap: Gap, name: str) -> float:
    """Returns the mean log probability of a name's tokens, row by row."""
    model = keras.saving.load_model(folder / "pretrainer.keras")
    tokens = list(text.load_inputs(folder / "text_inputs.json").vocabulary)
    room = POSITIONS - 2 - len(name)
    after = gap.after[: room - min(len(gap.before), room // 2)]
    before = gap.before[max(len(gap.before) + len(after) - room, 0) :]
    row = ["[CLS]", *before, *["[MASK]"] * len(name), *after, "[SEP]"]
    ids = np.array([[tokens.index(x) for x in row]])
    places = 1 + len(before) + np.arange(len(name))
    outputs = model(
        {
            "token_ids": ids,
            "segment_ids": np.zeros_like(ids),
            "padding_mask": np.ones_like(ids, bool),
            "masked_positions": places[None],
        }
    )
    logits = np.asarray(outputs["masked_lm"])[0].astype("float64")
    chances = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return float(
        np.mean([chances[k, tokens.index(x)] for k, x in enumerate(name)])
    )


def test_scores_and_ranks(folder: Path) -> None:
    ranker = CandidateRanker(folder, [*NAMES, "海"], batch_size=5)
    assert ranker.left_out == ["龙"]
    assert ranker.candidates == NAMES[:-1]
    expected = np.array(
        [[by_hand(folder, gap, name) for name in NAMES[:-1]] for gap in GAPS]
    )
    np.testing.assert_allclose(ranker.scores(GAPS), expected, atol=1e-5)
    for (gap, rank, best), row in zip(ranker(GAPS), expected, strict=True):
        order = sorted(row, reverse=True)
        assert rank == 1 + order.index(row[NAMES.index(gap.answer)])
        assert row[NAMES.index(best)] == order[0]


def test_equal_scores_have_the_mean_of_their_ranks(folder: Path) -> None:
    ranker = CandidateRanker(folder, NAMES)
    ranker.scores = lambda gaps: np.array([[0.5, 0.5, 0.7, 0.1]] * len(gaps))
    assert [x for _, x, _ in ranker([Gap("", "", "上海")])] == [2.5]


def test_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"at least two .* 2, of which 1"):
        CandidateRanker(folder, ["龙", "海"])
    ranker = CandidateRanker(folder, NAMES)
    with pytest.raises(ValueError, match="`answer` must be one of.*'龙'"):
        list(ranker([Gap("他在", "工作。", "龙")]))
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        CandidateRanker(folder, NAMES, 0)


def test_scores_of_ranks() -> None:
    found = evaluation.rank_scores([1, 2.5, 40], 40)
    assert found["mrr"] == pytest.approx((1 + 1 / 2.5 + 1 / 40) / 3)
    assert (found["hits_1"], found["hits_10"]) == (1 / 3, 2 / 3)
    assert found["median_rank"] == 2.5
    draw = np.random.default_rng(0).integers(1, 41, 200_000)
    assert found["chance_mrr"] == pytest.approx((1 / draw).mean(), rel=0.01)
    for ranks in ([], [0], [41], [float("nan")]):
        with pytest.raises(ValueError, match="`ranks` must be at least one"):
            evaluation.rank_scores(ranks, 40)
