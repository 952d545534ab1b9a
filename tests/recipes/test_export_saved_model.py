"""Exports of encoders, pretrainers, pair models and question answering."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import load_recipe
from safetensors.numpy import load_file, save_file
from tiny_encoders import ENCODERS, save_encoders

from keras_ctx import convert, models, predictions, serving, text, training
from keras_ctx.serving.export.model_to_export import model_to_export
from keras_ctx.serving.export.run_figures import run_figures
from keras_ctx.serving.export.shown_answers import shown_answer

TEXTS = ["the river bank", "好", ""]


def run(tmp_path: Path, model: Path, **options) -> tuple[dict, dict]:
    """Returns the recipe's results and its file."""
    recipe = load_recipe("export_saved_model")
    lines = tmp_path / "texts.txt"
    lines.write_text("\n".join(TEXTS[:2]) + "\n", encoding="utf-8")
    results = recipe.main(
        recipe.Config(
            model=model, output=tmp_path / "saved", texts=lines, **options
        )
    )
    assert results["difference"] < 1e-5
    return results, json.loads((model / "export.json").read_text("utf-8"))


@pytest.mark.slow  # an export each
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("kind", ["encoder", "embedder"])
def test_encoders(name: str, kind: str, tmp_path: Path) -> None:
    folder = save_encoders(tmp_path / "runs")[name]
    _, written = run(tmp_path, folder, kind=kind)
    key = "sequence" if kind == "encoder" else "embedding"
    assert all(answer.startswith(key) for answer in written["answers"].values())
    served = serving.answers(tmp_path / "saved", TEXTS)
    assert served[key].shape[0] == 3


@pytest.mark.slow
def test_fill_mask(tmp_path: Path) -> None:
    make_encoder, make_inputs = ENCODERS["bert"]
    model = randomized(models.bert_pretrainer(make_encoder()))
    training.save_model(model, tmp_path / "run" / "pretrainer.keras")
    text.save_inputs(make_inputs(), tmp_path / "run" / "text_inputs.json")
    _, written = run(tmp_path, tmp_path / "run", kind="fill_mask", top_k=2)
    assert all(len(x.split()) == 2 for x in written["answers"].values())


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pair", "answer"])
def test_two_texts(task: str, tmp_path: Path) -> None:
    make_encoder, _ = ENCODERS["elmo"]
    inputs = text.ElmoInputs(8)
    if task == "pair":
        model = models.classifier(make_encoder(), 2)
        lines = "no\nyes\n"
    else:
        model, lines = models.span_extractor(make_encoder()), None
    folder = tmp_path / "run"
    training.save_model(model, folder / "model.keras")
    text.save_inputs(inputs, folder / "text_inputs.json")
    if lines:
        (folder / "labels.txt").write_text(lines)
    training.save_json(
        {"results": {"score": 0.5, "saved": "no figure"}},
        folder / "results.json",
    )
    results, _ = run(tmp_path, folder, pair=task == "pair")
    card = json.loads(
        (Path(results["saved_model"]) / "signature.json").read_text("utf-8")
    )
    assert card["metrics"] == {"score": 0.5}
    assert card["task"] == {"pair": "classify"}.get(task, task)


