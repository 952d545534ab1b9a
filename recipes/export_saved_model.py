"""Exports a model as a SavedModel, checks it independently, and tries it.

Data      The folder of a fine-tuning recipe or of one of its seeds
          (RUN/pretrained/seed_2), or of a published BERT with a task head
          (classifier, token classifier, question answering); or, with --kind,
          of a pretrained encoder or any checkpoint, to predict vectors
          (encoder, embedder), words for [MASK] (fill_mask), continuations of
          a text (generate) or translations (translate). Your own sentences
          (--texts, one per line) to try; the first 32 are also checked.
Output    OUTPUT/<version>/, with its own README.md, and MODEL/export.json with
          the answers.
Command   python recipes/export_saved_model.py --model runs/bert_sentiment \
              --output saved_models/bert_sentiment
Expected  The largest difference between the compiled Keras model and the
          SavedModel, run in a fresh process with TensorFlow alone: 0 on the
          machine of the export, and never more than rounding explains.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import data, serving, training
from keras_ctx.serving.export.model_to_export import model_to_export, object_in
from keras_ctx.serving.export.saved_model import CHECK_TEXTS
from keras_ctx.serving.export.shown_answers import shown_answers

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
    BERT with a task head; with `kind`, of an encoder or a checkpoint."""
    output: Path = Path("saved_models/bert_sentiment")
    """Folder of the SavedModel's versions."""
    kind: Literal[
        "task", "encoder", "embedder", "fill_mask", "generate", "translate"
    ] = "task"
    """What to serve: the fine-tuned model of a run; or for a checkpoint, all
    vectors, one vector per text, words for [MASK], continuations of a text, or
    translations."""
    pair: bool | None = None
    """Whether the model reads text pairs. If not given: as in the run's
    task.json, otherwise no."""
    top_k: int = 5
    """Most answers to a question, or words for a [MASK]."""
    windows: bool = False
    """Whether a classifier or tagger reads a text that is too long in windows;
    otherwise it is cut. The context of a question is never cut."""
    texts: Path | None = None
    """Sentences to try, one per line. If not given: six examples."""


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    texts = list(data.read_lines(config.texts) if config.texts else SENTENCES)
    if not texts:
        raise ValueError(f"`texts` must hold a line. Received: {config.texts}")
    model, text_inputs, known = model_to_export(config.model, config.kind)
    if config.pair is not None:
        known["pair"] = config.pair
    if config.windows:
        known["windows"] = serving.TextWindows()
    # The default sentences are like those that are always checked.
    more = texts[:32] if config.texts else []
    version = serving.export(
        model,
        text_inputs,
        config.output,
        **known,
        top_k=config.top_k,
        check_texts=(*CHECK_TEXTS, *more),
    )
    card = object_in(version / "signature.json")
    difference = card["agreement"]["difference"]
    answers = dict(
        zip(texts, shown_answers(config.output, card, texts), strict=True)
    )
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
    closing(
        [["version", "largest difference"], [version.name, difference]],
        [version, config.model / "export.json"],
        ["serve.py", "--models", config.output],
    )
    return results


if __name__ == "__main__":
    run_command(main, Config)
