"""What `--help` shows above the options: the docstring of a recipe."""

import re
import textwrap

from keras_ctx.command_line.shell_command import wrapped_command

# "Data      A table, ...", where the lines below are indented as far.
_SECTION = re.compile(r"(?P<name>[A-Z]\w*) {2,}(?P<text>\S.*)")
_STARTS = ("python ", "curl ")  # of a command
# A word of a command, with the quotes in it.
_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")
_COMMAND = re.compile(r"(?P<before>(?:[A-Z]\w*)? *)(?P<command>python .*)")
_AS_WRITTEN = 80


def help_page(doc: str, width: int) -> str:
    r"""The docstring, as it is written or for a terminal narrower than it.

    Args:
        doc: One sentence; then sections such as "Data      A table, ...",
            whose further lines are indented; commands in them begin with
            "python" or "curl".
        width: Columns of the terminal.

    Example:
        >>> doc = '''Sort a file.
        ...
        ... Data      Lines of text, in UTF-8, of any length.
        ... Command   python sort.py --input lines.txt'''
        >>> help_page(doc, 80) == doc
        True
        >>> print(help_page(doc, 24))
        Sort a file.
        <BLANKLINE>
        Data
          Lines of text, in
          UTF-8, of any length.
        Command
          python sort.py \
            --input lines.txt
    """
    doc = doc.strip()
    if width >= _AS_WRITTEN:
        return "\n".join(map(_short_commands, doc.splitlines()))
    pages = []
    for paragraph in doc.split("\n\n"):
        lines: list[str] = []
        for name, text in _sections(paragraph):
            indent = "  " if name else ""
            lines += [name] if name else []
            for part in _parts(text):
                made = _narrow(part, width - len(indent))
                lines += [indent + line for line in made]
        pages.append("\n".join(lines))
    return "\n\n".join(pages)


def _short_commands(line: str) -> str:
    """A line; a command that fills more than it, on several.

    In a docstring that is not raw, Python joins lines that end in a backslash.
    """
    found = _COMMAND.fullmatch(line)
    if len(line) <= _AS_WRITTEN or found is None:
        return line
    indent = len(found["before"])
    words = _WORD.findall(found["command"])
    lines = wrapped_command(words, _AS_WRITTEN - indent)
    blanks = f"\n{' ' * indent}"
    return found["before"] + blanks.join(lines)


def _sections(paragraph: str) -> list[tuple[str, list[str]]]:
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in paragraph.splitlines():
        if found := _SECTION.fullmatch(line):
            sections.append((found["name"], [found["text"]]))
        else:
            sections[-1][1].append(line.strip())
    return [each for each in sections if each[1]]


def _parts(lines: list[str]) -> list[str]:
    """Commands and the sentences between them, each on one line."""
    parts: list[str] = []
    is_open = False  # whether the next line belongs to the last part
    for line in lines:
        begins = line.startswith(_STARTS)
        if is_open and not begins:
            parts[-1] = f"{parts[-1].removesuffix(chr(92)).strip()} {line}"
        else:
            parts.append(line)
        is_command = parts[-1].startswith(_STARTS)
        is_open = line.endswith("\\") or not is_command
    return parts


def _narrow(part: str, width: int) -> list[str]:
    if part.startswith(_STARTS):
        return wrapped_command(_WORD.findall(part), width)
    return textwrap.wrap(
        part, width, break_long_words=False, break_on_hyphens=False
    )
