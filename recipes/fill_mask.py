"""Predicts the tokens for each [MASK] of a text with a BERT.

Data      One text per line, with one or more [MASK], spelled exactly so:
          --text, or --input texts.txt, or lines on standard input.
Output    A table; with --output FILE also one JSON object per text: `line`,
          `text`, `masks` (for each [MASK] a list of `token` and `probability`,
          most probable first), and `problem`, null or an error.
Command   python recipes/fill_mask.py --init runs/bert \
              --text "这家酒店的[MASK]务很好。"
Expected  Each [MASK] is filled independently of the others. A token with ##
          continues the word before it.

`--init` takes a run of pretrain_bert.py, or any checkpoint with a masked
language model.
"""

import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

from keras_ctx import checks, data, training
from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import whole_file
from keras_ctx.predictions.mask_filler import MaskFiller

MASK = "[MASK]"


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of pretrain_bert.py, or of a checkpoint."""
    text: tuple[str, ...] = ()
    """Texts, each with [MASK]."""
    input: Path | None = None
    """File of texts, one per line. If not given, nor `text`: standard input."""
    output: Path | None = None
    """File for the predictions."""
    top_k: int = 5
    """Tokens for each [MASK]."""
    batch_size: int = 16
    """Texts per batch; for typed input it is one."""

    def __post_init__(self):
        checks.check_at_least(1, top_k=self.top_k, batch_size=self.batch_size)
        if self.text and self.input is not None:
            raise ValueError("`text` and `input` must not be given together.")


def numbered_texts(config: Config) -> Iterator[tuple[int, str]]:
    """Yields texts with the numbers of their lines, without blank lines."""
    if config.text:
        lines: Iterable[str] = config.text
    elif config.input is not None:
        lines = data.read_lines(config.input, keep_blank=True)
    else:
        lines = (line.rstrip("\r\n") for line in sys.stdin)
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line


def answers(config: Config, filler: MaskFiller) -> Iterator[dict]:
    """Yields a record for each text."""
    texts = numbered_texts(config)
    size = config.batch_size
    if not config.text and config.input is None and sys.stdin.isatty():
        size = 1
    while batch := list(itertools.islice(texts, size)):
        filled = filler([line for _, line in batch])
        for (number, line), masks in zip(batch, filled, strict=True):
            problem, there = None, line.count(MASK)
            if not there:
                problem = f"there is no {MASK} in it"
            elif len(masks) < there:
                problem = (
                    f"{there - len(masks)} of {there} {MASK} are beyond the "
                    f"{filler.inputs.max_length} tokens that the encoder reads"
                )
            yield {
                "line": number,
                "text": line,
                "masks": masks,
                "problem": problem,
            }


def table(answer: dict) -> str:
    lines = [f"{answer['line']}: {answer['text']}"]
    for number, mask in enumerate(answer["masks"], 1):
        for each in mask:
            share = 100 * each["probability"]
            lines.append(f"  {MASK} {number} {share:6.2f} %  {each['token']}")
    if answer["problem"]:
        lines.append(f"  left out: {answer['problem']}")
    return "\n".join(lines)


@training.writes_file
def main(config: Config) -> dict:
    filler = MaskFiller(config.init, config.top_k)
    results = {"num_texts": 0, "num_masks": 0, "num_problems": 0}
    with ExitStack() as stack:
        file = None
        if config.output is not None:
            config.output.parent.mkdir(parents=True, exist_ok=True)
            growing = stack.enter_context(whole_file(config.output))
            file = stack.enter_context(
                open(growing, "w", encoding="utf-8", newline="\n")
            )
        for answer in answers(config, filler):
            print(table(answer), flush=True)
            if file is not None:
                file.write(json_text(answer) + "\n")
            results["num_texts"] += 1
            results["num_masks"] += len(answer["masks"])
            results["num_problems"] += answer["problem"] is not None
    closing(
        [["texts", "[MASK]", "problems"], [*results.values()]],
        [] if config.output is None else config.output,
        export_command(config.init, "fill_mask"),
    )
    return results


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
