"""Encoders, text inputs and folders that do not fit are refused first."""

import json
import shutil
from pathlib import Path

import keras
import pytest
from recipe_files import ELMO, load_recipe
from tiny_encoders import save_encoders

from keras_ctx import models, text, training


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = save_encoders(tmp_path_factory.mktemp("encoders"))
    # The fixture's ELMo has distinct words, which other recipes undo.
    change_inputs(folders["elmo"], distinct=False)
    return folders


def change_inputs(folder: Path, **changes) -> None:
    path = folder / "text_inputs.json"
    inputs = text.load_inputs(path)
    config = {**inputs.get_config(), **changes}
    text.save_inputs(type(inputs).from_config(config), path)


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    path = tmp_path / "squad.json"
    context = "the river bank"
    answers = [{"text": "bank", "answer_start": 10}]
    articles = [
        {
            "title": str(number),
            "paragraphs": [
                {
                    "context": context,
                    "qas": [
                        {
                            "id": f"{number}_{k}",
                            "question": "river?",
                            "answers": answers,
                        }
                        for k in range(16)
                    ],
                }
            ],
        }
        for number in range(2)
    ]
    path.write_text(json.dumps({"version": "1.1", "data": articles}))
    return path


@pytest.fixture
def files(reviews: Path, entities: Path, squad: Path) -> dict[str, Path]:
    return {"classifier": reviews, "tagger": entities, "squad": squad}


def finetune(name: str, data: Path, init: Path, output: Path, **changes):
    recipe = load_recipe(f"finetune_{name}")
    config = {
        "init": init,
        "train": data,
        "test": data,
        "output": output,
        "epochs": 1,
        "learning_rate": 0.01,
        **({} if name == "squad" else {"compare": False}),
        **changes,
    }
    return recipe.main(recipe.Config(**config))


MISFITS = {
    "kind": ("elmo", "bert", {}, "`char_ids`.* give .*`token_ids`"),
    "characters": ("elmo", "elmo", {"max_characters": 9}, "reads 8 .*give 9"),
    "distinct": ("elmo", "elmo", {"distinct": True}, '"distinct" to false'),
    "vocabulary": (
        *("bert", "bert"),
        {"vocabulary": [f"w{i}" for i in range(-5, 16)]},
        "has 20 rows, .* 21 tokens",
    ),
    "words": (
        *("words", "words"),
        {"vocabulary": ["<S>", "</S>", "<UNK>", *"abcdef"]},
        "has 8 rows, .* 9 tokens",
    ),
}


@pytest.mark.quick(
    "classifier-kind",
    "squad-vocabulary",
    "tagger-characters",
    "classifier-distinct",
    "tagger-words",
)
@pytest.mark.parametrize("misfit", MISFITS)
@pytest.mark.parametrize("name", ["classifier", "tagger", "squad"])
def test_text_inputs_of_another_encoder(
    name: str,
    misfit: str,
    encoders: dict[str, Path],
    files: dict[str, Path],
    tmp_path: Path,
) -> None:
    encoder, inputs, changes, message = MISFITS[misfit]
    init = shutil.copytree(encoders[encoder], tmp_path / "init")
    shutil.copy(encoders[inputs] / "text_inputs.json", init)
    if "vocabulary" in changes and encoder == "bert":
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        changes = {"vocabulary": special + changes["vocabulary"][5:]}
    change_inputs(init, **changes)
    sizes = {"max_question": 3, "max_answer": 3} if name == "squad" else {}
    with pytest.raises(ValueError, match=f"init: .*{message}"):
        finetune(name, files[name], init, tmp_path / "run", **sizes)
    assert not (tmp_path / "run").exists()


def test_a_bert_is_pretrained_further_with_its_own_tokens(
    encoders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    init = shutil.copytree(encoders["bert"], tmp_path / "init")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    change_inputs(init, vocabulary=[*special, *map(chr, range(97, 113))])
    recipe = load_recipe("pretrain_bert")
    config = recipe.Config(
        init=init, corpus=corpus, output=tmp_path / "run", pair_length=16
    )
    with pytest.raises(ValueError, match="has 20 rows, .* 21 tokens"):
        recipe.main(config)
    assert not (tmp_path / "run").exists()


def test_an_elmo_is_trained_further_with_its_own_words(
    encoders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    recipe = load_recipe("pretrain_elmo")

    def pretrain(init: Path) -> None:
        output = tmp_path / "run"
        recipe.main(recipe.Config(init=init, corpus=corpus, output=output))

    with pytest.raises(FileNotFoundError, match=r"without language_model"):
        pretrain(encoders["elmo"])
    init = tmp_path / "init"
    encoder = models.elmo_encoder(ELMO["filters"], 16, 8, max_characters=6)
    model = models.elmo_language_model(encoder, 30)
    training.save_model(model, init / "language_model.keras")
    with pytest.raises(FileNotFoundError, match=r"without words\.txt"):
        pretrain(init)
    text.save_vocabulary([f"w{i}" for i in range(31)], init / "words.txt")
    with pytest.raises(ValueError, match=r"predicts 30 words, .* has 31"):
        pretrain(init)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # quick: tests/convert/test_text_inputs_fit.py
def test_a_run_on_the_encoder_of_a_fine_tuned_run(
    encoders: dict[str, Path], files: dict[str, Path], tmp_path: Path
) -> None:
    first = tmp_path / "first"
    finetune("classifier", files["classifier"], encoders["bert"], first)
    found = finetune("tagger", files["tagger"], first, tmp_path / "second")
    assert 0 <= found["pretrained"] <= 1
    # The same model and weights, under the name of an encoder.
    copy = shutil.copytree(encoders["bert"], tmp_path / "copy")
    shutil.copy(first / "model.keras", copy / "encoder.keras")
    again = finetune("tagger", files["tagger"], copy, tmp_path / "third")
    digests = [
        json.loads((tmp_path / name / "settings.json").read_text())["digests"]
        for name in ("second", "third")
    ]
    assert digests[0]["encoder"] == digests[1]["encoder"]
    assert again["pretrained"] == found["pretrained"]
    plain = keras.saving.load_model(encoders["bert"] / "encoder.keras")
    assert training.encoder_digest(plain) != digests[0]["encoder"]


@pytest.mark.parametrize(
    "name",
    [f"finetune_{task}" for task in ("classifier", "tagger", "squad")]
    + ["pretrain_bert", "pretrain_elmo", "prepare_corpus"],
)
def test_an_output_that_cannot_be(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    file = tmp_path / "runs" / "train.tsv"
    file.parent.mkdir()
    file.write_text("good\tpos\n")
    needed = {"train": file} if name == "finetune_squad" else {}
    for output in (file, file / "run"):
        with pytest.raises(ValueError, match=r"train\.tsv is a file"):
            recipe.Config(output=output, **needed)
    given = {
        "prepare_corpus": {"inputs": (file,)},
        "pretrain_bert": {"corpus": file},
        "pretrain_elmo": {"corpus": file},
    }.get(name, {"train": file, "test": file})
    with pytest.raises(ValueError, match="`restart` would move"):
        recipe.Config(output=file.parent, restart=True, **given)
    assert file.exists()
    recipe.Config(output=tmp_path / "other", restart=True, **given)
