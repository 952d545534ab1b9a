"""Export a fine-tuned model as a SavedModel and check it from outside.

Command   python recipes/export_saved_model.py --model runs/bert_sentiment \
              --output saved_models/bert_sentiment
Data      The folder of a fine-tuning recipe, and sentences of your own
          (--texts, one a line) to ask before and after the export.
Output    OUTPUT/<version>/, and MODEL/export.json with the answers.
Expected  The largest difference between the Keras model and the SavedModel,
          asked in a fresh process with TensorFlow alone: below 1e-5.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tyro

from keras_ctx import data, serving, text, training

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
    """Folder with model.keras, text_inputs.json and labels.txt."""
    output: Path = Path("saved_models/bert_sentiment")
    """Folder of the SavedModel's versions."""
    texts: Path | None = None
    """Sentences to ask, one a line; left out: six of ours."""
    tolerance: float = 1e-5
    """Largest difference allowed in a score."""


def main(config: Config) -> dict:
    start = time.monotonic()
    texts = list(data.read_lines(config.texts) if config.texts else SENTENCES)
    model = keras.saving.load_model(config.model / "model.keras")
    text_inputs = text.load_inputs(config.model / "text_inputs.json")
    labels = list(data.read_lines(config.model / "labels.txt"))
    outputs = model(text_inputs(tf.constant(texts)))
    # A tagger with a CRF has scores of its own, and serves no logits.
    key = "scores" if "scores" in outputs else "logits"
    version = serving.export(model, text_inputs, config.output, labels)
    answers = serving.answers_in_fresh_process(config.output, texts)
    difference = float(np.abs(answers[key] - np.asarray(outputs[key])).max())
    if not difference <= config.tolerance:
        raise RuntimeError(
            f"{version} differs from the model that it was made from by "
            f"{difference:g}, more than {config.tolerance:g}."
        )
    for row, sentence in enumerate(texts):
        print(f"{sentence!r}: {readable(answers, row)}")
    results = {
        "saved_model": str(version),
        "difference": difference,
        "seconds": time.monotonic() - start,
    }
    training.save_json(
        {
            "results": results,
            "answers": {
                sentence: readable(answers, row)
                for row, sentence in enumerate(texts)
            },
        },
        config.model / "export.json",
    )
    print(f"{version}: differs by {difference:.1e} in a fresh process")
    return results


def readable(answers: dict[str, np.ndarray], row: int) -> str:
    """A label with its score, or the words with their tags."""
    if "label" in answers:
        return f"{answers['label'][row]} {answers['scores'][row].max():.3f}"
    return " ".join(
        token if tag in ("", "O") else f"{token}/{tag}"
        for token, tag in zip(
            answers["tokens"][row], answers["tags"][row], strict=True
        )
        if token
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
