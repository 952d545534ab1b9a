"""Generation by whole models: scores recomputed, rows alone, XLA, refusals."""

from typing import Any

import keras
import numpy as np
import pytest
from contracts.beam_lists import beam_search, every_sequence
from small_models import (
    V,
    features,
    language_model,
    lstm_language_model,
    lstm_translator,
    probabilities,
    translator,
)

from keras_ctx import models
from keras_ctx.generation import (
    BeamSearch,
    Generator,
    Sampling,
    decoder_of,
)
from keras_ctx.generation.beam_search import search_beams

ROWS = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]
END, START, MOST = 0, 2, 12
SEARCHES = {
    "greedy": None,
    "sampling": Sampling(0.9, 5, 0.9, seed=4),
    "beam": BeamSearch(3),
    "huggingface": BeamSearch(3, 1.0, "power", "huggingface"),
}


MODELS = {
    "causal": language_model,
    "post-norm": lambda: language_model(norm_first=False),
    "translator": translator,
    "lstm": lstm_language_model,
    "lstm-translator": lstm_translator,
}


@pytest.fixture(scope="module", params=MODELS)
def model(request) -> Any:
    return MODELS[request.param]()


def generator(model: Any, search: Any, **options) -> Generator:
    if "decoder_token_ids" in model.input:
        options["start_id"] = START
    return Generator(model, MOST, search, [END], **options)


def beginning(model: Any, row: list[int]) -> tuple[dict | None, list[int]]:
    """Returns the source of a row, if any, and the decoder's beginning."""
    if "decoder_token_ids" in model.input:
        return features([row]), [START]
    return None, row


@pytest.mark.quick("lstm-sampling-False")
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("search", SEARCHES)
def test_scores_are_those_of_the_whole_text(
    model: Any, search: str, jit_compile: bool
) -> None:
    rules = SEARCHES[search]
    generate = generator(model, rules, jit_compile=jit_compile, num_returned=2)
    found = generate(features(ROWS))
    for row, ids in enumerate(ROWS):
        source, begun = beginning(model, ids)
        for place in range(2):
            count = found.lengths[row, place]
            new = found.token_ids[row, place, :count].tolist()
            assert (found.token_ids[row, place, count:] == -1).all()
            assert END not in new[:-1]
            assert found.ended[row, place] == (new[-1] == END)
            assert found.ended[row, place] or len(begun) + count == MOST
            chances = probabilities(model, source, [*begun, *new])
            total = sum(
                chances[len(begun) - 1 + i, token]
                for i, token in enumerate(new)
            )
            np.testing.assert_allclose(
                found.sums[row, place], total, rtol=0, atol=2e-5
            )  # a sum of eleven numbers
            score = total
            if isinstance(rules, BeamSearch):
                score = total / rules.divisor(int(count))
            np.testing.assert_allclose(
                found.scores[row, place], score, rtol=0, atol=2e-5
            )


@pytest.mark.quick("translator-beam")
@pytest.mark.parametrize("search", ["greedy", "beam", "huggingface"])
def test_a_row_alone_equals_the_row_in_a_batch(model: Any, search: str) -> None:
    generate = generator(model, SEARCHES[search])
    together = generate(features(ROWS))
    for row, ids in enumerate(ROWS):
        alone = generate(features([ids]))
        count = alone.lengths[0, 0]
        assert together.lengths[row, 0] == count
        np.testing.assert_array_equal(
            together.token_ids[row, 0, :count], alone.token_ids[0, 0, :count]
        )
        np.testing.assert_allclose(
            together.scores[row], alone.scores[0], rtol=0, atol=1e-5
        )


@pytest.mark.slow
def test_greedy_takes_the_best_token_each_time(model: Any) -> None:
    found = generator(model, None)(features(ROWS))
    beam = generator(model, BeamSearch(1, 0.0))(features(ROWS))
    np.testing.assert_array_equal(found.token_ids, beam.token_ids)
    for row, ids in enumerate(ROWS):
        source, text = beginning(model, ids)
        text, new = list(text), []
        while len(text) < MOST and END not in new:
            new.append(int(probabilities(model, source, text)[-1].argmax()))
            text.append(new[-1])
        assert found.token_ids[row, 0, : len(new)].tolist() == new


@pytest.mark.quick("causal-huggingface")
@pytest.mark.parametrize("search", ["beam", "huggingface"])
def test_beams_equal_lists(model: Any, search: str) -> None:
    rules: Any = SEARCHES[search]
    found = generator(model, rules, num_returned=1)(features(ROWS))
    for row, ids in enumerate(ROWS):
        source, begun = beginning(model, ids)

        def following(new: list[int], source=source, begun=begun) -> Any:
            return probabilities(model, source, [*begun, *new])[-1]

        score, expected = beam_search(
            *(following, V, MOST - len(begun), END, rules.width),
            *(rules.alpha, rules.penalty, rules.rule, rules.early_stopping),
        )[0]
        count = found.lengths[row, 0]
        assert found.token_ids[row, 0, :count].tolist() == expected
        np.testing.assert_allclose(
            found.scores[row, 0], score, rtol=0, atol=1e-5
        )


