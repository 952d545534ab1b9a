"""Memory of training and prediction on documents of increasing length.

Command   python benchmarks/document_memory.py
Output    The most memory of a process for each length, in MiB, and that of a
          classifier without `bptt`. Nothing is written.
Expected  With `bptt` it does not depend on the length.

An AWD-LSTM of three layers of 256 on 128 features reads batches of 8
documents, each length in its own process. `--hidden-dim 1152` is fastai's size.
"""

import json
import resource
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import tyro

from harness.page import table


@dataclass(frozen=True)
class Config:
    lengths: tuple[int, ...] = (1400, 2800, 11200)
    """Tokens of a document."""
    hidden_dim: int = 256
    """Features of the LSTMs but the last."""
    worker: str | None = None
    """Set by the script itself: the work of one process, as JSON."""


def work(config: Config, length: int, bptt: int | None, train: bool) -> float:
    """Returns the most memory of this process, in MiB."""
    from keras_ctx import models, training

    encoder = models.awd_lstm_encoder(5000, 128, config.hidden_dim)
    if bptt is not None:
        encoder = models.awd_lstm_document_encoder(encoder, bptt, 20)
    model = models.classifier(encoder, 2, head="concat_pooling")
    model.compile(
        training.bert_optimizer(1e-3, 10),
        **training.task_loss("classification"),
        jit_compile=False,
    )
    ids = np.random.default_rng(0).integers(0, 5000, (8, length))
    features = {"token_ids": ids, "padding_mask": ids >= 0}
    for _ in range(2):
        if train:
            model.train_on_batch(features, {"logits": np.arange(8) % 2})
        else:
            model.predict_on_batch(features)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(config: Config, *arguments: object) -> str:
    """Returns what `work` returns in a process of its own."""
    command = [sys.executable, __file__, "--worker", json.dumps(arguments)]
    command += ["--hidden-dim", str(config.hidden_dim)]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    )
    return f"{float(done.stdout.split()[-1]):,.0f}"


def main(config: Config) -> None:
    if config.worker is not None:
        print(work(config, *json.loads(config.worker)))
        return
    rows = []
    for name, train in (("training", True), ("prediction", False)):
        for bptt in (70, None):
            rows.append(
                [
                    f"{name}, {'windows of 70' if bptt else 'whole rows'}",
                    *(measured(config, x, bptt, train) for x in config.lengths),
                ]
            )
            print(rows[-1], flush=True)
    head = ["MiB", *(f"{x:,} tokens" for x in config.lengths)]
    print("\n".join(table(head, rows)))


if __name__ == "__main__":
    main(tyro.cli(Config))
