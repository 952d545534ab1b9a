"""Files of a folder that are a corpus; all others are named."""

import os
from pathlib import Path

import pytest

from keras_ctx.data import left_out_lines, text_files


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")


def names(folder: Path, left_out: dict | None = None) -> list[str]:
    found = text_files([folder], left_out)
    return [str(path.relative_to(folder)) for path in found]


def test_hidden_files_are_left_out_and_named(tmp_path: Path) -> None:
    folder = tmp_path / ".data"  # the folder itself may be hidden
    make(
        folder,
        "a.txt",
        "._a.txt",
        ".hidden.txt",
        ".ipynb_checkpoints/a.txt",
        "__MACOSX/a.txt",
        "b/.DS_Store",
    )
    left_out: dict = {}
    assert names(folder, left_out) == ["a.txt"]
    hidden = [str(path.relative_to(folder)) for path in left_out["hidden"]]
    assert sorted(hidden) == [
        "._a.txt",
        ".hidden.txt",
        ".ipynb_checkpoints",
        "__MACOSX",
        "b/.DS_Store",
    ]
    # A hidden file that is given itself is read.
    assert text_files([folder / ".hidden.txt"]) == [folder / ".hidden.txt"]


def test_types_in_any_case_and_compressed(tmp_path: Path) -> None:
    read = ["A.TXT", "b.txt.bz2", "c.txt.xz", "d.txt.zst", "e.Txt.GZ"]
    others = ["f.csv.gz", "g.tar.gz", "h.pdf", "wiki_00", "txt"]
    make(tmp_path, *read, *others)
    left_out: dict = {}
    assert names(tmp_path, left_out) == read
    ((why, paths),) = left_out.items()
    assert why.startswith("does not end in .txt")
    assert [path.name for path in paths] == sorted(others)


def test_links_are_followed_once_and_without_end(tmp_path: Path) -> None:
    folder = tmp_path / "news"
    make(folder, "z/own.txt")
    make(tmp_path / "elsewhere", "far.txt")
    os.symlink(tmp_path / "elsewhere", folder / "b_linked")
    os.symlink(tmp_path / "elsewhere/far.txt", folder / "a_far.txt")
    os.symlink(folder / "z", folder / "a_z")  # sorts before its target
    os.symlink(folder, folder / "z/loop")
    os.symlink(folder / "z/own.txt", folder / "z/again.txt")
    os.symlink(tmp_path / "nowhere", folder / "gone.txt")
    os.symlink(folder / "self", folder / "self")
    left_out: dict = {}
    assert names(folder, left_out) == ["b_linked/far.txt", "z/own.txt"]
    found = {
        why: sorted(str(path.relative_to(folder)) for path in paths)
        for why, paths in left_out.items()
    }
    assert found == {
        "there under another name": [
            "a_far.txt",
            "a_z",
            "z/again.txt",
            "z/loop",
        ],
        "a link to nothing": ["gone.txt", "self"],
    }


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    left_out: dict = {}
    assert names(tmp_path, left_out) == ["a.txt"]
    assert left_out == {"no file": [tmp_path / "b.txt"]}


def test_a_folder_without_texts_says_what_it_holds(tmp_path: Path) -> None:
    make(tmp_path, *(f"AA/wiki_{k:02}" for k in range(7)), ".x.txt")
    with pytest.raises(
        FileNotFoundError,
        match=r"end in .txt, .* hidden: \S+.x.txt\. .*wiki_04, and 2 more\.",
    ):
        text_files([tmp_path])


def test_sentences_name_five() -> None:
    lines = left_out_lines({"hidden": [Path(f"a{k}") for k in range(1006)]})
    assert lines == ["Not read, hidden: a0, a1, a2, a3, a4, and 1,001 more."]
