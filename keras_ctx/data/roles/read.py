"""Reads files of semantic roles in any of their layouts."""

import re
from pathlib import Path

from keras_ctx.data.readers.lines import empty_file, is_blank, numbered_lines
from keras_ctx.data.roles.columns import (
    DOCUMENT,
    RoleSentence,
    read_columns,
    read_conll_2012,
)
from keras_ctx.data.roles.json_lines import read_json_lines

_OBJECT = re.compile(r'\s*\{\s*"')


def read_propositions(
    path: str | Path, words: str | Path | None = None
) -> list[RoleSentence]:
    r"""Reads predicates and their arguments, in one of three layouts.

    * JSON lines, a predicate a line, those of a sentence next to each other:
      `sent_id`, `words`, `predicate` (its position, counted from 0),
      `arguments` (`[start, end, label]`, `end` exclusive), and, not required,
      `sense` and `verb` (`[start, end]` of each piece of the predicate). A
      line with only `sent_id` and `words` is a sentence without predicates.
    * CoNLL-2005: a word a line, blank lines between sentences. The last
      columns are the lemma of a predicate, or "-", and for each predicate of
      the sentence a column of brackets: `(A0*`, `*`, `*)`. The word is the
      first column; after a document, two numbers, as in PropBank's own files,
      it is the fourth. Or two files, of these columns (`props`) and of words.
    * CoNLL-2012, which begins with `#begin document`: words in the fourth
      column, lemma and frameset of a predicate in the seventh and the eighth,
      and brackets from the twelfth to the last but one. A lemma without a
      frameset is no predicate.

    The labels V and C-V are read as the pieces of the predicate.

    Args:
        path: The file, plain or compressed.
        words: The file of words, one a line, if `path` is the file `props` of
            CoNLL-2005. Further columns of it are left out.

    Returns:
        The words of each sentence, and its propositions, none or several.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: The file has no text or another layout; a predicate or an
            argument is missing, outside the sentence, or overlaps another;
            brackets do not match; there is not a column of arguments for each
            predicate; a label is empty; or the files differ in their
            sentences. The message names the file and the line.

    Example:
        >>> _ = Path("roles.txt").write_text(
        ...     "She  -    (A0*)  *\n"
        ...     "saw  see  (V*)   *\n"
        ...     "it   -    (A1*   (A0*)\n"
        ...     "fall fall *)     (V*)\n")
        >>> [(words, [saw, fell])] = read_propositions("roles.txt")
        >>> words, saw.sense, saw.arguments
        (('She', 'saw', 'it', 'fall'), 'see', ((0, 1, 'A0'), (2, 4, 'A1')))
        >>> fell.predicate, fell.tags()
        (3, ['O', 'O', 'B-A0', 'O'])

    Source:
        Carreras and Màrquez 2005, https://aclanthology.org/W05-0620; Pradhan
        et al. 2012, https://aclanthology.org/W12-4501.
    """
    lines = (line for _, line in numbered_lines(path) if not is_blank(line))
    first = next(lines, None)
    lines.close()
    if first is None:
        raise empty_file(path)
    is_json, is_2012 = _OBJECT.match(first), first.startswith(DOCUMENT)
    if words is not None and (is_json or is_2012):
        raise ValueError(
            "`words` must be left out for JSON lines and CoNLL-2012, which "
            f"have the words themselves. Received: words={str(words)!r} and "
            f"{path}, which begins with {first[:60]!r}"
        )
    if is_json:
        return read_json_lines(path)
    return read_conll_2012(path) if is_2012 else read_columns(path, words)
