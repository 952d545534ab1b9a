"""Scores and saves a translator, and prints the last lines of its run."""

from collections.abc import Mapping
from typing import Any

from keras_ctx.command_line import closing

import keras

from keras_ctx import data, evaluation, generation, models, text, training
from keras_ctx.convert.translator import save_translator_inputs
from keras_ctx.files.whole_file import write_text
from keras_ctx.predictions.translator import Translator
from keras_ctx.pretraining.options.translation import TranslationOptions

FIGURES = ("token_loss", "val_token_loss", "val_token_perplexity", "bleu")


def save_translator(
    options: TranslationOptions,
    model: keras.Model,
    texts: Mapping[str, data.ParallelTexts],
    source_inputs: text.TextInputs,
    target_inputs: text.SentencePieceInputs,
    results: Mapping[str, Any],
) -> dict[str, Any]:
    """Translates the test text, and completes the run for others to load.

    `results.json` is written after the models; checkpoints are removed last.

    Args:
        options: Options of the recipe.
        model: The trained translator.
        texts: Pairs of texts by name; "test" is translated and scored.
        source_inputs: Text inputs of the encoder, for `text_inputs.json`.
        target_inputs: Text inputs of the decoder, for `target_inputs.json` if
            they are another object.
        results: Figures of the run, for `results.json`.

    Returns:
        The results, with BLEU.

    Example:
        >>> from pathlib import Path
        >>> inputs = text.SentencePieceInputs(
        ...     text.sentence_piece_model(["a cat sat"] * 9, 12))
        >>> options = TranslationOptions(
        ...     output=Path("runs/two"), train=(Path("a.en"), Path("a.de")))
        >>> Path("runs/two").mkdir(parents=True)
        >>> model = models.attentional_lstm_translator(
        ...     models.mt_lstm_encoder(12, 4, 3, subwords=True), 12)
        >>> save_translator(options, model, {}, inputs, inputs, {"loss": 1.0})
        {'loss': 1.0}
        >>> sorted(path.name for path in Path("runs/two").iterdir())
        ['encoder.keras', 'results.json', 'text_inputs.json', ...]
    """
    output, found = options.output, dict(results)
    # Without the optimizer.
    model = keras.Model(model.input, model.output, name=model.name)
    if "test" in texts:
        translate = Translator(
            *(model, source_inputs, target_inputs, target_inputs.begin_id),
            generation.BeamSearch(options.beams, options.length_penalty),
        )
        written = translate.best(texts["test"].sources)
        lines = "".join(f"{line}\n" for line in written)
        write_text(output / "translations.txt", lines)
        found |= evaluation.bleu(
            written, texts["test"].targets, options.bleu_tokenizer
        )
    save_translator_inputs(output, source_inputs, target_inputs)
    training.save_model(model, output / "translator.keras")
    training.save_model(models.encoder_of(model), output / "encoder.keras")
    training.save_results(options, found)
    training.remove_checkpoints(output)
    return found


def close_translator(
    options: TranslationOptions, results: dict[str, Any]
) -> dict[str, Any]:
    """Prints the figures, the folder of the run and the next command.

    Args:
        options: Options of the recipe.
        results: Results of the run.

    Returns:
        The results.

    Example:
        >>> from pathlib import Path
        >>> options = TranslationOptions(
        ...     output=Path("runs/one"), train=(Path("a.en"), Path("a.de")))
        >>> _ = close_translator(options, {"bleu": 30.0})
        <BLANKLINE>
        bleu
          30
        <BLANKLINE>
        Made:
          runs/one
        Next:
          ... --text 'A dog.'
    """
    names = [x for x in FIGURES if x in results]
    closing(
        [names, [results[x] for x in names]],
        options.output,
        ["translate.py", "--model", options.output, "--text", "A dog."],
    )
    return results