def published(folder: Path, task: str) -> tuple[Path, dict[str, np.ndarray]]:
    """Writes a BERT of Hugging Face with a task head; returns the head."""
    encoder = models.bert_encoder(9, 1, 2, 8, 16, max_length=96)
    convert.save_bert(randomized(encoder), folder)
    kind, name, rows = {
        "classify": ("SequenceClassification", "classifier", 2),
        "regress": ("SequenceClassification", "classifier", 1),
        "tag": ("TokenClassification", "classifier", 2),
        "answer": ("QuestionAnswering", "qa_outputs", 2),
    }[task]
    generator = np.random.default_rng(1)
    head = {
        "weight": generator.normal(size=(rows, 8)).astype("float32"),
        "bias": generator.normal(size=rows).astype("float32"),
    }
    path = folder / "model.safetensors"
    tensors = {f"bert.{key}": x for key, x in load_file(path).items()}
    save_file(tensors | {f"{name}.{x}": head[x] for x in head}, path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["architectures"] = [f"BertFor{kind}"]
    if rows == 2 and task != "answer":
        config["id2label"] = {"1": "good", "0": "bad"}
    training.save_json(config, folder / "config.json")
    tokens = [*text.SPECIAL_TOKENS, "the", "river", "bank", "好"]
    text.save_vocabulary(tokens, folder / "vocab.txt")
    training.save_json(
        {"do_lower_case": True}, folder / "tokenizer_config.json"
    )
    return folder, head


@pytest.mark.slow  # an export each
@pytest.mark.parametrize("task", ["classify", "regress", "tag", "answer"])
def test_published_heads(task: str, tmp_path: Path) -> None:
    folder, head = published(tmp_path / "bert", task)
    results, written = run(tmp_path, folder)
    version = Path(results["saved_model"])
    card = json.loads((version / "signature.json").read_text("utf-8"))
    assert card["task"] == task
    answers = list(written["answers"].values())
    if task == "answer":
        return
    # By hand, from the encoder's outputs.
    inputs = convert.load_text_inputs(folder)(TEXTS)
    outputs = convert.load_encoder(folder)(inputs)
    key = "sequence" if task == "tag" else "pooled"
    logits = np.asarray(outputs[key]) @ head["weight"].T + head["bias"]
    if task == "classify":
        best = logits.argmax(-1)
        served = serving.answers(tmp_path / "saved", TEXTS)
        names = np.array([b"bad", b"good"])
        assert [
            x if isinstance(x, bytes) else x.encode()
            for x in served["labels"][:, 0].tolist()
        ] == names[best].tolist()
    elif task == "regress":
        served = serving.answers(tmp_path / "saved", TEXTS)
        np.testing.assert_allclose(served["score"], logits[:, 0], atol=1e-5)
    else:
        tags = np.array(["bad", "good"])[logits[0, 1:4].argmax(-1)]
        words = zip(["the", "river", "bank"], tags, strict=True)
        assert answers[0].split() == [f"{word}/{tag}" for word, tag in words]


def test_a_published_bert_without_a_head(tmp_path: Path) -> None:
    encoder = models.bert_encoder(9, 1, 2, 8, 16, max_length=12)
    convert.save_bert(encoder, tmp_path)
    tokens = [*text.SPECIAL_TOKENS, "the", "river", "bank", "好"]
    text.save_vocabulary(tokens, tmp_path / "vocab.txt")
    settings = {"do_lower_case": True}
    training.save_json(settings, tmp_path / "tokenizer_config.json")
    with pytest.raises(ValueError, match="head of a task.*only an encoder"):
        model_to_export(tmp_path)


def sentence_folder(folder: Path, prompts: dict, **pooling) -> Path:
    """Writes a folder like sentence-transformers, with prompts."""
    encoder = models.bert_encoder(9, 1, 2, 8, 16, max_length=96)
    convert.save_bert(randomized(encoder), folder)
    tokens = [*text.SPECIAL_TOKENS, "query", ":", "river", "好"]
    text.save_vocabulary(tokens, folder / "vocab.txt")
    (folder / "1_Pooling").mkdir()
    kind = "sentence_transformers.models."
    files: list[tuple[str, Any]] = [
        ("tokenizer_config.json", {"do_lower_case": True}),
        (
            "modules.json",
            [
                {"idx": k, "name": str(k), "path": path, "type": kind + name}
                for k, (path, name) in enumerate(
                    [("", "Transformer"), ("1_Pooling", "Pooling")]
                )
            ],
        ),
        (
            "1_Pooling/config.json",
            {"pooling_mode_mean_tokens": True, **pooling},
        ),
        ("config_sentence_transformers.json", prompts),
    ]
    for name, content in files:
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


PROMPTS = {"query": "query: ", "document": ""}


@pytest.mark.quick("query")
@pytest.mark.parametrize("default", ["query", None])
def test_prompts_are_told(default: str | None, tmp_path: Path) -> None:
    folder = sentence_folder(
        tmp_path / "e5", {"prompts": PROMPTS, "default_prompt_name": default}
    )
    [note] = model_to_export(folder, "embedder")[2]["notes"]
    assert '`"query: "`' in note
    assert ("trained on texts that begin with" in note) == (default is not None)
    folder = sentence_folder(tmp_path / "minilm", {"prompts": {}})
    assert model_to_export(folder, "embedder")[2]["notes"] == []


def test_a_default_prompt_is_left_out_of_the_pooling(tmp_path: Path) -> None:
    """If the folder says so, and the client sends the prompt, as noted."""
    folder = sentence_folder(
        tmp_path / "e5",
        {"prompts": PROMPTS, "default_prompt_name": "query"},
        include_prompt=False,
    )
    model, inputs, _ = model_to_export(folder, "embedder")
    found = model(inputs(["query: river 好"]))["embedding"][0]
    encoder = convert.load_encoder(folder)
    vectors = encoder(inputs(["query: river 好"]))["sequence"][0]
    # [CLS] query : river 好 [SEP]: the last three count.
    expected = np.mean(vectors[3:], axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_card_of_an_embedder_with_a_prompt(tmp_path: Path) -> None:
    folder = sentence_folder(
        tmp_path / "e5", {"prompts": PROMPTS, "default_prompt_name": "query"}
    )
    results, _ = run(tmp_path, folder, kind="embedder")
    page = (Path(results["saved_model"]) / "README.md").read_text("utf-8")
    assert 'texts that begin with `"query: "`' in page


def question_run(folder: Path) -> dict:
    """Writes a run of finetune_squad.py with short windows; returns them."""
    make_encoder, make_inputs = ENCODERS["bert"]
    model = models.span_extractor(make_encoder())
    training.save_model(model, folder / "model.keras")
    text.save_inputs(make_inputs(), folder / "text_inputs.json")
    windows = {"stride": 3, "max_question": 4, "max_answer": 2}
    training.save_json(
        {
            "task": "question_answering",
            "null_threshold": None,
            "language": "en",
            **windows,
        },
        folder / "task.json",
    )
    return windows


def test_windows_are_those_of_the_run(tmp_path: Path) -> None:
    # The defaults do not fit into 16 positions, and allow longer answers.
    windows = question_run(tmp_path)
    *_, known = model_to_export(tmp_path)
    assert known["windows"] == serving.AnswerWindows(**windows)


def test_seed_of_a_run_is_exported_with_its_own_model(tmp_path: Path) -> None:
    make_encoder, make_inputs = ENCODERS["bert"]
    for number in (1, 2):
        seed = tmp_path / "pretrained" / f"seed_{number}"
        model = models.classifier(make_encoder(), 2)
        model.weights[-1].assign([number, 0])
        training.save_model(model, seed / "model.keras")
        training.save_json({"accuracy": number / 4}, seed / "scores.json")
    shutil.copy(tmp_path / "pretrained/seed_1/model.keras", tmp_path)
    text.save_inputs(make_inputs(), tmp_path / "text_inputs.json")
    text.save_vocabulary(["no", "yes"], tmp_path / "labels.txt")
    training.save_json({"digests": {}}, tmp_path / "settings.json")
    scores = {"accuracy": {"seeds": [0.25, 0.5]}}
    training.save_json(
        {"results": {"scores": scores}, "config": {"test": "held_out.tsv"}},
        tmp_path / "results.json",
    )
    seed = tmp_path / "pretrained" / "seed_2"
    with pytest.raises(
        FileNotFoundError, match="finished run, with a task.json"
    ):
        model_to_export(seed)
    training.save_json(
        {"task": "classification", "pair": True}, tmp_path / "task.json"
    )
    model, inputs, known = model_to_export(seed)
    assert inputs.get_config() == make_inputs().get_config()
    np.testing.assert_array_equal(model.weights[-1], [2, 0])
    assert known["labels"] == ["no", "yes"] and known["pair"]
    assert known["metrics"] == {"accuracy": 0.5}
    assert known["measured_on"] == "held_out.tsv"
    assert model_to_export(tmp_path)[2]["metrics"] == {"accuracy": 0.25}
    (seed / "scores.json").unlink()
    with pytest.raises(
        FileNotFoundError, match="finished run, with a scores.json"
    ):
        model_to_export(seed)


@pytest.mark.slow
def test_served_answers_are_the_predicted_ones(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    question_run(folder)
    question, context = "the", "river river bank the bank river the river " * 3
    run(tmp_path, folder, top_k=1)
    served = serving.answers(
        tmp_path / "saved", {"question": [question], "context": [context]}
    )
    asked = {"context": context, "qas": [{"id": "q", "question": question}]}
    training.save_json(
        {"data": [{"title": "t", "paragraphs": [asked]}]},
        tmp_path / "questions.json",
    )
    predictions.predict_file(
        folder, tmp_path / "questions.json", tmp_path / "answers.json"
    )
    found = json.loads((tmp_path / "answers.json").read_text("utf-8"))
    assert found == {"q": served["answers"][0, 0]}


@pytest.mark.parametrize(
    ("results", "metrics"),
    [
        (
            {"scores": {"f1": {"seeds": [None]}, "exact": {"seeds": [5.0]}}},
            {"exact": 5.0},
        ),
        # Without answers, there are no scores, only seconds.
        ({"scores": {}, "f1": None, "seconds": 9.5, "metric": "F1"}, {}),
        (
            {
                "scores_pretrained": {
                    "f1": {"seeds": [0.5, 0.6]},
                    "share_0": {"seeds": [0.3, 0.3]},
                    "scale": {"seeds": [1.0, 1.0]},
                }
            },
            {"f1": 0.5},
        ),
    ],
)
def test_figures_are_finite_scores(results: dict, metrics: dict) -> None:
    found = run_figures({"results": results})
    assert found["metrics"] == metrics


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"train": None, "test": None}, "the sample data held out"),
        ({"train": "a/b.tsv", "test": "a/c.tsv"}, "c.tsv"),
        # finetune_squad.py holds out articles of its training file.
        ({"train": "a/b.json", "test": None}, "articles held out of b.json"),
    ],
)
def test_it_is_said_what_was_measured_on(config: dict, where: str) -> None:
    found = run_figures({"config": config})
    assert found["measured_on"] == where


def test_an_answer_is_shown_as_text() -> None:
    # As served: NumPy strings have another `repr`.
    answers = {
        "answers": np.array([["Rome's"]]),
        "scores": np.array([[0.5]]),
    }
    shown = shown_answer(answers, 0, False)
    assert shown == '"Rome\'s" 0.500'