def test_beams_of_lstms_are_an_exhaustive_search() -> None:
    size, most = 4, 3
    model = lstm_translator(size)
    decoder: Any = decoder_of(model)
    sources = [[1, 2, 3], [3]]
    logits, state, fixed = decoder.begin(
        *(np.full((2, 1), START, "int32"), np.ones(2, "int32"), most + 1),
        decoder.encoder(features(sources)),
    )
    width = size**most
    fixed = keras.tree.map_structure(lambda x: np.repeat(x, width, 0), fixed)
    found = search_beams(
        *(logits, state, lambda ids, state: decoder.step(ids, state, fixed)),
        *(np.full(2, most), most, [END], BeamSearch(width, 1.0, "power"), 5),
    )
    for row, ids in enumerate(sources):

        def following(new: list[int], ids=ids) -> Any:
            return probabilities(model, features([ids]), [START, *new])[-1]

        every = every_sequence(following, size, most, END, cut=False)
        expected = sorted(((x / len(y), y) for x, y in every), reverse=True)[:5]
        assert [
            [int(x) for x in y if x >= 0] for y in found.token_ids[row]
        ] == [y for _, y in expected]
        np.testing.assert_allclose(
            found.scores[row], [x for x, _ in expected], rtol=0, atol=1e-5
        )


@pytest.mark.slow
def test_samples_are_the_same_on_every_call(model: Any) -> None:
    generate = generator(model, Sampling(2.0, seed=1), num_returned=3)
    one, again = generate(features(ROWS)), generate(features(ROWS))
    np.testing.assert_array_equal(one.token_ids, again.token_ids)
    assert (
        len(
            {
                tuple(x)
                for x in one.token_ids.reshape(-1, one.token_ids.shape[2])
            }
        )
        > 4
    )
    other = generator(model, Sampling(2.0, seed=2), num_returned=3)
    assert (other(features(ROWS)).sums != one.sums).any()


@pytest.mark.slow
@pytest.mark.parametrize("search", ["greedy", "sampling", "beam"])
def test_shortest_length(model: Any, search: str) -> None:
    found = generator(model, SEARCHES[search], min_length=9)(features(ROWS))
    for row, ids in enumerate(ROWS):
        _, begun = beginning(model, ids)
        assert found.lengths[row, 0] + len(begun) >= 9


def test_repetition_penalty_makes_every_token_new() -> None:
    model = language_model()
    found = Generator(model, 11, None, repetition_penalty=1e6)(
        features([[1, 2], [5]])
    )
    for row, begun in enumerate([[1, 2], [5]]):
        text = [*begun, *found.token_ids[row, 0, : found.lengths[row, 0]]]
        assert len(set(text)) == len(text) == 11


def test_several_end_tokens() -> None:
    model = language_model()
    found = Generator(model, 20, Sampling(5.0, seed=3), [1, 4])(
        features([[2]] * 8)
    )
    for ids, count in zip(
        found.token_ids[:, 0], found.lengths[:, 0], strict=True
    ):
        assert not {1, 4} & set(ids[: count - 1].tolist())
    assert found.ended.any()


@pytest.mark.slow
def test_an_encoder_of_lstms_has_a_decoder() -> None:
    """Its table has another name than that of a Transformer."""
    model = models.encoder_decoder(
        models.mt_lstm_encoder(V, 6, 4),
        vocabulary_size=V,
        num_layers=1,
        num_heads=2,
        intermediate_dim=8,
        max_length=12,
        activation="relu",
        dropout=0.0,
        attention_dropout=0.0,
        norm_first=False,
        layer_norm_epsilon=1e-6,
        attention_bias=True,
    )
    found = Generator(model, 5, None, [END], start_id=START)(
        {"word_ids": np.array([[3, 4]])}
    )
    assert 1 <= found.lengths[0, 0] <= 4


@pytest.mark.slow
def test_any_encoder_has_a_decoder() -> None:
    encoder = models.bert_encoder(13, 1, 2, 8, 12, max_length=9)
    model = models.encoder_decoder(encoder, vocabulary_size=V)
    ids = np.array([[3, 4, 5]])
    found = Generator(model, 6, BeamSearch(2), [END], start_id=1)(
        {
            "token_ids": ids,
            "segment_ids": 0 * ids,
            "padding_mask": ids > 0,
        }
    )
    assert 1 <= found.lengths[0, 0] <= 5


