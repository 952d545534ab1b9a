"""The same command after a file changed: refused, or restarted on request."""

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import ELMO, load_recipe
from tiny_encoders import save_encoders

from keras_ctx import pretraining, training

SIZES = {
    "bert": {"num_layers": 1, "num_heads": 2, "hidden_dim": 16}
    | {"pair_length": 24},
    "elmo": ELMO,
}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["bert", "elmo"])
def test_pretraining_on_a_corpus_that_changed(
    encoder: str, tmp_path: Path, corpus: Path
) -> None:
    recipe = load_recipe(f"pretrain_{encoder}")

    def pretrain(restart: bool = False) -> dict:
        config = recipe.Config(
            corpus=corpus,
            output=tmp_path / "run",
            batch_size=4,
            epochs=1,
            steps_per_epoch=2,
            restart=restart,
            **SIZES[encoder],
        )
        return recipe.main(config)

    first = pretrain()
    before = files(tmp_path / "run")
    # A finished run is not repeated.
    assert pretrain() == first
    assert files(tmp_path / "run") == before
    # Another text of the same size.
    corpus.write_text(
        corpus.read_text("utf-8").replace("树", "林"), encoding="utf-8"
    )
    with pytest.raises(ValueError, match="`corpus` has other content"):
        pretrain()
    assert files(tmp_path / "run") == before
    pretrain(restart=True)
    assert files(tmp_path / "run.old-1") == before
    words = "text_inputs.json" if encoder == "bert" else "words.txt"
    assert "林" in (tmp_path / "run" / words).read_text("utf-8")
    assert "树" not in (tmp_path / "run" / words).read_text("utf-8")


def test_records_of_a_text_that_changed(tmp_path: Path, corpus: Path) -> None:
    recipe = load_recipe("prepare_corpus")

    def prepare(restart: bool = False):
        return recipe.main(
            recipe.Config(
                (corpus,),
                tmp_path / "records",
                max_length=24,
                num_shards=1,
                restart=restart,
            )
        )

    prepare()
    before = files(tmp_path / "records")
    # Of the same size, which was once the only comparison.
    text = corpus.read_text("utf-8").replace("树", "林")
    corpus.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="files: .* there, .* now"):
        prepare()
    assert files(tmp_path / "records") == before
    prepare(restart=True)
    assert files(tmp_path / "records.old-1") == before


@pytest.mark.parametrize("lower_case", [True, False])
def test_a_vocabulary_has_the_case_of_its_inputs(
    lower_case: bool, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("Ab A.\nb A.\n\nA b.\nb A.\n")
    recipe = load_recipe("pretrain_bert")
    config = recipe.Config(corpus=corpus, lower_case=lower_case)
    found = pretraining.bert_text_inputs(config).vocabulary[5:]
    assert sorted(found) == sorted([".", "a" if lower_case else "A", "b"])


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_encoders(tmp_path_factory.mktemp("encoders"))


def change_encoder(folder: Path) -> None:
    encoder = keras.saving.load_model(folder / "encoder.keras")
    encoder.get_layer("pooler").bias.assign_add(np.ones(8))
    training.save_model(encoder, folder / "encoder.keras")


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe_name",
    ["classifier", pytest.param("tagger", marks=pytest.mark.slow)],
)
def test_finetuning_on_inputs_that_changed(
    recipe_name: str,
    encoders: dict[str, Path],
    tmp_path: Path,
    reviews: Path,
    entities: Path,
) -> None:
    recipe = load_recipe(f"finetune_{recipe_name}")
    init = shutil.copytree(encoders["bert"], tmp_path / "init")
    train = reviews if recipe_name == "classifier" else entities
    test = train.with_stem("test")
    test.write_bytes(train.read_bytes())
    output = tmp_path / "run"

    def finetune(**changes) -> dict:
        return recipe.main(
            recipe.Config(
                **{
                    "init": init,
                    "train": train,
                    "test": test,
                    "output": output,
                    "epochs": 1,
                    "compare": False,
                    "learning_rate": 0.01,
                }
                | changes
            )
        )

    first = finetune()
    again = finetune()
    assert again["pretrained"] == first["pretrained"]
    assert again["seconds"] > first["seconds"]
    before = files(output)
    digest = hashlib.sha256(train.read_bytes()).hexdigest()
    written = json.loads(before["settings.json"])
    assert written["digests"]["train"] == digest
    right = train.read_text("utf-8"), test.read_text("utf-8")
    # The labels have other names, which sort in reverse.
    renamed = [x.replace("good", "aaa").replace("LOC", "AAA") for x in right]
    for new, message in (
        (renamed, "`test` has other .*`train` has other"),
        ((right[0], right[1] * 2), "`test` has other"),
        ((right[0] * 2, right[1]), "`train` has other"),
    ):
        train.write_text(new[0], encoding="utf-8")
        test.write_text(new[1], encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            finetune()
    train.write_text(right[0], encoding="utf-8")
    test.write_text(right[1], encoding="utf-8")
    change_encoder(init)
    with pytest.raises(ValueError, match="`encoder` has other content"):
        finetune()
    assert files(output) == before
