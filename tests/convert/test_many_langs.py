"""A folder of ELMoForManyLangs: ids by hand, vectors by NumPy."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from convert.many_langs_files import (
    CHARACTERS,
    SETTINGS,
    WORDS,
    content,
    write_folder,
    write_json,
)
from parity.many_langs_numpy import Settings, character_row, layers_of
from safetensors.numpy import load_file, save_file

from keras_ctx import convert, models, text

SMALL = Settings([(1, 4), (2, 5)], dim=6, projection_dim=5, cell_clip=0.5)
SENTENCES = [
    "今天 é ea",
    "abcdeabcd",  # longer than a row; "abcdea" is in the vocabulary
    "<bos> zz \u00a0ea",  # the marker by its name; unknown; a blank of Latin 1
    "\U00020000 bos <pad>",
    "",
]
PARTS = ("token_embedder", "encoder")


def expected(tensors, s: Settings, words: list[str]) -> list[np.ndarray]:
    characters = {name: i for i, name in enumerate(CHARACTERS)}
    vocabulary = {name: i for i, name in enumerate(WORDS)}
    marked = ["<bos>", *words, "<eos>"]
    most = s.max_characters - 2
    embedder, encoder = tensors
    return layers_of(
        embedder,
        encoder,
        s,
        [character_row(characters, word, s.max_characters) for word in marked],
        [vocabulary.get(word[:most], vocabulary["<oov>"]) for word in marked],
    )


@pytest.mark.parametrize(
    "s",
    [
        SMALL,
        Settings([(3, 4)], 3, 6, 1, 0, activation="tanh", proj_clip=0.3),
        Settings([(1, 4)], 6, 5, word_dim=0, cell_clip=0, proj_clip=None),
    ],
    ids=["as released", "tanh, one layer", "no words, no clips"],
)
def test_layers_as_in_numpy(tmp_path: Path, s: Settings) -> None:
    tensors = write_folder(tmp_path, s)
    encoder = convert.load_encoder(tmp_path)
    inputs = convert.load_text_inputs(tmp_path)
    convert.check_text_inputs(inputs, encoder, tmp_path)
    outputs = encoder(inputs(SENTENCES))
    assert len(outputs["layers"]) == s.n_layers + 1
    for row, sentence in enumerate(SENTENCES):
        words = sentence.split()
        wanted = expected(tensors, s, words)
        for layer, vectors in zip(outputs["layers"], wanted, strict=True):
            found = np.asarray(layer[row])
            np.testing.assert_allclose(
                found[: len(words)], vectors, rtol=0, atol=1e-5
            )
            assert not found[len(words) :].any()


def test_ids_by_hand(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    inputs = convert.load_text_inputs(tmp_path)
    features = inputs(["é今天天天天天 <bos> ez"])
    # One more than in char.dic: <eow> 17, <bow> 16, <pad> 15, <oov> 14.
    assert features["character_ids"].numpy().tolist() == [
        [
            [17, 4, 5, 6, 6, 6, 6, 16],
            [17, 12, 16, 15, 15, 15, 15, 15],
            [17, 1, 14, 16, 15, 15, 15, 15],
        ]
    ]
    assert features["word_ids"].numpy().tolist() == [[1, 2, 1]]
    assert inputs(["今天", ""])["word_ids"].numpy().tolist() == [[5], [0]]
    assert not inputs([""])["character_ids"].numpy().any()


def test_pair_has_the_markers_between(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    inputs = convert.load_text_inputs(tmp_path)
    features = inputs(["ea"], ["é"])
    assert features["word_ids"].numpy().tolist() == [[8, 3, 2, 6]]
    assert features["character_ids"].numpy()[0, :, 1].tolist() == [1, 13, 12, 4]
    assert inputs.tokens(["ea"], ["é"]).numpy().tolist() == [
        [b"ea", b"<eos>", b"<bos>", "é".encode()]
    ]


def test_inputs_in_a_file_are_the_same(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    inputs = convert.load_text_inputs(tmp_path, max_length=3)
    text.save_inputs(inputs, tmp_path / "inputs.json")
    again = text.load_inputs(tmp_path / "inputs.json")
    assert again.get_config() == inputs.get_config()
    saved = json.loads((tmp_path / "inputs.json").read_text())
    saved["config"]["characters"] = "/etc/passwd"
    write_json(tmp_path / "inputs.json", saved)
    with pytest.raises(ValueError, match="`characters` must be a list"):
        text.load_inputs(tmp_path / "inputs.json")


def test_settings_that_the_folder_does_not_hold(tmp_path: Path) -> None:
    """The released settings have other sizes than these weights."""
    write_folder(tmp_path, SMALL)
    (tmp_path / SETTINGS).unlink()
    with pytest.raises(ValueError, match=r"do not fit the settings") as told:
        convert.load_encoder(tmp_path)
    assert "the settings require (2048,), the file has" not in str(told.value)
    assert "projection.weight: the settings require (512, 2148" in str(
        told.value
    )
    # And in the folder of the project.
    (tmp_path / "configs").mkdir()
    write_json(tmp_path / "configs" / SETTINGS, content(SMALL))
    assert convert.load_encoder(tmp_path).name == "elmo_for_many_langs"


def test_settings_are_never_read_outside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_folder(folder, SMALL)
    (folder / SETTINGS).rename(tmp_path / "own.json")
    for path in ("../own.json", str(tmp_path / "own.json"), "..\\own.json"):
        write_json(folder / "config.json", {"config_path": path})
        with pytest.raises(
            FileNotFoundError, match="must name a file in the folder"
        ):
            convert.load_encoder(folder)
    for path in (None, "..", "", 3):
        write_json(folder / "config.json", {"config_path": path})
        with pytest.raises((ValueError, FileNotFoundError)):
            convert.load_encoder(folder)


def test_pickles_are_refused_with_the_script(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    (tmp_path / "encoder.safetensors").unlink()
    for load in (convert.load_encoder, convert.load_text_inputs):
        with pytest.raises(ValueError, match="is a pickle") as told:
            load(tmp_path)
        assert "weights_only=True" in str(told.value)
        assert repr(str(tmp_path)) in str(told.value)
    (tmp_path / "encoder.pkl").unlink()
    with pytest.raises(FileNotFoundError, match=r"hold encoder\.safetensors"):
        convert.load_encoder(tmp_path)


@pytest.mark.parametrize(
    ("block", "key", "value", "told"),
    [
        ("encoder", "name", "lstm", '`encoder.name` must be "elmo"'),
        ("token_embedder", "name", "lstm", '`token_embedder.name` must be "cn'),
        ("token_embedder", "char_dim", 0, "read no characters"),
        ("encoder", "dim", 5, "`encoder.dim` must differ from"),
        ("token_embedder", "filters", [[1, 5]], "`filters` must differ from"),
        ("encoder", "n_layers", 2**31, "`encoder.n_layers` must be at most"),
        ("token_embedder", "activation", "gelu", '"relu" or "tanh"'),
        ("token_embedder", "max_characters_per_token", 2, "at least 3"),
        ("token_embedder", "word_dim", 5, "word_emb_layer.*other shape|other"),
        ("token_embedder", "word_dim", 0, "not known: word_emb_layer"),
    ],
)
def test_settings_that_are_refused(
    tmp_path: Path, block: str, key: str, value, told: str
) -> None:
    write_folder(tmp_path, SMALL)
    settings = content(SMALL)
    settings[block][key] = value
    write_json(tmp_path / SETTINGS, settings)
    with pytest.raises(ValueError, match=told):
        convert.load_encoder(tmp_path)


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("char.dic", "x\t99\n", r"char\.dic, line 1: an id must be below 20"),
        ("char.dic", "a\t9\n", r"char\.dic, line 11: an entry or an id is"),
        ("word.dic", "a b 3\n", r"word\.dic, line 1: received 'a b 3"),
        ("word.dic", "a\tb\t3\n", r"word\.dic, line 1: received"),
    ],
)
def test_vocabularies_that_are_refused(
    tmp_path: Path, name: str, line: str, told: str
) -> None:
    write_folder(tmp_path, SMALL)
    lines = (tmp_path / name).read_text("utf-8").split("\n")[1:]
    text_of = line + "\n".join(lines)
    (tmp_path / name).write_text(text_of, encoding="utf-8")
    for load in (convert.load_encoder, convert.load_text_inputs):
        with pytest.raises(ValueError, match=told):
            load(tmp_path)


@pytest.mark.parametrize("change", [lambda x: x[1:], lambda x: [*x, "x\t7"]])
def test_vocabulary_of_other_weights(tmp_path: Path, change) -> None:
    write_folder(tmp_path, SMALL)
    path = tmp_path / "word.dic"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"must have 8 lines.*Received: [7m]"):
        convert.load_text_inputs(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"must hold word\.dic"):
        convert.load_text_inputs(tmp_path)


def test_blank_character_is_the_ideographic_space(tmp_path: Path) -> None:
    """Its code strips the entry together with the line end."""
    write_folder(tmp_path, SMALL)
    inputs = convert.load_text_inputs(tmp_path)
    assert isinstance(inputs, text.ElmoForManyLangsInputs)
    assert inputs.characters[2] == "\u3000"
    words = tf.ragged.constant([["\u3000", "\u00a0"]])
    found = inputs(words)["character_ids"].numpy()[0, :, 1]
    assert found.tolist() == [3, 14]


def test_tensors_too_many_or_missing(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    path = tmp_path / "encoder.safetensors"
    tensors = load_file(path)
    bias = tensors.pop("forward_layer_1.state_linearity.bias")
    save_file({**tensors, "classifier.bias": bias}, path)
    with pytest.raises(ValueError, match="do not fit") as told:
        convert.load_encoder(tmp_path)
    assert "missing: forward_layer_1.state_linearity.bias" in str(told.value)
    assert "not known: classifier.bias" in str(told.value)


def test_what_cannot_hold_it_refuses_it(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    encoder = convert.load_encoder(tmp_path)
    with pytest.raises(ValueError, match="cannot store a vocabulary of char"):
        convert.save_elmo(encoder, tmp_path / "o.json", tmp_path / "w.hdf5")
    language_model = models.elmo_language_model(encoder, 8)
    with pytest.raises(ValueError, match="`elmo_for_many_langs`"):
        models.elmo_stream_model(language_model, 2)
    with pytest.raises(ValueError, match="`char_ids`"):
        models.distinct_words(encoder)
    with pytest.raises(ValueError, match="`char_ids`"):
        models.from_word_vectors(encoder)
    other = Settings([(1, 4), (2, 5)], 6, 5, max_characters=9)
    (tmp_path / "other").mkdir()
    write_folder(tmp_path / "other", other)
    inputs = convert.load_text_inputs(tmp_path / "other")
    with pytest.raises(ValueError, match="begin of a sentence"):
        convert.check_text_inputs(inputs, encoder, tmp_path)
    with pytest.raises(ValueError, match="characters of an ELMo"):
        convert.check_text_inputs(text.ElmoInputs(8), encoder, tmp_path)


def test_under_a_head_and_out_again(tmp_path: Path) -> None:
    tensors = write_folder(tmp_path, SMALL)
    encoder = convert.load_encoder(tmp_path)
    inputs = convert.load_text_inputs(tmp_path)
    tagger = models.tagger(encoder, 3, mix="scalar_mix")
    path = tmp_path / "model.keras"
    tagger.save(path)
    inside = models.encoder_of(keras.models.load_model(path))
    found = inside(inputs(["今天 é"]))["layers"][2][0]
    np.testing.assert_allclose(
        found, expected(tensors, SMALL, ["今天", "é"])[2], rtol=0, atol=1e-5
    )


def test_text_of_another_script_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL)
    found = text.UnknownTexts(convert.load_text_inputs(tmp_path))
    found.add(["ea abcde", "жук ea жук", "今天 x"])
    assert (found.num_unknown, found.example) == (1, "жук ea жук")
    with pytest.warns(UserWarning, match="are more than half <oov>"):
        found.warn("corpus.txt")


@pytest.mark.slow
def test_first_states_can_be_measured(tmp_path: Path) -> None:
    tensors = write_folder(tmp_path, SMALL)
    encoder = convert.load_encoder(tmp_path)
    inputs = convert.load_text_inputs(tmp_path)
    batches = [inputs(SENTENCES[:2])] * 3
    warm = models.warm_start(encoder, batches)
    line = inputs(["今天 é"])
    layers = [np.asarray(x[0]) for x in warm(line)["layers"]]
    wanted = expected(tensors, SMALL, ["今天", "é"])
    # The token layer has no states; the other layers start differently.
    np.testing.assert_allclose(layers[0], wanted[0], rtol=0, atol=1e-5)
    assert np.abs(layers[1] - wanted[1]).max() > 1e-3


def test_clips_bind(tmp_path: Path) -> None:
    """Otherwise the comparison with NumPy would not test them."""
    tensors = write_folder(tmp_path, SMALL)
    words = SENTENCES[0].split()
    wanted = expected(tensors, SMALL, words)[2]
    for change in ({"cell_clip": None}, {"proj_clip": 0.5}):
        other = expected(tensors, replace(SMALL, **change), words)[2]
        assert np.abs(other - wanted).max() > 1e-3
