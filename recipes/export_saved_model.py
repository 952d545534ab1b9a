"""Export a model as a SavedModel, check it from outside, and ask it.

Command   python recipes/export_saved_model.py --model runs/bert_sentiment \
              --output saved_models/bert_sentiment
Data      The folder of a fine-tuning recipe, or of a published BERT with the
          head of a task (classifier, token classifier, question answering);
          or, with --kind, of a pretrained encoder or any checkpoint, which
          answers with vectors (encoder, embedder) or with words for [MASK]
          (fill_mask). Sentences of your own (--texts, one a line) to ask; the
          first 32 are checked, too.
Output    OUTPUT/<version>/, with a README.md of its own, and
          MODEL/export.json with the answers.
Expected  The largest difference between the compiled Keras model and the
          SavedModel, asked in a fresh process with TensorFlow alone: 0 on the
          machine of the export, and never more than rounding can do.
"""

import os
import re
import time
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import numpy as np

from keras_ctx import convert, data, models, serving, training
from keras_ctx.files.json_text import load_object_file
from keras_ctx.files.model_file import load_model
from keras_ctx.serving.export.saved_model import CHECK_TEXTS

SENTENCES = (
    "这本书非常好看，我很喜欢。",
    "质量太差了，千万不要买！",
    "江泽民主席在北京会见了香港特别行政区长官董建华。",
    "新华社记者从上海报道。",
    "Good.",
    "",
)


@dataclass(frozen=True)
class Config:
    model: Path = Path("runs/bert_sentiment")
    """Folder of a run, with model.keras and text_inputs.json, or of a published
    BERT with the head of a task; with `kind`, of an encoder or a
    checkpoint."""
    output: Path = Path("saved_models/bert_sentiment")
    """Folder of the SavedModel's versions."""
    kind: Literal["task", "encoder", "embedder", "fill_mask"] = "task"
    """What to serve: the fine-tuned model of a run, or of a checkpoint all
    vectors, one vector a text, or words for [MASK]."""
    pair: bool | None = None
    """Whether the model reads pairs of texts; left out: as the run says in its
    task.json, and no otherwise."""
    top_k: int = 5
    """Most answers to a question, words for a [MASK]."""
    windows: bool = False
    """Whether a classifier or tagger reads a text that is longer than a row
    in windows; otherwise it is cut. A question's context never is."""
    texts: Path | None = None
    """Sentences to ask, one a line; left out: six of ours."""


def load(config: Config) -> tuple:
    """The model, its text inputs, and what `export` is told of them."""
    folder = config.model
    if config.kind == "fill_mask":
        pretrainer = convert.load_pretrainer(folder)
        return pretrainer, convert.load_text_inputs(folder), {}
    if config.kind == "embedder":
        settings = convert.sentence_settings(folder)
        prompt = settings.default_prompt  # a client is told to send it
        # It prints how the vectors are made.
        model, inputs = convert.load_embedder(
            folder, prompt=prompt, distinct=True
        )
        return model, inputs, {"notes": convert.prompt_notes(settings)}
    if config.kind != "task":
        encoder = convert.load_encoder(folder)
        text_inputs = convert.load_text_inputs(folder)
        if text_inputs.distinct:
            encoder = models.distinct_words(encoder)
        return encoder, text_inputs, {}
    run = ("model.keras", "text_inputs.json")
    published = ("config.json", "bert_config.json")
    if not any((folder / name).exists() for name in run) and any(
        (folder / name).exists() for name in published
    ):
        found = convert.load_task_model(folder)
        known: dict[str, Any] = {"labels": found.labels or None}
        known["multi_label"] = found.kind == "multi_label"
        return found.model, found.text_inputs, known
    for name in run:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                "`model` must be the folder of a fine-tuning recipe's run that "
                f"has ended, with a {name}; for an encoder or a checkpoint "
                f"give --kind. Received: model={folder}"
            )
    known = {}
    if (folder / "labels.txt").exists():
        known["labels"] = list(data.read_lines(folder / "labels.txt"))
    task = read_json(folder / "task.json")
    known["multi_label"] = task.get("task") == "multi_label"
    known["pair"] = task.get("pair", False)
    if task.get("task") == "question_answering":
        # Those that the run's figures were measured with.
        names = ("stride", "max_question", "max_answer")
        settings = {name: task[name] for name in names if name in task}
        known["windows"] = serving.AnswerWindows(**settings)
    # Of what the run has read, the version of the library is no digest.
    digests = read_json(folder / "settings.json").get("digests", {})
    known["training_data"] = {
        name: digest
        for name, digest in digests.items()
        if re.fullmatch("[0-9a-f]{64}", str(digest))
    }
    known |= figures(read_json(folder / "results.json"))
    return (
        load_model(folder / "model.keras"),
        convert.load_text_inputs(folder),
        known,
    )


