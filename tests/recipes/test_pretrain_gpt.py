"""A GPT from a corpus: pretrained, continued, fine-tuned, generating."""

import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from recipe_files import load_recipe

from keras_ctx import convert, evaluation, generation, models

CORPUS = "\n\n".join(["the cat sat on the mat\nand the dog ran"] * 60) + "\n"
HELD_OUT = "the cat ran\n\nthe dog sat on the mat\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run on a corpus that it soon knows by heart."""
    folder = tmp_path_factory.mktemp("gpt")
    (folder / "corpus.txt").write_text(CORPUS)
    (folder / "held_out.txt").write_text(HELD_OUT)
    pretrain(folder, folder / "run", held_out=folder / "held_out.txt")
    return folder / "run"


def pretrain(folder: Path, output: Path, **changes) -> dict:
    recipe = load_recipe("pretrain_gpt")
    config = recipe.Config(
        **{
            "corpus": folder / "corpus.txt",
            "output": output,
            "vocabulary_size": 300,
            "max_length": 16,
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 32,
            "batch_size": 8,
            "epochs": 2,
            "steps_per_epoch": 60,
            "learning_rate": 5e-3,
            **changes,
        }
    )
    return recipe.main(config)


def generate(run: Path, **options) -> list[dict]:
    recipe = load_recipe("generate")
    output = run.parent / "generated.jsonl"
    recipe.main(recipe.Config(model=run, output=output, **options))
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_files_and_figures(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {
        *("encoder.keras", "language_model.keras", "text_inputs.json"),
        *("results.json", "metrics.jsonl"),
    } <= names
    assert "tokens.bin" not in names and "checkpoints" not in names
    results = json.loads((run / "results.json").read_text())["results"]
    assert results["loss"] < 0.6  # 5.7 for equal tokens
    inputs: Any = convert.load_text_inputs(run)
    framed = [
        [inputs.end_id, *inputs.encode([x]).to_list()[0], inputs.end_id]
        for x in HELD_OUT.strip().split("\n\n")
    ]
    model = keras.saving.load_model(run / "language_model.keras")
    expected = evaluation.causal_perplexity(model, framed, 9, 16)
    assert results["val_num_words"] == 9
    for name in ("token_perplexity", "word_perplexity", "num_tokens"):
        assert abs(results[f"val_{name}"] / expected[name] - 1) < 1e-5
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert sum("val_token_perplexity" in x for x in lines) == 2  # epochs


def test_it_writes_what_it_read(run: Path) -> None:
    (answer,) = generate(run, prompt=("the cat",), greedy=True)
    assert answer["texts"][0]["text"].startswith(" sat on the mat")
    assert answer["problem"] is None


@pytest.mark.slow
def test_searches(run: Path) -> None:
    texts = {}
    for name, options in {
        "greedy": {"greedy": True},
        "beams": {"beams": 3, "num_samples": 2},
        "samples": {"temperature": 1.5, "top_k": 9, "num_samples": 3},
    }.items():
        (answer, empty) = generate(
            run, prompt=("the", ""), max_length=12, **options
        )
        texts[name] = answer["texts"]
        assert empty["texts"]
        for text in answer["texts"]:
            assert text["stopped"] in ("end", "length")
            assert 1 <= text["num_tokens"] <= 11
    assert [len(x) for x in texts.values()] == [1, 2, 3]
    scores = [x["score"] for x in texts["beams"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.slow
def test_a_long_prompt_is_left_out_and_named(run: Path) -> None:
    long = "a long way " * 9
    answers = generate(run, prompt=("the", long), greedy=True)
    assert answers[0]["problem"] is None
    assert answers[1]["texts"] == []
    assert "at most 15 leave room for a new one" in answers[1]["problem"]


@pytest.mark.slow
def test_a_window_reads_the_last_tokens(run: Path) -> None:
    long = "a long way " * 9
    inputs: Any = convert.load_text_inputs(run)
    last = inputs.decode([inputs.encode([long]).to_list()[0][-6:]]).numpy()[0]
    (answer,) = generate(run, prompt=(long,), greedy=True, window=6)
    assert answer["problem"] is None
    recipe = load_recipe("generate")
    model, _ = convert.load_causal_language_model(run)
    found = generation.Generator(model, 16, end_ids=[inputs.end_id])(
        {
            "token_ids": inputs.encode([last]).to_tensor(),
            "padding_mask": np.ones((1, 6), "bool"),
        }
    )
    assert answer["texts"][0]["num_tokens"] == found.lengths[0, 0]
    assert abs(answer["texts"][0]["score"] - found.scores[0, 0]) < 1e-5
    with pytest.raises(ValueError, match="`window` must be from 1 to 15"):
        recipe.main(recipe.Config(model=run, prompt=("a",), window=16))


@pytest.mark.slow
def test_prompts_from_standard_input(
    run: Path, monkeypatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("the dog\n"))
    recipe = load_recipe("generate")
    found = recipe.main(recipe.Config(model=run, greedy=True))
    assert found["texts"] == 1
    assert "1: the dog[...] ran" in capsys.readouterr().out


@pytest.mark.slow
def test_the_run_is_an_encoder(run: Path) -> None:
    encoder = convert.load_encoder(run)
    inputs = convert.load_text_inputs(run)
    assert models.family_of(encoder).name == "gpt"
    model = models.classifier(encoder, 2)
    model.compile(
        keras.optimizers.Adam(5e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    texts = ["the cat sat", "the dog ran"] * 8
    labels = np.array([0, 1] * 8)
    model.fit(inputs(texts), {"logits": labels}, epochs=12, verbose=0)
    logits = model.predict(inputs(texts), verbose=0)["logits"]
    assert (logits.argmax(axis=1) == labels).all()


@pytest.mark.slow
def test_a_run_continues_from_another(run: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text(CORPUS.replace("cat", "fox"))
    found = pretrain(
        tmp_path, tmp_path / "run", init=run, steps_per_epoch=30, epochs=1
    )
    assert found["loss"] < 1.5
    again = pretrain(
        tmp_path, tmp_path / "run", init=run, steps_per_epoch=30, epochs=1
    )
    assert again["loss"] == found["loss"]


REFUSALS = [
    ({"records": Path("records")}, "`records` must not be given"),
    ({"vocabulary_size": 256}, "`vocabulary_size` must be at least 257"),
    ({"stride": 17}, "`stride` must be at most `max_length`"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSALS)
def test_refused_options(tmp_path: Path, changes: dict, message: str) -> None:
    (tmp_path / "corpus.txt").write_text(CORPUS)
    with pytest.raises(ValueError, match=message):
        pretrain(tmp_path, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_a_short_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("ab\n")
    with pytest.raises(
        ValueError, match="`corpus` must have more tokens than a row"
    ):
        pretrain(tmp_path, tmp_path / "run")


def test_other_models_are_refused(tmp_path: Path) -> None:
    from keras_ctx import text

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    models.bert_encoder(6, 1, 2, 8, 12).save(tmp_path / "encoder.keras")
    text.save_inputs(
        text.BertInputs([*special, "a"], 9), tmp_path / "text_inputs.json"
    )
    with pytest.raises(ValueError, match="`folder` must be of a GPT-2"):
        generate(tmp_path, prompt=("a",))
