"""The peer of `finetune_classifier.py`: Hugging Face transformers on PyTorch.

Command   TORCH_PYTHON benchmarks/finetune_huggingface.py --init MINILM \
              --train train.tsv --test test.tsv --columns sentence label
Data      As for the recipe: a table, with columns by name or by number.
Output    One line of JSON: the scores on `--test` and the seconds.
Needs     A Python with torch, transformers, scikit-learn and scipy.

The settings equal those of the recipe: batch size, epochs, peak learning rate,
a warm-up ratio of 0.1 and linear decay, AdamW with norms and biases excluded
from weight decay, gradients clipped to norm 1, batches of similar length.
"""

import argparse
import csv
import functools
import gzip
import json
import random
import time

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from scipy import stats
from sklearn import metrics
from transformers import (  # pyright: ignore[reportMissingImports]
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from harness.length_batches import length_batches


def read(path: str, columns: list[str]) -> list[list[str]]:
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        if ".csv" in path:
            rows = list(csv.reader(file))
        else:
            rows = [line.rstrip("\n").split("\t") for line in file]
    places = [int(c) if c.isdigit() else rows[0].index(c) for c in columns]
    first = 0 if columns[0].isdigit() else 1
    return [[row[place] for place in places] for row in rows[first:] if row[0]]


def in_order(rows, size):
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def rate(step: int, total: int) -> float:
    """Returns the factor of the learning rate: warm-up, then linear decay."""
    warm = round(0.1 * total)
    if step < warm:
        return step / max(warm, 1)
    return (total - step) / (total - warm)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--init", required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--columns", nargs="+", default=["0", "1"])
    parser.add_argument("--regression", action="store_true")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    train = read(options.train, options.columns)
    test = read(options.test, options.columns)
    labels = sorted({row[-1] for row in train})
    tokenizer = AutoTokenizer.from_pretrained(options.init)

    def encoded(rows):
        texts = list(zip(*rows, strict=True))
        features = tokenizer(
            *(list(column) for column in texts[:-1]),
            truncation=True,
            max_length=options.max_length,
            padding=True,
            return_tensors="pt",
        )
        if options.regression:
            return features, torch.tensor([float(y) for y in texts[-1]])
        return features, torch.tensor([labels.index(y) for y in texts[-1]])

    for seed in options.seeds:
        start = time.monotonic()
        torch.manual_seed(seed)
        rng = random.Random(seed)
        model = AutoModelForSequenceClassification.from_pretrained(
            options.init, num_labels=1 if options.regression else len(labels)
        )
        model.train()
        decayed, rest = [], []
        for name, weight in model.named_parameters():
            kept = "bias" in name or "LayerNorm" in name
            (rest if kept else decayed).append(weight)
        optimizer = torch.optim.AdamW(
            [{"params": decayed}, {"params": rest, "weight_decay": 0.0}],
            lr=options.learning_rate,
            weight_decay=0.01,
            eps=1e-6,
        )
        total = options.epochs * (len(train) // options.batch_size)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, functools.partial(rate, total=total)
        )
        step = 0
        for _ in range(options.epochs):
            for rows in length_batches(train, options.batch_size, rng):
                features, y = encoded(rows)
                loss = model(**features, labels=y).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                step += 1
                if step % 50 == 0:
                    seconds = time.monotonic() - start
                    left = seconds / step * (total - step)
                    print(
                        f"{step}/{total} {loss.item():.3f} {left:.0f} s left",
                        flush=True,
                    )
        model.eval()
        predicted, true = [], []
        with torch.no_grad():
            for rows in in_order(test, 64):
                features, y = encoded(rows)
                predicted.append(model(**features).logits.numpy())
                true.append(y.numpy())
        y, scores = np.concatenate(true), np.concatenate(predicted)
        if options.regression:
            found = {
                "pearson": stats.pearsonr(y, scores[:, 0]).statistic,
                "spearman": stats.spearmanr(y, scores[:, 0]).statistic,
            }
        else:
            best = scores.argmax(-1)
            found = {
                "accuracy": metrics.accuracy_score(y, best),
                "matthews": metrics.matthews_corrcoef(y, best),
            }
        found = {key: round(float(value), 4) for key, value in found.items()}
        found |= {"seed": seed, "seconds": round(time.monotonic() - start)}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
