"""Records from raw texts: the same bytes by all methods, and training."""

import gzip
import hashlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recipe_files import ELMO, RECIPES, load_recipe

from keras_ctx import data, models, text, training

BERT = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "max_length": 24}
DIRECT = "--runner=DirectRunner"
STEPS = {"batch_size": 4, "epochs": 1, "steps_per_epoch": 2}


@pytest.fixture
def texts(tmp_path: Path, corpus: Path) -> Path:
    """Writes three files: compressed, with duplicates, with bad bytes."""
    folder = tmp_path / "texts"
    folder.mkdir()
    first = corpus.read_bytes()
    (folder / "a.txt.gz").write_bytes(gzip.compress(first))
    documents = first.split(b"\n\n")
    (folder / "b.txt").write_bytes(b"\n\n".join(documents[3:5]))
    (folder / "c.txt").write_bytes("坏\n书".encode() + b"\xff\xfe\n")
    return folder


def prepare(texts: Path, output: Path, **options) -> dict:
    recipe = load_recipe("prepare_corpus")
    settings = {"max_length": 24, "num_shards": 3, **options}
    return recipe.main(
        recipe.Config(inputs=(texts,), output=output, **settings)
    )


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(RECIPES / "prepare_corpus.py"), *arguments],
        stdout=subprocess.DEVNULL,
    )


def content(folder: Path) -> dict[str, bytes]:
    names = ("*.tfrecord", "manifest.json", "text_inputs.json", "words.txt")
    return {
        path.name: path.read_bytes()
        for name in names
        for path in folder.glob(name)
    }


def test_counts_by_hand(texts: Path, tmp_path: Path) -> None:
    results = prepare(texts, tmp_path / "records")
    # 21 documents of three sentences, two duplicates, and a bad one.
    assert results["documents"] == 22
    assert results["duplicates"] == 2
    assert results["sentences"] == 21 * 3 + 2 * 3 + 2
    assert results["unreadable_characters"] == 2
    records = data.open_records(tmp_path / "records", "bert")
    assert records.source["files"] == [
        [
            path.name,
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        ]
        for path in sorted(texts.iterdir())
    ]
    assert sorted(path.name for path in (tmp_path / "records").iterdir()) == [
        *sorted(
            f"{f['name']}{x}" for f in records.files for x in ("", ".json")
        ),
        "manifest.json",
        "parts.json",
        "settings.json",
        "text_inputs.json",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "elmo"])
def test_processes_change_no_byte(
    kind: str, texts: Path, tmp_path: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, number in zip(folders, "12", strict=True):
        process = start(
            *("--inputs", str(texts), "--output", str(folder)),
            *("--max-length", "24", "--num-shards", "3"),
            *("--kind", kind, "--num-workers", number),
        )
        assert process.wait() == 0
    first, second = map(content, folders)
    assert first == second and len(first) == 5


@pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not installed; `make beam` runs this with it",
)
@pytest.mark.parametrize("kind", ["bert", "elmo"])
def test_beam_changes_no_byte(kind: str, texts: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "plain", tmp_path / "beam"]
    for folder, beam in zip(folders, ("", DIRECT), strict=True):
        prepare(texts, folder, kind=kind, beam=beam)
    first, second = map(content, folders)
    assert first == second and len(first) == 5


@pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is not None,
    reason="Apache Beam is installed",
)
def test_without_beam_it_says_what_to_do(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(ImportError, match="pip install apache-beam"):
        prepare(texts, tmp_path / "records", beam=DIRECT)


def test_what_is_not_whole_is_made_anew(texts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    prepare(texts, folder)
    expected = content(folder)
    names = sorted(name for name in expected if name.endswith(".tfrecord"))
    kept = (folder / names[0]).stat().st_mtime_ns
    (folder / names[1]).write_bytes(expected[names[1]][:-3])
    (folder / names[2]).unlink()
    prepare(texts, folder)
    assert content(folder) == expected
    assert (folder / names[0]).stat().st_mtime_ns == kept


def test_other_settings_need_another_folder(
    texts: Path, tmp_path: Path
) -> None:
    prepare(texts, tmp_path / "records")
    with pytest.raises(ValueError, match="seed: 1 there, 2 now"):
        prepare(texts, tmp_path / "records", seed=2)
    (texts / "b.txt").write_text("新的。\n")
    with pytest.raises(ValueError, match="b.txt"):
        prepare(texts, tmp_path / "records")


def test_texts_without_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("只有一句。\n")
    with pytest.raises(ValueError, match="two sentences"):
        prepare(path, tmp_path / "records", num_shards=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": 0}, "`num_workers` must be at least 1"),
        ({"max_length": 0}, "`max_length` must be at least 1"),
        ({"seed": 2**63}, "`seed` must be below"),
        ({"kind": "elmo", "split": "wordpiece"}, "`split` must be"),
        ({"init": Path("a"), "vocabulary": Path("b")}, "`init` and"),
    ],
)
def test_arguments_that_do_not_fit(
    options: dict, message: str, texts: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(texts, tmp_path / "records", **options)


def test_texts_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n  \n")
    for split in ("character", "wordpiece"):
        with pytest.raises(ValueError, match="`inputs` must contain text"):
            prepare(path, tmp_path / split, split=split)


def test_word_vectors_are_no_words(texts: Path, tmp_path: Path) -> None:
    words = tmp_path / "glove.txt"
    words.write_text("the 0.1 0.2\nof 0.3 0.4\n")
    with pytest.raises(ValueError, match="must hold <S>, </S>, <UNK>"):
        prepare(texts, tmp_path / "records", kind="elmo", vocabulary=words)


def test_output_in_a_folder_of_inputs(texts: Path, tmp_path: Path) -> None:
    prepare(texts, tmp_path / "outside", kind="elmo")
    for _ in range(2):  # words.txt of the first run is not a text
        prepare(texts, texts / "records", kind="elmo")
    assert content(texts / "records") == content(tmp_path / "outside")


def test_parts_that_were_removed_after_a_kill(
    texts: Path, tmp_path: Path
) -> None:
    output = tmp_path / "records"
    prepare(texts, output, kind="elmo")
    whole = content(output)
    # As after a kill before the first shard, but without `parts/`.
    (output / "manifest.json").unlink()
    for path in output.glob("*.tfrecord*"):
        path.unlink()
    prepare(texts, output, kind="elmo")
    assert content(output) == whole


@pytest.mark.slow
def test_bert_learns_from_records(texts: Path, tmp_path: Path) -> None:
    records = tmp_path / "records"
    prepare(texts, records)
    recipe = load_recipe("pretrain_bert")

    def pretrain(name: str, **options) -> dict:
        settings = {"output": tmp_path / name, **STEPS, **BERT, **options}
        return recipe.main(recipe.Config(records=records, **settings))

    assert pretrain("bert")["loss"] > 0
    inputs = text.load_inputs(tmp_path / "bert" / "text_inputs.json")
    assert isinstance(inputs, text.BertInputs)
    saved = text.load_inputs(records / "text_inputs.json")
    assert inputs.get_config() == saved.get_config()
    assert pretrain("more", init=tmp_path / "bert")["loss"] > 0
    with pytest.raises(ValueError, match="`pair_length` must be at most"):
        pretrain("short", max_length=20)
    # A run with its own vocabulary.
    other = text.BertInputs(
        [*inputs.vocabulary[:-1], "x"], 24, split="character"
    )
    text.save_inputs(other, tmp_path / "bert" / "text_inputs.json")
    with pytest.raises(ValueError, match="there, 'x' now"):
        pretrain("other", init=tmp_path / "bert")


@pytest.mark.slow  # another training
def test_elmo_learns_from_records(texts: Path, tmp_path: Path) -> None:
    records = tmp_path / "records"
    prepare(texts, records, kind="elmo")
    recipe = load_recipe("pretrain_elmo")

    def config(**options):
        settings = {"output": tmp_path / "elmo", **STEPS, **ELMO, **options}
        return recipe.Config(records=records, window_size=8, **settings)

    assert recipe.main(config())["loss"] > 0
    words = text.load_vocabulary(tmp_path / "elmo" / "words.txt")
    assert words == text.load_vocabulary(records / "words.txt")
    with pytest.raises(ValueError, match="`split` must be that of `records`"):
        config(split="whitespace")


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_in_the_same_bytes(
    tmp_path: Path,
) -> None:
    rng = random.Random(5)
    path = tmp_path / "a.txt"
    sentences = [
        "".join(rng.choices("春天花开他在读书风雨", k=20)) for _ in range(4000)
    ]
    with path.open("w") as file:
        for number in range(8000):
            file.write(
                "\n".join(sentences[number % 3900 :][:5]) + f"\n{number}\n\n"
            )

    def run(output: Path) -> subprocess.Popen:
        return start(
            *("--inputs", str(path), "--output", str(output)),
            *("--num-shards", "20", "--max-length", "32"),
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    begun = time.monotonic()
    assert run(whole).wait() == 0
    seconds = time.monotonic() - begun
    seed = random.SystemRandom().randrange(10**6)
    rng, kills = random.Random(seed), 0
    for _ in range(6):
        process = run(killed)
        time.sleep(rng.uniform(0.3, 0.95) * seconds)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert run(killed).wait() == 0
    assert kills >= 2, seed
    assert content(killed) == content(whole), seed
    assert json.loads((killed / "manifest.json").read_text("utf-8"))["counts"]


def test_pairs_are_as_long_as_the_encoder_reads(tmp_path: Path) -> None:
    recipe = load_recipe("prepare_corpus")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]
    init = tmp_path / "init"
    training.save_model(
        models.bert_encoder(6, 1, 1, 4, 8, max_length=24),
        init / "encoder.keras",
    )
    text.save_inputs(text.BertInputs(tokens, 24), init / "text_inputs.json")
    assert recipe.Config(init=init).pair_length == 24
    assert recipe.Config(init=init, max_length=9).pair_length == 9
    assert recipe.Config().pair_length == 128
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a a\na\n\na\na a a\n")
    output = tmp_path / "records"
    with pytest.raises(ValueError, match="`max_length` must be at most 24"):
        recipe.main(
            recipe.Config((corpus,), output=output, init=init, max_length=25)
        )
    assert not output.exists(), "the same command works with another length"
    text.save_inputs(text.ElmoInputs(), init / "text_inputs.json")
    with pytest.raises(ValueError, match="`init` must hold a BERT"):
        _ = recipe.Config(init=init).pair_length
