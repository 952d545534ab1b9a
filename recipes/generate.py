"""Continues texts by a GPT or an AWD-LSTM.

Data      One beginning per line: --prompt, or --input prompts.txt, or lines
          on standard input.
Output    The texts; with --output FILE also one JSON object per beginning:
          `line`, `prompt`, `texts` (each with `text`, `score`, `num_tokens` and
          `stopped`, "end" or "length"), and `problem`, null or an error.
Command   python recipes/generate.py --model runs/gpt --prompt "The" \
              --temperature 0.8 --top-p 0.9
Expected  The same seed writes the same texts.

`--model` takes a run of pretrain_gpt.py or pretrain_ulmfit.py, or a GPT-2 of
`transformers` or OpenAI with its vocabulary. A text of an AWD-LSTM has at most
1,024 tokens.
"""

import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import checks, data, generation, training
from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import whole_file
from keras_ctx.predictions.text_generator import TextGenerator


@dataclass(frozen=True)
class Config:
    model: Path = Path("runs/gpt")
    """Folder of pretrain_gpt.py or pretrain_ulmfit.py, or of a GPT-2."""
    prompt: tuple[str, ...] = ()
    """Beginnings of texts."""
    input: Path | None = None
    """File of beginnings, one per line. If not given, nor `prompt`: standard
    input."""
    output: Path | None = None
    """File for the texts."""
    max_length: int | None = None
    """Most tokens of a text, its beginning included. If not given: all
    positions of the model, or 1,024 for an AWD-LSTM."""
    window: int | None = None
    """Of a longer beginning this many tokens, the last ones, are read. If not
    given: one that leaves no room for a token is left out, with a reason."""
    min_length: int = 0
    """Fewest tokens of a text, its beginning included."""
    greedy: bool = False
    """Whether to take the most probable token each time."""
    temperature: float = 1.0
    """Divides the logits: below 1 probable tokens gain."""
    top_k: int | None = None
    """Number of tokens to draw from. If not given: all."""
    top_p: float | None = None
    """Probability of the tokens to draw from, together. If not given: 1."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens of the text less probable."""
    num_samples: int = 1
    """Texts for each beginning; with `beams` the best ones."""
    beams: int | None = None
    """Width of a beam search, instead of drawing."""
    length_penalty: float = 0.6
    """Exponent of the length penalty of the beam search."""
    seed: int = 1
    """Seed of the tokens that are drawn."""
    batch_size: int = 16
    """Beginnings per batch."""

    def __post_init__(self):
        checks.check_at_least(
            1, batch_size=self.batch_size, num_samples=self.num_samples
        )
        if self.prompt and self.input is not None:
            raise ValueError("`prompt` and `input` must not be given together.")
        drawn = (self.temperature, self.top_k, self.top_p) != (1.0, None, None)
        if drawn and (self.greedy or self.beams is not None):
            raise ValueError(
                "`temperature`, `top_k` and `top_p` must be left out with "
                "`greedy` and `beams`, which draw nothing."
            )
        if self.greedy and (self.beams is not None or self.num_samples > 1):
            raise ValueError(
                "`greedy` must be given without `beams` and `num_samples`: "
                "there is one most probable token each time."
            )

    @property
    def search(self):
        """The search that the options ask for."""
        if self.beams is not None:
            return generation.BeamSearch(self.beams, self.length_penalty)
        if self.greedy:
            return None
        return generation.Sampling(
            self.temperature, self.top_k, self.top_p, self.seed
        )


def prompts(config: Config) -> Iterator[tuple[int, str]]:
    """Yields beginnings with the numbers of their lines."""
    lines: Iterable[str] = config.prompt
    if config.input is not None:
        lines = data.read_lines(config.input, keep_blank=True)
    elif not config.prompt:
        lines = (line.rstrip("\r\n") for line in sys.stdin)
    yield from enumerate(lines, 1)


def answers(config: Config, generate: TextGenerator) -> Iterator[dict]:
    """Yields a record for each beginning."""
    there = prompts(config)
    while batch := list(itertools.islice(there, config.batch_size)):
        problems = [generate.check(text) for _, text in batch]
        short = [
            text
            for (_, text), problem in zip(batch, problems, strict=True)
            if problem is None
        ]
        written = iter(generate(short))
        for (number, text), problem in zip(batch, problems, strict=True):
            yield {
                "line": number,
                "prompt": text,
                "texts": next(written) if problem is None else [],
                "problem": problem,
            }


def shown(answer: dict) -> str:
    """Returns an answer as lines to read."""
    lines = [
        f"{answer['line']}: {answer['prompt']}[...]{text['text']}"
        for text in answer["texts"]
    ]
    if answer["problem"]:
        lines.append(f"{answer['line']}: left out: {answer['problem']}")
    return "\n".join(lines)


@training.writes_file
def main(config: Config) -> dict:
    start = time.monotonic()
    generate = TextGenerator.from_folder(
        config.model,
        config.max_length,
        config.search,
        window=config.window,
        min_length=config.min_length,
        repetition_penalty=config.repetition_penalty,
        num_returned=config.num_samples,
    )
    results: dict[str, float] = dict.fromkeys(
        ("prompts", "texts", "tokens", "problems"), 0
    )

    def written() -> Iterator[dict]:
        for answer in answers(config, generate):
            print(shown(answer), flush=True)
            results["prompts"] += 1
            results["texts"] += len(answer["texts"])
            results["tokens"] += sum(x["num_tokens"] for x in answer["texts"])
            results["problems"] += answer["problem"] is not None
            yield answer

    if config.output is None:
        for _ in written():
            pass
    else:
        config.output.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(config.output) as path:
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{json_text(x)}\n" for x in written())
    results["seconds"] = time.monotonic() - start
    closing(
        [[*results], [*results.values()]],
        [] if config.output is None else config.output,
        ["generate.py", "--model", config.model, "--prompt", "The"],
    )
    return results


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
