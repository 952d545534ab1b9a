"""One function loads encoder folders of any library."""

import re
from pathlib import Path

import numpy as np
import pytest
from bert_files import (
    V,
    arrays,
    as_torch,
    check,
    config,
    write_huggingface,
    write_json,
)

from keras_ctx import convert, models, text

WORDS = [f"w{i}" for i in range(V - 5)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


def test_folder_of_a_run(tmp_path: Path) -> None:
    encoder = models.bert_encoder(V, 1, 1, 4, 8, 16)
    encoder.save(tmp_path / "encoder.keras")
    inputs = text.BertInputs(VOCABULARY, 12, False, padding="max_length")
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    loaded = convert.load_encoder(tmp_path)
    for ours, expected in zip(
        loaded.get_weights(), encoder.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, expected)
    again = convert.load_text_inputs(tmp_path)
    assert again.get_config() == inputs.get_config()
    shorter = convert.load_text_inputs(tmp_path, 7)
    assert shorter.get_config() == {**inputs.get_config(), "max_length": 7}


def test_folder_of_a_bert(tmp_path: Path) -> None:
    named = arrays()
    folder = write_huggingface(tmp_path / "bert", as_torch(named))
    vocabulary = "\n".join(VOCABULARY).replace("w0", "W0")
    (folder / "vocab.txt").write_text(vocabulary)
    write_json(folder / "tokenizer_config.json", {"do_lower_case": False})
    check(convert.load_encoder(folder), named)
    inputs = convert.load_text_inputs(folder)
    assert isinstance(inputs, text.BertInputs)
    assert inputs.max_length == config()["max_position_embeddings"] == 9
    assert inputs.lower_case is False
    ids = inputs(["W0 w3"])["token_ids"].numpy()
    np.testing.assert_array_equal(ids, [[2, 5, 8, 3]])
    assert convert.load_text_inputs(folder, 5).max_length == 5
    with pytest.raises(ValueError, match="at most 9.*max_length=10"):
        convert.load_text_inputs(folder, 10)


@pytest.mark.quick("1e+30-9", "7-7")
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (7, 7),
        (7.0, 7),
        (512, 9),  # more than the encoder has positions
        (None, 9),
        (1000000000000000019884624838656, 9),  # "no limit"
        (1e30, 9),
    ],
)
def test_length_of_the_tokenizer(tmp_path: Path, written, expected) -> None:
    folder = write_huggingface(tmp_path / "bert", as_torch(arrays()))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    settings = {"do_lower_case": True, "model_max_length": written}
    write_json(folder / "tokenizer_config.json", settings)
    assert convert.load_text_inputs(folder).max_length == expected
    # A requested length may be any that the encoder takes.
    assert convert.load_text_inputs(folder, 9).max_length == 9
    model, inputs = convert.load_embedder(folder)
    assert inputs.max_length == expected


@pytest.mark.parametrize("written", [2, -1, 7.5, "512", True])
def test_length_of_the_tokenizer_that_is_none(tmp_path: Path, written) -> None:
    folder = write_huggingface(tmp_path / "bert", as_torch(arrays()))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    settings = {"do_lower_case": True, "model_max_length": written}
    write_json(folder / "tokenizer_config.json", settings)
    with pytest.raises(ValueError, match="`model_max_length` must be"):
        convert.load_text_inputs(folder)


def test_folder_of_an_elmo(tmp_path: Path) -> None:
    encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=7)
    options = tmp_path / "options.json"
    convert.save_elmo(encoder, options, tmp_path / "weights.hdf5")
    loaded = convert.load_encoder(tmp_path)
    assert loaded.input["char_ids"].shape == (None, None, 7)
    inputs = convert.load_text_inputs(tmp_path)
    assert isinstance(inputs, text.ElmoInputs)
    assert (inputs.max_characters, inputs.max_length) == (7, None)
    assert convert.load_text_inputs(tmp_path, 20).max_length == 20
    features = inputs(["two words"])
    np.testing.assert_array_equal(
        loaded(features)["sequence"], encoder(features)["sequence"]
    )
    convert.save_elmo(encoder, options, tmp_path / "other.hdf5")
    with pytest.raises(ValueError, match=r"other\.hdf5.*weights\.hdf5"):
        convert.load_encoder(tmp_path)


