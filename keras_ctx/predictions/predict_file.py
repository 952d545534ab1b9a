"""Predicts a file with a fine-tuned run; writes the whole output or none."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from keras_ctx.data import read_propositions, read_squad
from keras_ctx.data.readers.compressed import compressed_ending, open_file
from keras_ctx.data.tags.json_tags import is_json
from keras_ctx.files.json_text import load_json
from keras_ctx.files.whole_file import whole_file
from keras_ctx.predictions.answer_lines import answer_lines
from keras_ctx.predictions.model_rows import ModelRows, compiled
from keras_ctx.predictions.role_lines import role_lines
from keras_ctx.predictions.run_task import (
    LABELS,
    MODEL,
    SETTINGS,
    TASK,
    TEXT_INPUTS,
    RunTask,
    read_task,
)
from keras_ctx.predictions.tagged_lines import tagged_lines, words_of
from keras_ctx.predictions.text_lines import text_file, text_lines

STDIN = "-"


def predict_file(
    run: str | Path | RunTask,
    path: str | Path,
    output: str | Path | None = None,
    *,
    columns: Sequence[str] | None = None,
    lines: bool = False,
    batch_size: int = 32,
    verbose: bool = False,
    encoding: str | None = None,
) -> int:
    r"""Writes the prediction of a run for each line of a file, in order.

    Args:
        run: Folder of the run, see `read_task`; or what `read_task` returned,
            to load a model once for several files.
        path: The file, in the format of the training files, without labels. It
            may be compressed. "-" is standard input, which is read as JSON
            lines if its first line is an object.
        output: The file to write, compressed if its name ends in `.gz`, `.bz2`,
            `.xz` or `.zst`. Defaults to standard output.
        columns: Columns of the texts; see `text_file`.
        lines: Whether every line is a text; see `text_file`.
        batch_size: Examples per batch.
        verbose: Whether to show the number of lines while writing.
        encoding: Encoding of texts and words, such as "latin-1". Defaults to
            that of the training files.

    Returns:
        The number of lines written.

    Raises:
        FileNotFoundError: The folder or the file does not exist.
        ValueError: The run or the file cannot be read, or `output` is the file
            itself, a file of the run, or a folder. No output is written.
        OSError: `output` cannot be written.

    Example:
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> models.classifier(encoder, 2).save("model.keras")
        >>> text.save_inputs(
        ...     text.ElmoInputs(max_characters=5), "text_inputs.json")
        >>> text.save_vocabulary(["bad", "good"], "labels.txt")
        >>> _ = Path("texts.txt").write_text("good\n\nnot bad\n")
        >>> predict_file(".", "texts.txt", "predictions.tsv")
        3
        >>> Path("predictions.tsv").read_text().splitlines()[1]
        ''
    """
    _check_output(None if isinstance(run, RunTask) else run, path, output)
    task = run if isinstance(run, RunTask) else read_task(run)
    if task.kind not in ("classification", "multi_label", "regression"):
        if columns is not None or lines:
            raise ValueError(
                "`columns` and `lines` are for texts. Received: a model for "
                f"{task.kind}"
            )
    if encoding is not None and task.kind in (
        "question_answering",
        "semantic_roles",
    ):
        raise ValueError(
            "`encoding` is for texts and words; questions and semantic roles "
            "are read in UTF-8. Convert the file. Received: "
            f"encoding={encoding!r}, a model for {task.kind}"
        )
    if encoding is not None and task.kind == "tagging":
        if is_json(path):
            raise ValueError(
                "`encoding` is for columns: JSON is UTF-8. Convert the file. "
                f"Received: encoding={encoding!r}, {path}"
            )
        layout = {"encoding": encoding}
        if "words" not in task.settings.get("layout", {}):
            layout = {**task.settings.get("layout", {}), **layout}
        task = replace(task, settings={**task.settings, "layout": layout})
    elif encoding is not None:
        table = {**task.settings.get("table", {}), "encoding": encoding}
        task = replace(task, settings={**task.settings, "table": table})
    with _on_disk(path, task) as there:
        written = _lines(task, there, columns, lines, batch_size)
        if output is None:
            return sum(print(line) is None for line in written)
        return _write(written, Path(output), verbose)


def check_file(path: str | Path | None, settings: Mapping[str, Any]) -> None:
    """Checks a whole file to predict, before a model is trained for it.

    Args:
        path: The file; `None` means no file.
        settings: Settings of the run, as in `task.json`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file cannot be read; the message names the line.

    Example:
        >>> _ = Path("a.tsv").write_text("a\\tb\\nc\\n")
        >>> check_file("a.tsv", {"task": "regression"})
        Traceback (most recent call last):
        ValueError: a.tsv, line 2: a row must have 2 columns separated by ...
    """
    if path is None:
        return
    task = RunTask(settings["task"], None, None, (), dict(settings))
    if task.kind == "question_answering":
        read_squad(path)
        return
    if task.kind == "semantic_roles":
        read_propositions(path)
        return
    read = words_of(task, path)[1] if task.kind == "tagging" else None
    # Read to the end, one example at a time.
    for _ in text_file(task, path).items() if read is None else read:
        pass


def predict_into(folder: str | Path, path: str | Path | None) -> Path | None:
    """Writes `folder/predicted.*`, as the fine-tuning recipes do at the end.

    Args:
        run: Folder of the run, see `read_task`; or what `read_task` returned,
            to load a model once for several files.
        path: The file to predict; with `None`, nothing is done.

    Returns:
        The path written: `predicted.tsv` for texts, `.conll` for words, `.json`
        for questions, `.jsonl` for semantic roles.

    Raises:
        FileNotFoundError, ValueError: See `predict_file`.

    Example:
        >>> predict_into(".", None)
    """
    if path is None:
        return None
    endings = {
        "tagging": "conll",
        "question_answering": "json",
        "semantic_roles": "jsonl",
    }
    kind = read_task(folder).kind
    output = Path(folder) / f"predicted.{endings.get(kind, 'tsv')}"
    predict_file(folder, path, output, verbose=True)
    return output


def _check_output(
    folder: str | Path | None, path: str | Path, output: str | Path | None
) -> None:
    """Refuses an output that cannot be written or would replace an input."""
    if output is None:
        return
    output = Path(output)
    read = [MODEL, TEXT_INPUTS, LABELS, TASK, SETTINGS, "results.json"]
    files = [] if folder is None else [Path(folder) / name for name in read]
    if str(path) != STDIN:
        files.append(Path(path))
    for file in files:
        if output.exists() and file.exists() and output.samefile(file):
            raise ValueError(
                "`output` must differ from all files that are read: it "
                f"would replace {file}. Received: output={str(output)!r}"
            )
    if output.is_dir():
        raise ValueError(
            "`output` must name a file. Received: a folder, "
            f"output={str(output)!r}"
        )
    if str(path) != STDIN and not Path(path).is_file():
        return  # the reader will raise the error
    output.parent.mkdir(parents=True, exist_ok=True)
    # Finds out now, not after prediction, whether `output` can be written.
    with tempfile.TemporaryFile(dir=output.parent):
        pass


def _lines(
    task: RunTask,
    path: Path,
    columns: Sequence[str] | None,
    lines: bool,
    batch_size: int,
) -> Iterator[str]:
    if task.kind == "question_answering":
        return answer_lines(task, path, compiled(task.model), batch_size)
    if task.kind == "semantic_roles":
        return role_lines(task, path, batch_size)
    rows = ModelRows(task.model, task.text_inputs, batch_size)
    if task.kind == "tagging":
        return _and_unknown(tagged_lines(task, rows, path), rows, path)
    file = text_file(task, path, columns, lines)
    if columns is None and (note := file.note()):
        print(note, file=sys.stderr)
    return _and_unknown(text_lines(task, rows, file.items()), rows, path)


def _and_unknown(
    lines: Iterator[str], rows: ModelRows, path: Path
) -> Iterator[str]:
    """Yields the lines, then prints how many texts are mostly unknown."""
    yield from lines
    if message := rows.unknown.message(str(path)):
        print(message, file=sys.stderr)


@contextlib.contextmanager
def _on_disk(path: str | Path, task: RunTask) -> Iterator[Path]:
    """Yields the file; standard input is first saved, to be read twice."""
    if str(path) != STDIN:
        yield Path(path)
        return
    head = b""
    for head_line in sys.stdin.buffer:
        head += head_line
        if head_line.strip():
            break
    suffix = ".jsonl" if _is_object(head) else ".txt"
    if task.kind == "question_answering":
        suffix = ".json"
    with tempfile.NamedTemporaryFile(
        prefix="standard_input_", suffix=suffix
    ) as file:
        file.write(head)
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name)


def _is_object(line: bytes) -> bool:
    """Returns whether a line is a JSON object: standard input has no name."""
    try:
        return isinstance(load_json(line.decode("utf-8-sig")), dict)
    except ValueError:
        return False


def _write(lines: Iterable[str], output: Path, verbose: bool) -> int:
    output.parent.mkdir(parents=True, exist_ok=True)
    bar = keras.utils.Progbar(None, verbose=int(verbose), unit_name="line")
    number = 0
    with whole_file(output) as temporary:
        with open_file(
            temporary,
            "wt",
            compressed_ending(output),
            encoding="utf-8",
            newline="\n",
        ) as file:
            for number, line in enumerate(lines, 1):
                file.write(f"{line}\n")
                bar.update(number)
    bar.update(number, finalize=True)
    return number
