"""A folder of ELMoForManyLangs, embedded and exported."""

from pathlib import Path

import numpy as np
import pytest
from convert.many_langs_files import CHARACTERS, WORDS, write_folder
from parity.many_langs_numpy import Settings, character_row, layers_of
from recipe_files import load_recipe

from keras_ctx import convert, data, serving

SMALL = Settings([(1, 4), (2, 5)], dim=6, projection_dim=5, cell_clip=0.5)
LINES = ["今天 é ea", "", "abcdeabcd zz"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "179"
    path.mkdir()
    write_folder(path, SMALL)
    return path


def expected(tensors, line: str) -> np.ndarray:
    """Returns expected vectors `(L, T, D)`."""
    characters = {name: i for i, name in enumerate(CHARACTERS)}
    marked = ["<bos>", *line.split(), "<eos>"]
    rows = [character_row(characters, x, SMALL.max_characters) for x in marked]
    words = {name: i for i, name in enumerate(WORDS)}
    ids = [words.get(x[:6], words["<oov>"]) for x in marked]
    embedder, encoder = tensors
    return np.stack(layers_of(embedder, encoder, SMALL, rows, ids))


@pytest.mark.slow
@pytest.mark.parametrize(
    "markers", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_embed_corpus(folder: Path, tmp_path: Path, markers: bool) -> None:
    tensors = write_folder(folder, SMALL)
    corpus = tmp_path / "lines.txt"
    corpus.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    recipe = load_recipe("embed_corpus")
    output = tmp_path / "out"
    recipe.main(
        recipe.Config(
            init=folder, corpus=corpus, output=output, markers=markers
        )
    )
    found = list(data.read_vectors(output))
    assert len(found) == len(LINES)
    for line, record in zip(LINES, found, strict=True):
        vectors = np.asarray(record.vectors)  # (T, L, D)
        if markers:
            vectors = vectors[1:-1]
        wanted = expected(tensors, line).transpose(1, 0, 2)
        np.testing.assert_allclose(vectors, wanted, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_served_vectors(folder: Path, tmp_path: Path) -> None:
    tensors = write_folder(folder, SMALL)
    encoder = convert.load_encoder(folder)
    inputs = convert.load_text_inputs(folder, max_length=8)
    serving.export(encoder, inputs, tmp_path / "served")
    answer = serving.answers_in_fresh_process(tmp_path / "served", LINES)
    for row, line in enumerate(LINES):
        length = len(line.split())
        found = answer["layers"][row][:, :length]
        np.testing.assert_allclose(
            found, expected(tensors, line), rtol=0, atol=1e-5
        )
    vocabulary = tmp_path / "served" / "1" / "assets" / "vocab.txt"
    assert vocabulary.read_text("utf-8").splitlines() == WORDS