def read_json(path: Path) -> dict[str, Any]:
    """What the file holds, and nothing where there is none."""
    return load_object_file(path) if path.exists() else {}


def figures(written: dict[str, Any]) -> dict[str, Any]:
    """The figures of the model that is exported: the first of several seeds."""
    results = written.get("results", {})
    scores = results.get("scores_pretrained") or results.get("scores") or {}
    found = {name: one["seeds"][0] for name, one in scores.items()} or results
    # A figure that was not finite is null or a string; the shares of layers
    # and seconds are no measure of quality.
    found = {
        name: value
        for name, value in found.items()
        if isinstance(value, int | float)
        and isfinite(value)
        and not re.fullmatch(r"share_\d+|scale|seconds", name)
    }
    settings = written.get("config", {})
    if "test" not in settings:
        return {"metrics": found}
    if settings["test"] is not None:
        where = Path(settings["test"]).name
    elif settings.get("train") is not None:
        where = f"articles held out of {Path(settings['train']).name}"
    else:
        where = "the sample data held out"
    return {"metrics": found, "measured_on": where}


def ask(config: Config, card: dict[str, Any], texts: list[str]) -> list[str]:
    """The answers of the SavedModel, to be read."""
    inputs = {"text": texts}
    if card["task"] == "answer":
        question = card["example"]["question"]
        inputs = {"question": question * len(texts), "context": texts}
    elif "second_text" in card["example"]:
        inputs["second_text"] = texts[::-1]
    elif card["task"] == "fill_mask":
        inputs = {"text": [f"[MASK]{text}" for text in texts]}
    answers = serving.answers(config.output, inputs)
    return [
        readable(answers, row, card["multi_label"]) for row in range(len(texts))
    ]


def readable(
    answers: dict[str, np.ndarray], row: int, multi_label: bool
) -> str:
    """A label, words with their tags, an answer, words, or a vector's size."""
    answer = {key: value[row] for key, value in answers.items()}
    if multi_label:
        given = answer["labels"][answer["scores"] >= 0.5]
        return ", ".join(given) or "none"
    if "labels" in answer:
        return f"{answer['labels'][0]} {answer['scores'][0]:.3f}"
    if "tags" in answer:
        return " ".join(
            word if tag in ("", "O") else f"{word}/{tag}"
            for word, tag in zip(answer["words"], answer["tags"], strict=True)
            if word
        )
    if "answers" in answer:
        return f"{str(answer['answers'][0])!r} {answer['scores'][0]:.3f}"
    if "words" in answer:
        return " ".join(answer["words"][0])
    if "score" in answer:
        return f"{answer['score']:.3f}"
    key = "embedding" if "embedding" in answer else "sequence"
    return f"{key} {answer[key].shape}, {answer['num_tokens']} tokens"


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    texts = list(data.read_lines(config.texts) if config.texts else SENTENCES)
    if not texts:
        raise ValueError(f"`texts` must hold a line. Received: {config.texts}")
    model, text_inputs, known = load(config)
    if config.pair is not None:
        known["pair"] = config.pair
    if config.windows:
        known["windows"] = serving.TextWindows()
    # Our own sentences are of the kind that is checked anyway.
    more = texts[:32] if config.texts else []
    version = serving.export(
        model,
        text_inputs,
        config.output,
        **known,
        top_k=config.top_k,
        check_texts=(*CHECK_TEXTS, *more),
    )
    card = read_json(version / "signature.json")
    difference = card["agreement"]["difference"]
    answers = dict(zip(texts, ask(config, card, texts), strict=True))
    for sentence, answer in answers.items():
        print(f"{sentence!r}: {answer}")
    results = {
        "saved_model": str(version),
        "difference": difference,
        "seconds": time.monotonic() - start,
    }
    training.save_json(
        {"results": results, "answers": answers}, config.model / "export.json"
    )
    print(f"{version}: differs by {difference:.1e} in a fresh process")
    return results


if __name__ == "__main__":
    run_command(main, Config)
