"""The files of a corpus: the files in a folder that are read."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_ctx.data.readers.compressed import ENDINGS, plain_name

# A folder that macOS adds to archives.
_HIDDEN = {"__MACOSX"}
_TYPES = "end in .txt, .txt.gz, .txt.bz2, .txt.xz or .txt.zst"
_NAMED = 5

LeftOut = dict[str, list[Path]]


def text_files(
    inputs: Sequence[str | Path], left_out: LeftOut | None = None
) -> list[Path]:
    """Returns the files of a corpus, in the order in which they are read.

    In a folder, these are the files at any depth whose names end in `.txt`,
    plain or compressed (`.txt.gz`, `.txt.bz2`, `.txt.xz`, `.txt.zst`), in
    upper or lower case. Links are followed, but each file and folder is read
    only once, under the first of its names; names that are not links come
    first. Hidden files and folders (`.name`, `__MACOSX`) are left out. A file
    in `inputs` itself is read under any name.

    Args:
        inputs: Files and folders.
        left_out: A dict that gets the paths in folders that are not read, by
            reason; see `left_out_lines`.

    Returns:
        The files. The files of a folder are sorted by path.

    Raises:
        FileNotFoundError: An input does not exist, or a folder holds no text.
        OSError: A folder cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.txt", "a.txt.gz", "c.pdf", "._b.txt"):
        ...     (folder / name).touch()
        >>> left_out = {}
        >>> [path.name for path in text_files([folder], left_out)]
        ['a.txt.gz', 'b.txt']
        >>> [[path.name for path in paths] for paths in left_out.values()]
        [['._b.txt'], ['c.pdf']]
    """
    found: list[Path] = []
    left_out = {} if left_out is None else left_out
    for path in map(Path, inputs):
        if path.is_dir():
            inside, others = _of_folder(path)
            for why, paths in others.items():
                left_out.setdefault(why, []).extend(paths)
            if not inside:
                raise FileNotFoundError(
                    "`inputs` must be text files, or folders with files that "
                    f"{_TYPES}. Received: {path}, without such files. "
                    + " ".join(left_out_lines(others))
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(
                "`inputs` must be files and folders that exist. "
                f"Received: {path}"
            )
    return found


def left_out_lines(left_out: LeftOut) -> list[str]:
    """Returns sentences about the files in folders that are not read.

    Args:
        left_out: The dict that `text_files` has filled.

    Returns:
        A sentence per reason, with the first five paths.

    Example:
        >>> left_out_lines({"hidden": [Path("news/.DS_Store")]})
        ['Not read, hidden: news/.DS_Store.']
    """
    lines = []
    for why, paths in left_out.items():
        named = ", ".join(map(str, paths[:_NAMED]))
        more = len(paths) - _NAMED
        lines.append(
            f"Not read, {why}: {named}"
            + (f", and {more:,} more." if more > 0 else ".")
        )
    return lines


def _of_folder(folder: Path) -> tuple[list[Path], LeftOut]:
    left_out: LeftOut = defaultdict(list)
    texts = []
    # Sorted, so that `left_out` does not depend on the file system.
    for path in sorted(_walk(folder, left_out)):
        if path.suffix.lower() == ".txt" or (
            path.suffix.lower() in ENDINGS
            and plain_name(path).lower().endswith(".txt")
        ):
            texts.append(path)
        else:
            left_out[f"does not {_TYPES}"].append(path)
    return _once(texts, left_out), dict(left_out)


def _walk(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    """Yields files at any depth, none twice through linked folders."""
    seen = {folder.resolve()}
    todo = [folder]
    linked: list[Path] = []
    # Linked folders come last: a link may lead to another folder.
    while todo or linked:
        linked_now = not todo
        current = todo.pop(0) if todo else linked.pop(0)
        if linked_now:
            if current.resolve() in seen:
                left_out["there under another name"].append(current)
                continue
            seen.add(current.resolve())
        for entry in sorted(os.scandir(current), key=lambda x: x.name):
            path = current / entry.name
            if entry.name.startswith(".") or entry.name in _HIDDEN:
                left_out["hidden"].append(path)
            elif path.is_dir():
                if path.is_symlink():
                    linked.append(path)
                else:
                    seen.add(path.resolve())
                    todo.append(path)
            elif path.is_file():
                yield path
            elif path.is_symlink():
                left_out["a link to nothing"].append(path)
            else:
                left_out["no file"].append(path)


def _once(paths: list[Path], left_out: LeftOut) -> list[Path]:
    names: dict[Path, Path] = {}
    for path in sorted(paths, key=lambda path: (path.is_symlink(), path)):
        first = names.setdefault(path.resolve(), path)
        if first != path:
            left_out["there under another name"].append(path)
    return sorted(names.values())
