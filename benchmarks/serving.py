"""An export under load: `recipes/serve.py` while versions change.

Command   python benchmarks/serving.py --seconds 600
Data      Texts of 3 to 100 words of `pydoc_data.topics`, Python's manual; two
          classifiers with random weights as two versions of a model.
Output    Tables in Markdown: requests, failures, latencies and memory of the
          server, while the second version is published and removed in turn;
          and rows per second of the same graph from texts and from ids, in
          raw TensorFlow in this process.
Expected  No request fails, and each answer is that of one of the two versions.
          The memory is constant after the third change of versions; until
          then the allocator fills its pools. Texts are as fast as ids, within
          10 %.

The clients are threads of this process, on the same cores as the server.
"""

import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops of the text function)
import tyro

from harness.texts import WORDS
from keras_ctx import models, serving, text
from keras_ctx.serving.rest import response as rest_answer

SERVE = Path(__file__).resolve().parents[1] / "recipes" / "serve.py"
LABELS = ["bad", "good", "so so"]
NAME = "texts"
SHORTEST, LONGEST = 3, 100


@dataclass(frozen=True)
class Config:
    seconds: float = 60.0
    """Seconds of load."""
    clients: int = 4
    """Number of threads that send one request after the other."""
    swaps: int = 5
    """Number of version changes under load."""
    num_texts: int = 200
    """Different requests; one in eight has 8 texts, the others one."""
    size: str = "mini"
    """Size of the BERT: tiny, mini, small, medium or base."""
    rounds: int = 20
    """Measurements with texts and with ids, in turn, of 32 rows each."""
    server_threads: int = os.cpu_count() or 1
    """Number of requests that the server runs at a time."""
    intra_op_threads: int = 1
    """Threads that compute one request; 0: all cores."""


class Sent(NamedTuple):
    """One request of a client."""

    start: float
    seconds: float
    version: int
    """The version that gave this answer; 0 if none did."""
    problem: str


def drawn_texts(count: int, draw: random.Random) -> list[str]:
    """Returns texts with lengths that are uniform in the logarithm."""
    lengths = np.exp(
        [draw.uniform(np.log(SHORTEST), np.log(LONGEST)) for _ in range(count)]
    ).astype(int)
    starts = [draw.randrange(len(WORDS) - LONGEST) for _ in range(count)]
    return [
        " ".join(WORDS[start : start + length])
        for start, length in zip(starts, lengths, strict=True)
    ]


def text_inputs() -> text.BertInputs:
    """Returns text inputs with frequent words, and letters for others."""
    counts = Counter(word.lower() for word in WORDS)
    letters = [chr(x) for x in range(33, 127) if not chr(x).isupper()]
    words = [word for word, _ in counts.most_common(4000) if len(word) > 1]
    pieces = [*letters, *(f"##{x}" for x in letters), *words]
    return text.BertInputs([*text.SPECIAL_TOKENS, *pieces], max_length=256)


def export_versions(config: Config, base: Path) -> text.BertInputs:
    """Exports `base/1`, and `base/.2`, which servers ignore."""
    inputs = text_inputs()
    build = getattr(models, f"bert_{config.size}")
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        encoder = build(inputs.vocabulary_size, max_length=256)
        model = models.classifier(encoder, len(LABELS))
        # Makes scores unequal, so that answers identify the version.
        kernel = model.get_layer("logits").kernel
        kernel.assign(20 * kernel)
        version = serving.export(model, inputs, base, labels=LABELS)
    version.rename(base / ".2")
    return inputs


def rows_of(answer: dict[str, np.ndarray]) -> list[dict]:
    """Returns each row of a signature's answer as the server writes it."""
    return json.loads(
        rest_answer.to_json(rest_answer.predict_answer(answer, in_rows=True))
    )["predictions"]


