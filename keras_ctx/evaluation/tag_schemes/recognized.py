"""Recognizes the scheme that the tags of files follow."""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence

from keras_ctx.evaluation.label_spelling import spelling
from keras_ctx.evaluation.tag_schemes.schemes import (
    LETTERS,
    SCHEMES,
    broken_spans,
    scheme_letters,
    tag_spans,
)
from keras_ctx.evaluation.tag_schemes.spelling import (
    PLAIN,
    TagScheme,
    is_outside,
    parsed_tag,
)

# Share of spans that may break the rules before it is an error.
_MOST_BROKEN = 0.1
# Separators of letter and type in public files.
_MARKS = "-_:/|"


def recognize_tags(
    files: Mapping[str, Sequence[Sequence[str]]],
    scheme: str | None = None,
    describe: Callable[[str], str] = repr,
) -> tuple[TagScheme, list[str]]:
    """Finds the scheme that the tags of all files follow.

    Of the schemes that have all letters of the tags, it is the one whose
    rules the fewest spans break; the spans are the same in each scheme.

    Args:
        files: File name to the tags of each sentence of the file.
        scheme: A name of `SCHEMES`, or "plain"; `None` to recognize it.
        describe: Takes a tag and returns its position in the files, for
            errors.

    Returns:
        The scheme, and sentences for the user about tags that break its
        rules.

    Raises:
        ValueError: Some tags are of a scheme and others are not; a tag has a
            letter but no type after the separator ("B-"); no single scheme
            has all the letters; or, without `scheme`, more than a tenth of
            the spans break the rules, or two tags differ only in case, width,
            or invisible characters.

    Example:
        >>> recognize_tags({"train": [["I-PER", "I-PER", "B-PER", "O"]]})
        (TagScheme(name='IOB1', ...), [])
        >>> recognize_tags({"train": [["NN", "VB"]]})[0].name
        'plain'
    """
    if scheme is not None:
        TagScheme(scheme)  # refuses an unknown name
    counts: collections.Counter[str] = collections.Counter()
    for sentences in files.values():
        for tags in sentences:
            counts.update(tags)
    if scheme is None:
        _check_spelling(counts, describe)
    if scheme == PLAIN:
        return TagScheme(PLAIN), []
    _check_types(counts, describe)
    form = _form(counts, scheme, describe)
    if form is None:
        return TagScheme(PLAIN), []
    letters = {
        normal[0]
        for tag in counts
        if (normal := form.normal(tag)) not in (None, "O")
    }
    names = [n for n in SCHEMES if letters <= scheme_letters(n)]
    if scheme is not None:
        # The spans are read even if the tags have other letters.
        names = [scheme]
    if not names:
        if form.separator == "":
            return TagScheme(PLAIN), []  # single letters, but not of spans
        shown = ", ".join(
            describe(next(t for t in counts if (form.normal(t) or "")[0] == x))
            for x in sorted(letters)
        )
        raise ValueError(
            "The letters of the tags must be those of one scheme, such as "
            "B, I (IOB2) or B, I, E, S (BIOES). Correct the tags, or give "
            f"`scheme` ({', '.join(SCHEMES)}; {PLAIN}: no spans). Received: "
            f"{shown}"
        )
    broken = _count_broken(files, form, names)
    best = min(names, key=lambda n: sum(b for b, _ in broken[n].values()))
    if scheme is None:
        _check_broken(broken, best)
    notes = [
        f"{file}: {many} of {spans} spans break the rules of {best}; they are "
        "read as in CoNLL's scorer: an I that continues no span begins one."
        for file, (many, spans) in broken[best].items()
        if many
    ]
    found = _named(form, best)
    if len(found_outside := [tag for tag in counts if is_outside(tag)]) > 1:
        notes.append(f"{found_outside} are all read as {found.outside!r}.")
    small = [tag for tag in counts if _is_small(tag, form.suffix)]
    large = [tag for tag in counts if not is_outside(tag) and tag not in small]
    if small and large:
        notes.append(
            f"{describe(small[0])} and {describe(large[0])} are read "
            "alike: the letter of a tag may be lower or upper case."
        )
    return found, notes


def span_types(tags: Iterable[str]) -> set[str]:
    """Returns the types of the spans of some tags; none for plain tags.

    Example:
        >>> sorted(span_types(["B-PER", "I-PER", "O", "B-LOC"]))
        ['LOC', 'PER']
        >>> span_types(["NN", "VB"])
        set()
    """
    try:
        form = _form(collections.Counter(tags), None, repr)
    except ValueError:  # some are of a scheme, and others are not
        form = None
    if form is None:
        return set()
    normal = {form.normal(tag) or "O" for tag in tags}
    types = {tag[2:] for tag in normal - {"O"}}
    # Single letters are spans only if "O" occurs, too.
    return set() if types == {""} and "O" not in normal else types


def _check_types(counts: Iterable[str], describe: Callable[[str], str]) -> None:
    """Refuses a letter without a type after its separator, as in "B-".

    If other tags are of no scheme, it is an ordinary tag, as among PROIEL's
    parts of speech.
    """
    lost = {tag: mark for tag in counts if (mark := _lost_mark(tag))}
    others = [tag for tag in counts if tag not in lost and not is_outside(tag)]
    forms = [(mark, end) for mark in lost.values() for end in (False, True)]
    if lost and all(
        any(parsed_tag(tag, *form) for form in forms) for tag in others
    ):
        raise ValueError(
            "A tag must have a type after its letter and separator, such as "
            '"B-PER", or be the letter alone. Write the type, or give '
            f'`scheme`: "{PLAIN}" for tags that are no spans. Received: '
            f"{', '.join(map(describe, list(lost)[:3]))}"
        )


