"""Export a model as a SavedModel, check it from outside, and ask it.

Command   python recipes/export_saved_model.py --model runs/bert_sentiment \
              --output saved_models/bert_sentiment
Data      The folder of a fine-tuning recipe; or, with --kind, of a pretrained
          encoder or any checkpoint, which answers with vectors (encoder,
          embedder) or with words for [MASK] (fill_mask). Sentences of your
          own (--texts, one a line) to ask.
Output    OUTPUT/<version>/, with a README.md of its own, and
          MODEL/export.json with the answers.
Expected  The largest difference between the Keras model and the SavedModel,
          asked in a fresh process with TensorFlow alone: below 1e-5.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
import tyro

from keras_ctx import convert, data, models, serving, text, training

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
    """Folder of a run, with model.keras and text_inputs.json; with `kind`, of
    an encoder or a checkpoint."""
    output: Path = Path("saved_models/bert_sentiment")
    """Folder of the SavedModel's versions."""
    kind: Literal["task", "encoder", "embedder", "fill_mask"] = "task"
    """What to serve: the fine-tuned model of a run, or of a checkpoint all
    vectors, one vector a text, or words for [MASK]."""
    pair: bool = False
    """Whether the model reads pairs of texts."""
    top_k: int = 5
    """Most answers to a question, words for a [MASK]."""
    windows: bool = False
    """Whether a classifier or tagger reads a text that is longer than a row
    in windows; otherwise it is cut. A question's context never is."""
    texts: Path | None = None
    """Sentences to ask, one a line; left out: six of ours."""
    tolerance: float = 1e-5
    """Largest difference allowed in an output of the model."""


def load(config: Config) -> tuple:
    """The model, its text inputs, its labels and its figures."""
    folder = config.model
    if config.kind == "fill_mask":
        pretrainer = convert.load_pretrainer(folder)
        return pretrainer, convert.load_text_inputs(folder), None, {}
    if config.kind != "task":
        encoder = convert.load_encoder(folder)
        text_inputs = convert.load_text_inputs(folder)
        if getattr(text_inputs, "distinct", False):
            encoder = models.distinct_words(encoder)
        if config.kind == "embedder":
            encoder = models.embedder(encoder)
        return encoder, text_inputs, None, {}
    labels = None
    if (folder / "labels.txt").exists():
        labels = list(data.read_lines(folder / "labels.txt"))
    metrics = {}
    if (folder / "results.json").exists():
        results = json.loads((folder / "results.json").read_text())["results"]
        metrics = {
            key: value
            for key, value in results.items()
            if isinstance(value, int | float)
        }
    return (
        keras.saving.load_model(folder / "model.keras"),
        text.load_inputs(folder / "text_inputs.json"),
        labels,
        metrics,
    )


def largest_difference(config: Config, model, text_inputs, texts) -> float:
    """Between the model here and the SavedModel in a process of its own."""
    second = texts if config.pair or "start_logits" in model.output else None
    features = text_inputs(tf.constant(texts), second)
    if config.kind == "fill_mask":
        features["masked_positions"] = tf.ones([len(texts), 1], tf.int32)
    expected = model(features, training=False)
    features.pop("padding_mask", None)
    answers = serving.answers_in_fresh_process(
        config.output, {k: x.numpy() for k, x in features.items()}, "features"
    )
    if "layers" in answers:
        expected["layers"] = np.stack(expected["layers"], axis=1)
    return max(
        float(np.abs(value - np.asarray(expected[key])).max())
        for key, value in answers.items()
        if value.dtype == np.float32
    )


def ask(config: Config, model, texts) -> list[str]:
    """The answers of the SavedModel, to be read."""
    inputs = {"text": texts}
    if "start_logits" in model.output:
        inputs = {"question": ["谁？"] * len(texts), "context": texts}
    elif config.pair:
        inputs["second_text"] = texts[::-1]
    elif config.kind == "fill_mask":
        inputs = {"text": [f"[MASK]{text}" for text in texts]}
    answers = serving.answers(config.output, inputs)
    return [readable(answers, row) for row in range(len(texts))]


def readable(answers: dict[str, np.ndarray], row: int) -> str:
    """A label, words with their tags, an answer, words, or a vector's size."""
    answer = {key: value[row] for key, value in answers.items()}
    if "labels" in answer:
        return f"{answer['labels'][0]} {answer['scores'][0]:.3f}"
    if "tags" in answer:
        return " ".join(
            word if tag in ("", "O") else f"{word}/{tag}"
            for word, tag in zip(answer["words"], answer["tags"], strict=True)
            if word
        )
    if "answers" in answer:
        return f"{answer['answers'][0]!r} {answer['scores'][0]:.3f}"
    if "words" in answer:
        return " ".join(answer["words"][0])
    if "score" in answer:
        return f"{answer['score']:.3f}"
    key = "embedding" if "embedding" in answer else "sequence"
    return f"{key} {answer[key].shape}, {answer['num_tokens']} tokens"


def main(config: Config) -> dict:
    start = time.monotonic()
    texts = list(data.read_lines(config.texts) if config.texts else SENTENCES)
    model, text_inputs, labels, metrics = load(config)
    version = serving.export(
        model,
        text_inputs,
        config.output,
        labels,
        pair=config.pair,
        top_k=config.top_k,
        windows=serving.TextWindows() if config.windows else None,
        metrics=metrics,
    )
    difference = largest_difference(config, model, text_inputs, texts)
    if not difference <= config.tolerance:
        raise RuntimeError(
            f"{version} differs from the model that it was made from by "
            f"{difference:g}, more than {config.tolerance:g}."
        )
    answers = dict(zip(texts, ask(config, model, texts), strict=True))
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
    main(tyro.cli(Config))
