"""embed_sentences.py with a folder of sentence-transformers."""

import json
from pathlib import Path

import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import load_recipe

from keras_ctx import convert, data, models

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *("query", "passage", ":", "the", "river", "bank")]
LINES = ["the bank", "river", "the river bank river"]
# [CLS] passage : ... [SEP]
IDS = [[8, 10], [9], [8, 9, 10, 9]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("folders") / "uncased_e5"
    encoder = randomized(models.bert_encoder(11, 2, 2, 8, 12, max_length=16))
    convert.save_bert(encoder, path, vocabulary=VOCABULARY, lower_case=True)
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling")]
    modules = [
        {"type": f"sentence_transformers.models.{kind}", "path": inside}
        for kind, inside in kinds
    ]
    (path / "modules.json").write_text(json.dumps(modules))
    (path / "1_Pooling").mkdir()
    pooled = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (path / "1_Pooling" / "config.json").write_text(json.dumps(pooled))
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}}
    file = path / "config_sentence_transformers.json"
    file.write_text(json.dumps(prompts))
    return path


def first_vector(folder: Path, ids: list[int]) -> np.ndarray:
    """Returns the last layer at [CLS] of one row, by the encoder alone."""
    row = np.array([[2, *ids, 3]], "int32")
    features = {"token_ids": row, "segment_ids": 0 * row}
    features["padding_mask"] = row > 0
    encoder = convert.load_bert(folder)
    return np.asarray(encoder(features)["sequence"])[0, 0]


def embed(folder: Path, tmp_path: Path, lines: list[str], **arguments) -> dict:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    recipe = load_recipe("embed_sentences")
    return recipe.main(
        recipe.Config(
            init=folder, input=path, output=tmp_path / "out", **arguments
        )
    )


@pytest.mark.slow
def test_pooling_and_prompts(folder: Path, tmp_path: Path, capsys) -> None:
    common = {"prompt": "document", "query": ("river",)}
    results = embed(folder, tmp_path, LINES, query_prompt="query", **common)
    shown = capsys.readouterr().out
    assert f"{folder}: a vector is the cls (as modules.json says)." in shown
    assert "Prompts of the folder: {'query': 'query: ', " in shown
    assert "Before each sentence: 'passage: '; a query: 'query: '" in shown
    found = [v[0, 0] for _, _, v in data.read_vectors(tmp_path / "out")]
    right = [first_vector(folder, [6, 7, *ids]) for ids in IDS]
    # Not of length 1: there is no Normalize.
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5)
    assert abs(np.linalg.norm(right[0]) - 1) > 0.1
    query = first_vector(folder, [5, 7, 9])
    for each in results["nearest"][0]["nearest"]:
        vector = right[each["line"] - 1]
        cosine = query @ vector / np.linalg.norm(vector) / np.linalg.norm(query)
        assert each["cosine"] == pytest.approx(cosine, abs=1e-5)
    # Another prompt gives other vectors.
    with pytest.raises(ValueError, match="Received: prompt: [^;]*$"):
        embed(folder, tmp_path, LINES, prompt="query")
    with pytest.raises(ValueError, match="`prompt` must be the name of one"):
        embed(folder, tmp_path, LINES, prompt="passage")


def test_texts_that_nobody_knows(folder: Path, tmp_path: Path) -> None:
    lines = ["the bank", "Банк на реке", "на river"]
    # Half of the third is known; a prompt does not hide the second.
    with pytest.warns(
        UserWarning, match=r"lines.txt: 1 of 3 texts .* such as 'Банк на"
    ):
        embed(folder, tmp_path, lines, prompt="query: query: query: ")