def _lost_mark(tag: str) -> str:
    """Returns the separator of a tag with a letter and no type, else ""."""
    if len(tag) < 2 or is_outside(tag):
        return ""
    letter, mark, rest = tag[0], tag[1], tag[2:]
    if letter.upper() in LETTERS and mark in _MARKS:
        return "" if any(map(str.isalnum, rest)) else mark
    return letter if letter in _MARKS and mark in LETTERS and not rest else ""


def _check_spelling(
    counts: Mapping[str, int], describe: Callable[[str], str]
) -> None:
    """Refuses tags that look alike, but would be of two types.

    The letters of a scheme may be lower or upper case, and "O" has many forms.
    """
    seen: dict[str, tuple[str, str]] = {}
    for tag in counts:
        if is_outside(tag):
            continue
        kind = tag
        for separator, suffix in (("-", False), ("_", False), ("-", True)):
            if normal := parsed_tag(tag, separator, suffix):
                kind = normal[2:] or normal
                break
        other, first = seen.setdefault(spelling(kind), (kind, tag))
        if other != kind:
            raise ValueError(
                f"{describe(tag)} and {describe(first)} differ only in case, "
                "width, or invisible characters, and would be of two types. "
                "Write both alike; if they are two types, give `scheme` "
                f"(IOB2, ...; {PLAIN}: no spans)."
            )


def _count_broken(
    files: Mapping[str, Sequence[Sequence[str]]],
    form: TagScheme,
    schemes: Sequence[str],
) -> dict[str, dict[str, tuple[int, int]]]:
    """Counts broken and all spans, by scheme and file."""
    broken: dict[str, dict[str, tuple[int, int]]] = {
        name: {file: (0, 0) for file in files} for name in schemes
    }
    for file, sentences in files.items():
        for tags in sentences:
            if all(map(is_outside, tags)):
                continue  # most sentences of many files
            normal = form.normals(tags)
            spans = tag_spans(normal)
            for scheme, found in broken.items():
                many, total = found[file]
                many += len(broken_spans(normal, spans, scheme))
                found[file] = many, total + len(spans)
    return broken


def _named(form: TagScheme, name: str) -> TagScheme:
    separator = form.separator or "-"
    return TagScheme(
        name, separator, form.suffix, form.outside, form.lower_case
    )


def _marks(characters: Iterable[str]) -> list[str]:
    """Returns possible separators of letter and type, the most usual first."""
    found = {x for x in characters if not x.isalnum()}
    return sorted(found, key=lambda x: (x not in "-_", x))


def _is_small(tag: str, suffix: bool) -> bool:
    return not is_outside(tag) and tag[-1 if suffix else 0].islower()


def _form(
    counts: collections.Counter[str],
    scheme: str | None,
    describe: Callable[[str], str],
) -> TagScheme | None:
    """Returns the form of the tags: separator and order; `None` if plain."""
    outside = [tag for tag, _ in counts.most_common() if is_outside(tag)]
    others = [tag for tag in counts if not is_outside(tag)]
    if not others:  # no span in any file
        is_tag = outside and (scheme is not None or outside[0] in "Oo0")
        return TagScheme(outside=outside[0]) if is_tag else None
    long = [tag for tag in others if len(tag) > 2]
    forms = [("", False)]  # the letter alone
    forms += [(mark, False) for mark in _marks(tag[1] for tag in long)]
    forms += [(mark, True) for mark in _marks(tag[-2] for tag in long)]

    def unread(form: tuple[str, bool]) -> list[str]:
        # Where other tags have types, a letter without one is an error.
        return [
            tag
            for tag in others
            if parsed_tag(tag, *form) is None or (len(tag) == 1 and form[0])
        ]

    best = min(forms, key=lambda form: len(unread(form)))
    rest = unread(best)
    if rest:
        # Plain tags, some of which look like those of a scheme by chance.
        by_chance = best[0] == "" or best[1] or 2 * len(rest) > len(others)
        if by_chance and scheme is None:
            return None
        read = next((tag for tag in others if tag not in rest), None)
        like = "" if read is None else f", as {describe(read)} is"
        raise ValueError(
            f"Either all tags must be of a scheme{like}, or none. Correct the "
            f'others, or give `scheme`: "{PLAIN}" for tags that are no spans. '
            f"Received: {', '.join(map(describe, rest[:3]))}"
        )
    separator, suffix = best
    small = sum(
        count for tag, count in counts.items() if _is_small(tag, suffix)
    )
    total = sum(counts[tag] for tag in others)
    return TagScheme(
        separator=separator,
        suffix=suffix,
        outside=outside[0] if outside else "O",
        lower_case=2 * small > total,
    )


def _check_broken(
    broken: Mapping[str, Mapping[str, tuple[int, int]]], best: str
) -> None:
    """Refuses tags that follow the rules of no scheme.

    One file may be in IOB1 and another in IOB2: both are unambiguous.
    """
    both = [name for name in broken if {name, best} <= {"IOB1", "IOB2"}]
    mixed = [
        min(broken[name][file][0] for name in both or [best])
        for file in broken[best]
    ]
    total = sum(spans for _, spans in broken[best].values())
    if sum(mixed) <= _MOST_BROKEN * total:
        return
    shown = "; ".join(
        f"{file}, of {counts[1]} spans: "
        + ", ".join(
            f"{broken[name][file][0]} break the rules of {name}"
            for name in both or [best]
        )
        for file, counts in broken[best].items()
    )
    raise ValueError(
        "`scheme` must be given if the tags follow the rules of none. Look at "
        f"the files; then `scheme={best}` begins a span at each tag that "
        f"continues none, as CoNLL's scorer does, and writes {best}; "
        f'"{PLAIN}" is for tags that are no spans. Received: {shown}'
    )
