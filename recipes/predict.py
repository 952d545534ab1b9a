"""Predicts every line of a file with a fine-tuned model.

Data      A file in the format of the training files, without labels: one text
          per line, or a table with the same columns (`--columns` names
          others); text pairs as a table; one word per line, with or without
          other columns; questions in SQuAD's format; predicates as JSON lines
          or columns of CoNLL-2005 or CoNLL-2012, whose arguments are not used.
          It may be compressed; `-` is standard input.
Output    One line for each line, in order, on standard output or in --output,
          which is written completely or not at all. Texts: the label or
          number, then the logits of all labels, separated by tabs. Words: the
          word and its tag, in the scheme of the training files. Questions:
          JSON with the answer of each id, for the official scripts.
          Predicates: a JSON line each, with its arguments. A blank line of
          texts or words gives a blank line, a header a header.
Command   python recipes/predict.py --model runs/bert_sentiment \
              --input texts.txt --output predictions.tsv
Expected  The predictions that the fine-tuning recipe wrote for its test file.
          For texts and words, memory does not depend on the length of the file.

`--model` takes the folder of finetune_classifier.py, finetune_tagger.py,
finetune_squad.py or finetune_semantic_roles.py. Vectors are written by
embed_sentences.py and embed_corpus.py, words for [MASK] by fill_mask.py.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

from keras_ctx import predictions, training


@dataclass(frozen=True)
class Config:
    model: Path
    """Folder of a run, with model.keras, text_inputs.json and task.json."""
    input: Path
    """File to read; `-` for standard input."""
    output: Path | None = None
    """File to write. If not given: standard output."""
    columns: tuple[str, ...] | None = None
    """Columns of one or two texts: numbers counted from 0, or names in the
    first row. If not given: those of the training files."""
    lines: bool = False
    """Whether every line is a text, whatever it contains."""
    encoding: str | None = None
    """Encoding of a file of texts or words, such as latin-1. If not given: that
    of the training files."""
    batch_size: int = 32
    """Texts, sentences or windows per batch."""


@training.writes_file
def main(config: Config) -> int:
    start = time.monotonic()
    try:
        number = predictions.predict_file(
            config.model,
            config.input,
            config.output,
            columns=config.columns,
            lines=config.lines,
            batch_size=config.batch_size,
            verbose=True,
            encoding=config.encoding,
        )
    except BrokenPipeError:
        # The reader of standard output, such as `head`, has stopped.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    closing(
        [["lines", "seconds"], [number, time.monotonic() - start]],
        [] if config.output is None else config.output,
        export_command(config.model),
        # Standard output may be the predictions.
        file=sys.stderr if config.output is None else sys.stdout,
    )
    return number


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