def test_folder_of_an_elmo_of_words(tmp_path: Path) -> None:
    encoder = models.elmo_word_encoder(5, 16, 4)
    options = tmp_path / "options.json"
    convert.save_elmo(encoder, options, tmp_path / "weights.hdf5")
    words = ["<S>", "</S>", "<UNK>", "a", "b"]
    text.save_vocabulary(words, tmp_path / "vocab.txt")
    inputs = convert.load_text_inputs(tmp_path)
    assert isinstance(inputs, text.WordInputs)
    features = inputs(["a c b"])
    np.testing.assert_array_equal(features["word_ids"], [[4, 3, 5]])
    np.testing.assert_array_equal(
        convert.load_encoder(tmp_path)(features)["sequence"],
        encoder(features)["sequence"],
    )


@pytest.mark.quick("encoder")
@pytest.mark.parametrize("name", ["encoder", "pretrainer", "model"])
def test_rows_of_a_run_fit_the_positions_of_its_encoder(
    name: str, tmp_path: Path
) -> None:
    model = models.bert_encoder(V, 1, 1, 4, 8, max_length=16)
    if name == "pretrainer":
        model = models.bert_pretrainer(model)
    elif name == "model":
        model = models.classifier(model, 2)
    model.save(tmp_path / f"{name}.keras")
    inputs = text.BertInputs(VOCABULARY, 12, False)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    assert convert.load_text_inputs(tmp_path).max_length == 12
    assert convert.load_text_inputs(tmp_path, 16).max_length == 16
    with pytest.raises(
        ValueError, match=rf"at most 16.*{name}\.keras.*max_length=17"
    ):
        convert.load_text_inputs(tmp_path, 17)
    # The run's own setting is checked, too.
    inputs = text.BertInputs(VOCABULARY, 20, False)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    with pytest.raises(ValueError, match=r"of text_inputs.json.*at most 16"):
        convert.load_text_inputs(tmp_path)
    assert convert.load_text_inputs(tmp_path, 9).max_length == 9


def test_rows_of_an_elmo_have_no_limit(tmp_path: Path) -> None:
    models.elmo_encoder([(1, 8)], 16, 4).save(tmp_path / "encoder.keras")
    inputs = text.ElmoInputs(max_length=12)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    assert convert.load_text_inputs(tmp_path).max_length == 12
    assert convert.load_text_inputs(tmp_path, 9999).max_length == 9999


def test_a_damaged_encoder_is_named(tmp_path: Path) -> None:
    inputs = text.BertInputs(VOCABULARY, 12, False)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    (tmp_path / "encoder.keras").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"encoder\.keras: .* whole \.keras"):
        convert.load_text_inputs(tmp_path)


@pytest.mark.parametrize(
    "load", [convert.load_encoder, convert.load_text_inputs]
)
def test_folder_of_nothing(load, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoder\.keras(.|\n)*Hugging Face"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "load", [convert.load_encoder, convert.load_text_inputs]
)
def test_a_file_of_a_run(load, tmp_path: Path) -> None:
    models.bert_tiny(9).save(tmp_path / "encoder.keras")
    (tmp_path / "text_inputs.json").write_text("{}")
    message = f"Pass the folder of the run, {re.escape(str(tmp_path))}\\."
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "encoder.keras")


@pytest.mark.parametrize(
    "load", [convert.load_encoder, convert.load_text_inputs]
)
def test_the_top_of_a_cache(load, tmp_path: Path) -> None:
    (tmp_path / "refs").mkdir()
    version = tmp_path / "snapshots" / "5c3866b"
    version.mkdir(parents=True)
    message = f"Pass one of them: {re.escape(str(version))}$"
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("end", ["index", "meta", "data-00000-of-00001"])
def test_a_part_of_a_checkpoint(end: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.ckpt-10.{end}"
    path.touch()
    message = f"or its prefix, {re.escape(str(tmp_path / 'model.ckpt-10'))}$"
    with pytest.raises(ValueError, match=message):
        convert.load_encoder(path)
