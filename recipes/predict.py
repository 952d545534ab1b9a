"""Predict every line of a file with a fine-tuned model.

Data      A file in the format that the run learned from, without labels:
          texts one a line, or a table with the same columns (`--columns` names
          others); pairs of texts as a table; words one a line, with or
          without other columns; questions in SQuAD's format. Or any of them
          compressed; `-` is the standard input.
Output    One line for each line, in order, on the standard output or in
          --output, which is whole or not there. Texts: the label or number,
          then the logits of all labels, behind tabs. Words: the word and its
          tag, in the scheme of the training files. Questions: JSON, an answer
          by id, as the official scripts read it. A blank line gives a blank
          line, a row of names the names of the columns.
Command   python recipes/predict.py --model runs/bert_sentiment \
              --input texts.txt --output predictions.tsv
Expected  The predictions that the fine-tuning recipe wrote for its test file.
          Memory does not depend on the length of the file.

`--model` takes the folder of finetune_classifier.py, finetune_tagger.py or
finetune_squad.py. Vectors are written by embed_sentences.py and
embed_corpus.py, words for [MASK] by fill_mask.py.
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
    """File to read; `-` for the standard input."""
    output: Path | None = None
    """File to write; left out: the standard output."""
    columns: tuple[str, ...] | None = None
    """Columns of the text, or of both texts: numbers counted from 0, or names
    in the first row; left out: those that the run learned from."""
    lines: bool = False
    """Whether every line is a text, whatever is in it."""
    encoding: str | None = None
    """Of a file of texts or words, such as latin-1; left out: that of the
    files that the run learned from."""
    batch_size: int = 32
    """Texts, sentences or windows at a time."""


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
        # Who reads the standard output, such as `head`, has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    closing(
        [["lines", "seconds"], [number, time.monotonic() - start]],
        [] if config.output is None else config.output,
        export_command(config.model),
        # The standard output may be what was predicted.
        file=sys.stderr if config.output is None else sys.stdout,
    )
    return number


if __name__ == "__main__":
    run_command(main, Config)
