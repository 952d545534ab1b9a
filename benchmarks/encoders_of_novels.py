"""A GPT, an ELMo and a BERT of equal minutes as encoders, on two tasks.

Command   python benchmarks/encoders_of_novels.py \
              --novels 100_english_novels.tar.xz --sst2 SST2 --wikiann WIKIANN
Data      The same novels as `causal_perplexity.py`, whose GPT and ELMo are
          taken (or trained); SST-2 (train.tsv, dev.tsv, test.tsv) and WikiANN
          English (train, dev, test).
Output    OUTPUT/: a BERT, its text, a run for each encoder and task, table.md.
          A killed series resumes where it stopped.

BERT reads the sentences of each novel in order, the others one sentence at a
time. The encoders learn all they can of the tasks with the same arguments, and
none was tuned: `scores_untrained` is the same encoder with new weights.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import tyro

import causal_perplexity
import elmo_perplexity
from harness.recipes import ended_run
from keras_ctx import training
from keras_ctx.files.whole_file import write_text

BERT = {
    "split": "wordpiece",
    "lower-case": "False",
    "vocabulary-size": 8000,
    "num-layers": 4,
    "num-heads": 4,
    "hidden-dim": 256,
    "max-length": 128,
    "pair-length": 128,
    "batch-size": 16,
    "epochs": 6,
    "steps-per-epoch": 1100,
    "learning-rate": 7e-4,
    "dtype": "mixed_bfloat16",
}
TASK = {
    "num-train": 5000,
    "max-length": 64,
    "epochs": 4,
    "batch-size": 32,
    "learning-rate": 5e-4,
}
PARTS = ("train", "dev", "test")
METRICS = {"sentiment": "accuracy", "names": "f1"}


@dataclass(frozen=True)
class Config:
    novels: Path
    """Tar file of novels."""
    sst2: Path
    """Folder of SST-2."""
    wikiann: Path
    """Folder of WikiANN English."""
    elmo: Path = Path("runs/perplexity")
    """Output of elmo_perplexity.py."""
    gpt: Path = Path("runs/causal_perplexity")
    """Output of causal_perplexity.py."""
    output: Path = Path("runs/encoders_of_novels")
    """Folder of this benchmark."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the fine-tuning."""


def bert(config: Config) -> Path:
    """Returns the run of a BERT on the novels, a document each."""
    text = config.output / "novels.txt"
    if not text.exists():
        novels = elmo_perplexity.each_novel(config.novels)
        documents = ["\n".join(x) for part, x in novels if part == "train"]
        write_text(text, "\n\n".join(documents) + "\n")
    return ended_run(
        "pretrain_bert", config.output / "bert", corpus=text, **BERT
    )


def encoders(config: Config) -> dict[str, Path]:
    """Returns the runs of all encoders, which are trained once."""
    config.output.mkdir(parents=True, exist_ok=True)
    of_elmo = elmo_perplexity.Config("novels", config.novels, config.elmo)
    folder = config.elmo / "novels"
    paths = elmo_perplexity.write_parts(of_elmo, folder / "text")
    elmo_perplexity.train_elmo(of_elmo, paths, folder / "run")
    gpt = causal_perplexity.train_gpt(paths, config.gpt / "novels")
    return {"ELMo": folder / "run", "GPT": gpt, "BERT": bert(config)}


def scores(config: Config, name: str, encoder: Path) -> dict[str, dict]:
    """Returns the results of both tasks."""
    tasks = {
        "sentiment": (
            "finetune_classifier",
            {
                **{x: config.sst2 / f"{x}.tsv" for x in PARTS},
                "columns": ("sentence", "label"),
            },
        ),
        "names": (
            "finetune_tagger",
            {x: config.wikiann / x for x in PARTS},
        ),
    }
    found = {}
    for task, (script, files) in tasks.items():
        run = ended_run(
            script,
            config.output / f"{name}_{task}".lower(),
            init=encoder,
            seeds=config.seeds,
            **files,
            **TASK,
        )
        content = json.loads((run / "results.json").read_text("utf-8"))
        found[task] = content["results"]
    return found


def cell(results: dict, metric: str, kind: str) -> str:
    """Returns the mean and the standard deviation over seeds, in percent."""
    values = [100 * x for x in results[f"scores_{kind}"][metric]["seeds"]]
    spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{spread}"


def main(config: Config) -> str:
    table = "| encoder | minutes | "
    for task, metric in METRICS.items():
        table += f"{task}, {metric} | the same, untrained | "
    table = table.rstrip() + f"\n|---|{'---:|' * (1 + 2 * len(METRICS))}\n"
    for name, encoder in encoders(config).items():
        minutes = training.read_metrics(encoder)[-1]["seconds"] / 60
        cells = [name, f"{minutes:.0f}"]
        for task, results in scores(config, name, encoder).items():
            cells += [
                cell(results, METRICS[task], kind)
                for kind in ("pretrained", "untrained")
            ]
        table += f"| {' | '.join(cells)} |\n"
    write_text(config.output / "table.md", table)
    print(table)
    return table


if __name__ == "__main__":
    main(tyro.cli(Config))