def ask_raw(folder: Path, batches: list[list[str]]) -> list[list[dict]]:
    """Returns the answers of a version in raw TensorFlow."""
    served = tf.saved_model.load(str(folder))
    signature = served.signatures["serving_default"]
    return [
        rows_of(
            {
                name: value.numpy()
                for name, value in sorted(
                    signature(text=tf.constant(batch)).items()
                )
            }
        )
        for batch in batches
    ]


def is_close(found: object, expected: object) -> bool:
    if isinstance(expected, dict) and isinstance(found, dict):
        return found.keys() == expected.keys() and all(
            is_close(found[key], expected[key]) for key in expected
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(
            map(is_close, found, expected)
        )
    if isinstance(expected, float) and isinstance(found, float):
        # Sums over the rows of a batch have another order.
        return abs(found - expected) < 1e-4 * max(1, abs(expected))
    return found == expected


@contextmanager
def server(config: Config, base: Path) -> Iterator[tuple[int, int]]:
    """Runs `recipes/serve.py` in a process; yields its id and port."""
    process = subprocess.Popen(
        [
            *(sys.executable, str(SERVE), "--models", str(base)),
            *("--port", "0", "--poll-seconds", "0.5"),
            *("--threads", str(config.server_threads)),
            *("--intra-op-threads", str(config.intra_op_threads)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                yield process.pid, int(found[1])
                break
        else:
            raise RuntimeError("The server did not start; see above.")
    finally:
        process.terminate()
        process.wait()


def client(
    port: int, requests: list[tuple], end: float, seed: int, sent: list[Sent]
) -> None:
    """Sends requests over one connection until the end."""
    draw = random.Random(seed)
    path = f"/v1/models/{NAME}:predict"
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        while (start := time.monotonic()) < end:
            body, *expected = draw.choice(requests)
            version, problem = 0, ""
            try:
                connection.request("POST", path, body)
                response = connection.getresponse()
                answer = json.loads(response.read())
                seconds = time.monotonic() - start
                if response.status != 200:
                    problem = f"{response.status} {answer}"
                else:
                    found = answer["predictions"]
                    fits = [is_close(found, rows) for rows in expected]
                    version = 1 + fits.index(True) if any(fits) else 0
                    problem = "" if version else f"of no version: {answer}"
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                seconds = time.monotonic() - start
                problem = repr(error)
            sent.append(Sent(start, seconds, version, problem[:300]))


def resident_mebibytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def load(config: Config, base: Path) -> str:
    draw = random.Random(0)
    texts = iter(drawn_texts(8 * config.num_texts, draw))
    batches = [
        [next(texts) for _ in range(8 if number % 8 == 0 else 1)]
        for number in range(config.num_texts)
    ]
    bodies = [json.dumps({"instances": batch}) for batch in batches]
    requests = list(
        zip(
            bodies,
            ask_raw(base / "1", batches),
            ask_raw(base / ".2", batches),
            strict=True,
        )
    )
    memory: list[tuple[float, float]] = []
    changes: list[float] = []
    with server(config, base) as (process, port):
        start = time.monotonic()
        end = start + config.seconds
        sent: list[list[Sent]] = [[] for _ in range(config.clients)]
        threads = [
            threading.Thread(
                target=client, args=(port, requests, end, x, found)
            )
            for x, found in enumerate(sent)
        ]
        for thread in threads:
            thread.start()
        while (now := time.monotonic()) < end:
            due = start + config.seconds * (len(changes) + 1) / (
                config.swaps + 1
            )
            if now >= due and len(changes) < config.swaps:
                pair = base / ".2", base / "2"
                os.rename(*(pair if len(changes) % 2 == 0 else pair[::-1]))
                changes.append(time.monotonic())
            memory.append((now - start, resident_mebibytes(process)))
            time.sleep(0.25)
        for thread in threads:
            thread.join()
    everything = sorted(x for found in sent for x in found)
    return report(config, everything, changes, memory)


def report(
    config: Config,
    sent: list[Sent],
    changes: list[float],
    memory: list[tuple[float, float]],
) -> str:
    failed = [x for x in sent if x.problem]
    near = [x for x in sent if any(0 <= x.start - y < 5 for y in changes)]
    lines = [
        f"BERT {config.size}, {config.clients} clients for "
        f"{config.seconds:g} seconds, {len(changes)} changes of version: "
        f"**{len(failed)} of {len(sent)} requests failed**, "
        f"{len(sent) / config.seconds:.0f} requests a second.",
        "",
        "| requests | number | p50 ms | p95 ms | p99 ms | longest ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, some in (("all", sent), ("5 s after a change", near)):
        milliseconds = [1000 * x.seconds for x in some]
        parts = np.percentile(milliseconds, [50, 95, 99, 100])
        cells = " | ".join(f"{x:.0f}" for x in parts)
        lines.append(f"| {name} | {len(some)} | {cells} |")
    delays = [
        next(
            (
                x.start + x.seconds - y
                for x in sent
                if x.start > y and x.version == 1 + number % 2
            ),
            float("nan"),
        )
        for number, y in enumerate(changes, 1)
    ]
    lines += [
        "",
        "Seconds from the rename to the first answer of the other version: "
        f"{', '.join(f'{x:.1f}' for x in delays)}.",
        "",
        *memory_table(sent[0].start, changes, memory),
    ]
    lines += ["", *(f"Failed: {x.problem}" for x in failed[:5])]
    return "\n".join(lines)


def memory_table(
    start: float, changes: list[float], memory: list[tuple[float, float]]
) -> list[str]:
    """Formats the server's memory before each change, and at the end."""
    ends = [*(x - start for x in changes), memory[-1][0]]
    # Right after a change the old version is still in memory; the value before
    # the next change is the lasting one.
    quiet = min(30, ends[0] / 4)
    means = [
        statistics.mean(x for t, x in memory if end - quiet <= t < end)
        for end in ends
    ]
    numbers = [*range(1, len(changes) + 1), "end"]
    return [
        f"| before change | {' | '.join(map(str, numbers))} |",
        f"|---|{'---:|' * len(ends)}",
        "| memory of the server, MiB | "
        f"{' | '.join(f'{x:.0f}' for x in means)} |",
    ]


def texts_or_ids(config: Config, base: Path, inputs: text.BertInputs) -> str:
    """Measures the same rows as texts and as ids, in turn."""
    served = tf.saved_model.load(str(base / "1"))
    by_text = served.signatures["serving_default"]
    by_ids = served.signatures["features"]
    wanted = by_ids.structured_input_signature[1]
    draw = random.Random(1)
    batches = []
    for _ in range(config.rounds):
        batch = tf.constant(drawn_texts(32, draw))
        features = {x: y for x, y in inputs(batch).items() if x in wanted}
        batches.append((batch, features))
    seconds: dict[str, list[float]] = {"texts": [], "ids": []}
    for turn in range(2):
        for batch, features in batches:
            for name, ask in (
                ("texts", lambda: by_text(text=batch)),  # noqa: B023
                ("ids", lambda: by_ids(**features)),  # noqa: B023
            ):
                start = time.perf_counter()
                next(iter(ask().values())).numpy()
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    ratio = statistics.median(
        x / y for x, y in zip(seconds["ids"], seconds["texts"], strict=True)
    )
    speeds = {name: 32 / statistics.median(x) for name, x in seconds.items()}
    return (
        "| rows a second, 32 at a time | from texts | from ids | ratio |\n"
        "|---|---:|---:|---:|\n"
        f"| BERT {config.size} | {speeds['texts']:.0f} | {speeds['ids']:.0f} | "
        f"**{ratio:.2f}** |"
    )


def main(config: Config) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / NAME
        inputs = export_versions(config, base)
        print(texts_or_ids(config, base, inputs), flush=True)
        print(f"\n{load(config, base)}")


if __name__ == "__main__":
    main(tyro.cli(Config))
