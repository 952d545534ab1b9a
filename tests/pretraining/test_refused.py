"""Refusals of pretraining: options, and inputs before writing."""

from pathlib import Path
from typing import Any

import pytest

from keras_ctx import data, models, pretraining, text, training

BERT = pretraining.BertPretrainingOptions
ELMO = pretraining.ElmoPretrainingOptions
CORPUS = pretraining.CorpusOptions
A, B = Path("a"), Path("b")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Returns a folder of records for an ELMo."""
    folder = tmp_path / "records"
    folder.mkdir()
    settings = data.RecordSettings("elmo", "whitespace")
    shard = data.write_shard(folder, 0, [["a b", "c"]], settings)
    data.write_manifest(folder, settings, {}, None, {}, [shard])
    text.save_vocabulary(["<S>", "</S>", "<UNK>", "c"], folder / "words.txt")
    return folder


@pytest.mark.parametrize("options", [BERT, ELMO])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"corpus": A, "records": B}, "`records` and `corpus` must not be"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` must be at least 1"),
        ({"seed": -1}, "`seed` must be from 0"),
        ({"corpus": A, "output": A / "b"}, "`output` must be a folder"),
    ],
)
def test_by_both(
    options: Any, arguments: dict, message: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    A.write_text("a file")
    pairs = {"pair_length": 9} if options is BERT else {}
    with pytest.raises(ValueError, match=message):
        options(**{"output": tmp_path / "run", **pairs, **arguments})


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        (BERT, {"init": A, "vocabulary": B}, "a checkpoint has its own tokens"),
        (
            BERT,
            {"records": A, "vocabulary": B, "pair_length": 9},
            "records hold the corpus as ids",
        ),
        (BERT, {"pair_length": 129}, "must be at most `max_length`.*129"),
        (ELMO, {"init_weights": A}, "`init_options` and `init_weights` must"),
        (
            ELMO,
            {"init": A, "init_options": A, "init_weights": A},
            "`init` and `init_options` must not be given together",
        ),
    ],
)
def test_by_one(
    options: Any, arguments: dict, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        options(output=tmp_path / "run", **arguments)


def test_a_pair_may_be_as_long_as_an_encoder_that_is_loaded(
    tmp_path: Path,
) -> None:
    found = BERT(output=tmp_path / "run", init=A, pair_length=500)
    assert (found.pair_tokens, found.max_predictions) == (500, 75)


def test_masks_by_their_share(tmp_path: Path) -> None:
    def most(**options: Any) -> int:
        return BERT(output=tmp_path / "run", **options).max_predictions

    # As many as any row of 64 tokens can have, and no fewer than one.
    assert (most(), most(masking_rate=0.5)) == (10, 32)
    assert most(masking_rate=0.001) == 1
    units = {"segmented": True, "pair_length": 100}
    assert most(**units) == 30
    assert most(masking_rate=0.3, **units) == 60
    assert most(masking_rate=0.9, **units) == 100


def test_records_of_pairs_have_one_objective(tmp_path: Path) -> None:
    inputs = text.BertInputs([*text.SPECIAL_TOKENS, "a"], 9, split="character")
    settings = data.RecordSettings(
        "bert", "character", max_length=9, objective="sentence_order"
    )
    shard = data.write_shard(tmp_path, 0, [["a", "a"]], settings, inputs)
    data.write_manifest(tmp_path, settings, {}, inputs, {}, [shard])
    given: dict[str, Any] = {"output": tmp_path / "run", "records": tmp_path}
    for objective in ("none", "left_to_right"):
        with pytest.raises(ValueError, match="must be that of `records`"):
            BERT(**given, objective=objective)
    for objective in ("next_sentence", "sentence_order"):  # the first: default
        assert BERT(**given, objective=objective).has_pairs


@pytest.mark.parametrize(
    ("causal", "objective", "message"),
    [
        (False, "left_to_right", "reads in both directions: not left_to_right"),
        (True, "none", "reads from left to right: left_to_right"),
        (None, "sentence_order", "must be none for the encoder of `init`"),
    ],
)
def test_an_objective_that_init_does_not_have(
    causal: bool | None, objective: Any, message: str, tmp_path: Path
) -> None:
    """Refused before anything is written; `None`: one without a pooler."""
    init, corpus = tmp_path / "init", tmp_path / "a.txt"
    corpus.write_text("a a\na\n")
    encoder = models.bert_encoder(6, 1, 1, 4, 8, 64, causal=bool(causal))
    if causal:
        model = models.bert_causal_pretrainer(encoder)
    else:
        paired = causal is not None
        model = models.bert_pretrainer(encoder, next_sentence=paired)
    training.save_model(model, init / "pretrainer.keras")
    training.save_model(models.encoder_of(model), init / "encoder.keras")
    inputs = text.BertInputs([*text.SPECIAL_TOKENS, "a"], 64)
    text.save_inputs(inputs, init / "text_inputs.json")
    given: dict[str, Any] = {"init": init, "corpus": corpus}
    given |= {"output": tmp_path / "run", "objective": objective}
    with pytest.raises(ValueError, match=message):
        pretraining.begin_bert(BERT(**given), training.strategy())
    assert not (tmp_path / "run").exists()
    fits = "left_to_right" if causal else "none"
    start = pretraining.load_bert_start(BERT(**{**given, "objective": fits}))
    assert start is not None
    found = pretraining.with_bert_heads(
        BERT(**{**given, "objective": fits}), start
    )
    assert set(found.output) == {"next_token" if causal else "masked_lm"}


def test_records_of_other_words(records: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="that of `records`, 'whitespace'"):
        ELMO(output=tmp_path / "run", records=records)
    fits = {"records": records, "split": "whitespace"}
    with pytest.raises(ValueError, match="`warm_start` reads lines"):
        ELMO(output=tmp_path / "run", warm_start=9, **fits)
    found = ELMO(output=tmp_path / "run", **fits)
    assert found.words == records / "words.txt"
    with pytest.raises(ValueError, match="must hold records for bert"):
        BERT(output=tmp_path / "run", records=records)
    with pytest.raises(FileNotFoundError, match=r"manifest\.json"):
        BERT(output=tmp_path / "run", records=tmp_path)


@pytest.mark.parametrize("where", ["corpus", "held_out"])
@pytest.mark.parametrize(
    ("options", "begin"),
    [(BERT, pretraining.begin_bert), (ELMO, pretraining.begin_elmo)],
)
def test_a_text_with_a_bad_end_before_anything_is_written(
    options: Any, begin: Any, where: str, tmp_path: Path
) -> None:
    """Also a corpus whose words are only counted later."""
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("a b\nb c\n")
    bad.write_bytes(b"a b\n" * 3 + b"\xff\n")
    texts = {"corpus": good, "held_out": good, where: bad}
    given = options(output=tmp_path / "run", **texts)
    with pytest.raises(ValueError, match=r"bad\.txt, line 4: byte 0"):
        begin(given, training.strategy())
    assert not (tmp_path / "run").exists()


def test_pairs_longer_than_init_reads_before_anything_is_written(
    tmp_path: Path,
) -> None:
    init, corpus = tmp_path / "init", tmp_path / "a.txt"
    corpus.write_text("a a\na\n")
    tokens = [*text.SPECIAL_TOKENS, "a"]
    training.save_model(
        models.bert_encoder(6, 1, 1, 4, 8, max_length=24),
        init / "encoder.keras",
    )
    text.save_inputs(text.BertInputs(tokens, 24), init / "text_inputs.json")
    given: dict[str, Any] = {"init": init, "corpus": corpus}
    given["output"] = tmp_path / "run"
    with pytest.raises(ValueError, match="`pair_length` must be at most 24"):
        pretraining.begin_bert(BERT(**given), training.strategy())
    assert not (tmp_path / "run").exists()
    pretraining.begin_bert(BERT(**given, pair_length=24), training.strategy())
    assert (tmp_path / "run" / "settings.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": 0}, "`max_length` must be at least 1"),
        ({"init": A, "vocabulary": B}, "`init` and `vocabulary` must not be"),
        ({"inputs": (A,), "output": A}, "`output` must be another folder"),
    ],
)
def test_by_a_corpus(
    arguments: dict, message: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    A.mkdir()
    with pytest.raises(ValueError, match=message):
        CORPUS(**arguments)
