"""Saves the files of a pretraining run, and prints its last lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_ctx.command_line import closing, export_command

import keras

from keras_ctx import models, text, training
from keras_ctx.pretraining.next_folder import next_folder
from keras_ctx.pretraining.options.shared import PretrainingOptions
from keras_ctx.pretraining.options.word_vectors import WordVectorOptions


def save_run(
    options: PretrainingOptions | WordVectorOptions,
    text_inputs: text.TextInputs,
    trained: Mapping[str, keras.Model],
    results: Mapping[str, Any],
) -> None:
    """Completes the run in `options.output`, for others to load.

    `results.json` is written after the models; checkpoints are removed last.

    Args:
        options: Options of the recipe.
        text_inputs: The text inputs of the encoder, for `text_inputs.json`.
        trained: Models by the names of their files, such as "encoder".
        results: Figures as JSON, for `results.json`.

    Example:
        >>> from pathlib import Path
        >>> Path("runs/one").mkdir(parents=True)
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> save_run(
        ...     PretrainingOptions(output=Path("runs/one")),
        ...     text.ElmoInputs(5), {"encoder": encoder}, {"loss": 0.5})
        >>> sorted(path.name for path in Path("runs/one").iterdir())
        ['encoder.keras', 'results.json', 'text_inputs.json']
    """
    output = options.output
    text.save_inputs(text_inputs, output / "text_inputs.json")
    for name, model in trained.items():
        training.save_model(model, output / f"{name}.keras")
    training.save_results(options, dict(results))
    training.remove_checkpoints(output)


def bare_model(model: keras.Model, dtype: str) -> keras.Model:
    """Returns a model to save: not compiled, and in float32.

    With the optimizer, the file would be three times as large.

    Args:
        model: A functional model.
        dtype: The dtype policy that it computes in.

    Example:
        >>> model = models.with_dtype(
        ...     models.bert_pretrainer(models.bert_tiny(100)), "mixed_bfloat16")
        >>> model.compile("adam")
        >>> bare = bare_model(model, "mixed_bfloat16")
        >>> bare.compiled, bare.output["masked_lm"].dtype
        (False, 'float32')
    """
    bare = keras.Model(model.input, model.output, name=model.name)
    return bare if dtype == "float32" else models.with_dtype(bare, "float32")


def close_run(
    options: PretrainingOptions,
    results: dict[str, Any],
    figures: Sequence[str],
    export_kind: str,
) -> dict[str, Any]:
    """Prints the figures, the folder of the run and the next command.

    The next command fine-tunes on the sample reviews after a run on the sample
    data; after a run on the user's own texts it exports the model.

    Args:
        options: Options of the recipe.
        results: Results of the run.
        figures: Names of the figures to print.
        export_kind: What the next command exports; see `export_command`.

    Returns:
        The results. Of several workers, only the first prints.

    Example:
        >>> from pathlib import Path
        >>> options = PretrainingOptions(output=Path("runs/one"))
        >>> _ = close_run(options, {"loss": 2.0}, ["loss"], "encoder")
        <BLANKLINE>
              training
        loss         2
        <BLANKLINE>
        Made:
          runs/one
        Next:
          ... --output runs/one_sentiment
    """
    if not training.is_chief():
        return results
    output = options.output
    if options.corpus is None and options.records is None:
        tuned = next_folder(output, "sentiment")
        words = ["finetune_classifier.py", "--init", output, "--output", tuned]
    else:
        words = export_command(output, export_kind)
    closing(figure_rows(results, figures), output, words)
    return results


def figure_rows(
    results: Mapping[str, Any], figures: Sequence[str]
) -> list[list[Any]]:
    """Returns the rows of a closing table: training and held-out figures.

    Columns and rows without a figure are left out.

    Args:
        results: Results of a run. Names of held-out figures begin with `val_`;
            they are in "before" for those before training, in the results
            themselves, and in "averaged" for the saved mean of the weights.
        figures: Names of the figures.

    Example:
        >>> figure_rows(
        ...     {"before": {"val_loss": 3.0}, "loss": 1.0, "val_loss": 2.0},
        ...     ["loss"])
        [['', 'training', 'held out, before', 'held out'],
         ['loss', 1.0, 3.0, 2.0]]
    """
    before = results.get("before", {})
    after = results.get("averaged", results)
    columns = {
        "training": [results.get(name) for name in figures],
        "held out, before": [before.get(f"val_{name}") for name in figures],
        "held out": [after.get(f"val_{name}") for name in figures],
    }
    there = {
        name: cells
        for name, cells in columns.items()
        if any(cell is not None for cell in cells)
    }
    rows = [
        [name, *cells]
        for name, *cells in zip(figures, *there.values(), strict=True)
        if any(cell is not None for cell in cells)
    ]
    return [["", *there], *rows]
