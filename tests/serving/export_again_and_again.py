"""Exports the same small model repeatedly, in a process to be killed.

python export_again_and_again.py FOLDER
"""

import itertools
import sys
import time

from keras_ctx import models, serving
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def main(folder: str) -> None:
    inputs = BertInputs([*SPECIAL, *"书好坏"], 16, split="character")
    model = models.classifier(models.bert_encoder(8, 1, 2, 8, 16, 16), 2)
    for _ in itertools.count():
        start = time.monotonic()
        print("begins", flush=True)
        serving.export(model, inputs, folder, ["bad", "good"])
        print(time.monotonic() - start, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