@pytest.mark.slow
def test_bfloat16() -> None:
    model = models.with_dtype(language_model(), "bfloat16")
    found = Generator(model, 8, BeamSearch(2))(features(ROWS))
    assert np.isfinite(found.scores).all()
    assert found.scores.dtype == "float32"


def test_no_rows() -> None:
    found = Generator(language_model(), 8)(
        {
            "token_ids": np.zeros((0, 3), "int32"),
            "padding_mask": np.zeros((0, 3), "bool"),
        }
    )
    assert found.token_ids.shape[:2] == (0, 1)


@pytest.mark.slow
def test_a_saved_model_generates_the_same(tmp_path) -> None:
    model = language_model()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = [
        Generator(x, MOST, BeamSearch(2), [END])(features(ROWS))
        for x in (model, loaded)
    ]
    np.testing.assert_array_equal(found[0].token_ids, found[1].token_ids)


ERRORS = [
    ({"max_length": 99}, "`max_length` must be at most 24, the most"),
    ({"max_length": 0}, "`max_length` must be"),
    ({"end_ids": [V]}, f"`end_ids` must be tokens, from 0 to {V - 1}"),
    ({"end_ids": [-1]}, "`end_ids` must be tokens"),
    ({"min_length": 13}, "`min_length` must be at most `max_length`"),
    ({"search": BeamSearch(99)}, "`search.width` must be at most 11"),
    (
        {"search": BeamSearch(2), "num_returned": 3},
        "`num_returned` must be at most `search.width`",
    ),
    (
        {"search": BeamSearch(2), "repetition_penalty": 1.2},
        "`repetition_penalty` must be 1 with a `BeamSearch`",
    ),
    ({"repetition_penalty": 0.0}, "`repetition_penalty` must be"),
    ({"start_id": 1}, "`start_id` must be given for a model with an"),
    ({"search": "greedy"}, "`search` must be a Sampling, a BeamSearch"),
    ({"end_ids": 5}, "`end_ids` must be a list of tokens"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_refused_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Generator(language_model(), **{"max_length": MOST, **options})


BEGINNINGS = [
    ([[1] * MOST], "must leave room for a new token: .* 12 tokens in row 0"),
    ([[1], []], "must have one real token a row .* no token in row 1"),
    ([[1, V]], f"must be tokens, from 0 to {V - 1}. Received: .{V}"),
]


@pytest.mark.parametrize(("rows", "message"), BEGINNINGS)
def test_refused_beginnings(rows: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Generator(language_model(), MOST)(features(rows))


def test_padding_before_the_text_is_refused() -> None:
    given = features([[1, 2, 3], [4]])
    given["padding_mask"] = given["padding_mask"][:, ::-1]
    with pytest.raises(ValueError, match="padding behind the text"):
        Generator(language_model(), MOST)(given)


def test_other_models_are_refused() -> None:
    bert = models.bert_encoder(13, 1, 2, 8, 12)
    with pytest.raises(ValueError, match="`model` must be one of `causal_"):
        Generator(bert, 4)
    with pytest.raises(ValueError, match="`start_id` must be given"):
        Generator(translator(), 4)
    with pytest.raises(ValueError, match="`start_id` must be a token"):
        name: Any = "a"
        Generator(translator(), 4, start_id=name)
    with pytest.raises(ValueError, match="`max_length` must be at least 2"):
        Generator(translator(), 1, start_id=1)
    with pytest.raises(ValueError, match="`encoder` must be causal"):
        models.causal_language_model(bert)
    gpt = models.gpt_encoder(13, 1, 2, 8, 12)
    with pytest.raises(ValueError, match="`encoder` must have no causal"):
        models.encoder_decoder(gpt, vocabulary_size=13)


@pytest.mark.slow
def test_lstms_without_a_tied_output() -> None:
    model = lstm_language_model(tied=False)
    found = Generator(model, 6, None, [END])(features([[1, 2]]))
    ids = [1, 2]
    for token in found.token_ids[0, 0][: found.lengths[0, 0]]:
        assert token == probabilities(model, None, ids)[-1].argmax()
        ids.append(int(token))


def test_missing_features_are_named() -> None:
    with pytest.raises(ValueError, match=r"Missing: \['padding_mask'\]"):
        Generator(language_model(), 4)({"token_ids": [[1]]})


@pytest.mark.slow
def test_xla_draws_the_same_tokens() -> None:
    found = [
        Generator(
            language_model(), 8, Sampling(2.0, seed=3), jit_compile=compiled
        )(features([[1, 2], [3, 4]]))
        for compiled in (False, True)
    ]
    np.testing.assert_array_equal(found[0].token_ids, found[1].token_ids)
