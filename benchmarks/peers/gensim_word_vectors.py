"""Trains gensim's skip-gram for some seconds: a worker of word_vectors.py.

python gensim_word_vectors.py TEXT FOLDER SECONDS
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec  # pyright: ignore[reportMissingImports]


class Sentences:
    """The words of each line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[list[str]]:
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                yield line.split()


def timed(sentences: Sentences, epochs: int) -> tuple[Word2Vec, float]:
    model = Word2Vec(
        vector_size=100,
        window=5,
        min_count=5,
        sg=1,
        negative=5,
        sample=1e-3,
        workers=2,
        alpha=0.025,
        min_alpha=0.0001,
    )
    model.build_vocab(sentences)
    start = time.monotonic()
    model.train(sentences, total_examples=model.corpus_count, epochs=epochs)
    return model, time.monotonic() - start


def main(path: str, folder: str, seconds: str) -> None:
    sentences = Sentences(Path(path))
    _, once = timed(sentences, 1)
    epochs = max(1, round(float(seconds) / once))
    model, taken = timed(sentences, epochs)
    output = Path(folder)
    words = (output / "words.txt").read_text("utf-8").splitlines()
    order = [model.wv.key_to_index[word] for word in words]
    np.save(output / "inputs.npy", model.wv.vectors[order])
    np.save(output / "targets.npy", model.syn1neg[order])
    found = {
        "seconds": taken,
        "epochs": epochs,
        "words_per_second": model.corpus_total_words * epochs / taken,
    }
    (output / "seconds.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
