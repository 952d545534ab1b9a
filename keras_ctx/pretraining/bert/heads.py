"""The heads of a BERT in pretraining, by its objective."""

from typing import Any

import keras

from keras_ctx import models, training
from keras_ctx.pretraining.options.bert import BertPretrainingOptions

_OF_PAIRS = ("masked_lm_loss", "masked_lm_accuracy", "next_sentence_accuracy")


def with_bert_heads(
    options: BertPretrainingOptions, model: keras.Model
) -> keras.Model:
    """Returns the encoder under the heads of the objective.

    Args:
        options: Uses `objective`.
        model: An encoder; or a model with heads, whose own are kept. Without
            text pairs it loses the head of the next sentence, and the pooler.

    Example:
        >>> from pathlib import Path
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), objective="none")
        >>> sorted(with_bert_heads(options, models.bert_tiny(9)).output)
        ['masked_lm']
    """
    has_pairs = options.has_pairs
    if not model.output.keys() & {"masked_lm", "next_token"}:
        if options.objective == "left_to_right":
            return models.bert_causal_pretrainer(model)
        return models.bert_pretrainer(model, next_sentence=has_pairs)
    if has_pairs or "next_sentence" not in model.output:
        return model
    outputs = {"masked_lm": model.output["masked_lm"]}
    return keras.Model(model.input, outputs, name=model.name)


def bert_figures(options: BertPretrainingOptions) -> tuple[str, ...]:
    """Returns the names of the figures of the table at the end.

    The loss of the tokens is first. Keras names it after its output only if
    there is another one.

    Args:
        options: Uses `objective`.

    Example:
        >>> from pathlib import Path
        >>> bert_figures(BertPretrainingOptions(
        ...     output=Path("runs/one"), objective="left_to_right"))
        ('loss', 'accuracy')
    """
    return _OF_PAIRS if options.has_pairs else ("loss", "accuracy")


def bert_losses(model: keras.Model) -> dict[str, Any]:
    """Returns the losses and metrics of a model with heads, for `compile`.

    Example:
        >>> model = models.bert_pretrainer(models.bert_tiny(9))
        >>> bert_losses(model)["weighted_metrics"]
        {'masked_lm': ['accuracy'], 'next_sentence': ['accuracy']}
    """
    losses = training.bert_pretraining_losses() | training.causal_losses()
    return {
        "loss": {name: losses[name] for name in model.output},
        "weighted_metrics": {name: ["accuracy"] for name in model.output},
    }
