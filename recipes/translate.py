"""Translates texts by a Transformer or by LSTMs with attention.

Data      One text per line: --text, or --input texts.txt, or lines on standard
          input.
Output    One translation per line, in order, on standard output or in
          --output, which is written completely or not at all. A blank line
          gives a blank line.
Command   python recipes/translate.py --model runs/translator \
              --input texts.en --output texts.de
Expected  Twice the same translations.

`--model` takes a run of train_translator.py or pretrain_cove.py.
"""

import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import checks, convert, data, generation, training
from keras_ctx.files.whole_file import write_text
from keras_ctx.predictions.translator import Translator


@dataclass(frozen=True)
class Config:
    model: Path = Path("runs/translator")
    """Folder of train_translator.py or pretrain_cove.py."""
    text: tuple[str, ...] = ()
    """Texts to translate."""
    input: Path | None = None
    """File of texts, one per line. If not given, nor `text`: standard
    input."""
    output: Path | None = None
    """File for the translations."""
    beams: int = 4
    """Width of the beam search; 1 takes the best token each time."""
    length_penalty: float = 0.6
    """Exponent of the length penalty."""
    max_length: int | None = None
    """Most tokens of a translation. If not given: those of the model."""
    batch_size: int = 32
    """Texts per batch."""

    def __post_init__(self):
        checks.check_at_least(1, beams=self.beams, batch_size=self.batch_size)
        if self.text and self.input is not None:
            raise ValueError("`text` and `input` must not be given together.")


def lines_of(config: Config) -> list[str]:
    lines: Iterable[str] = config.text
    if config.input is not None:
        lines = data.read_lines(config.input, keep_blank=True)
    elif not config.text:
        lines = (line.rstrip("\r\n") for line in sys.stdin)
    return list(lines)


@training.writes_file
def main(config: Config) -> dict:
    start = time.monotonic()
    model, source, target = convert.load_translator(config.model)
    translator = Translator(
        *(model, source, target, target.begin_id),
        generation.BeamSearch(config.beams, config.length_penalty),
        config.max_length,
        config.batch_size,
    )
    lines = lines_of(config)
    written = translator.best(lines)
    if config.output is None:
        print("\n".join(written))
    else:
        write_text(config.output, "".join(f"{line}\n" for line in written))
    closing(
        [["lines", "seconds"], [len(lines), time.monotonic() - start]],
        [] if config.output is None else config.output,
        ["translate.py", "--model", config.model],
        file=sys.stderr if config.output is None else sys.stdout,
    )
    return {"lines": len(lines)}


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
