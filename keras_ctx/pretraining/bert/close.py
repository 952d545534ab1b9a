"""The last lines of a BERT's pretraining."""

from typing import Any

from keras_ctx.pretraining.bert.heads import bert_figures
from keras_ctx.pretraining.options.bert import BertPretrainingOptions
from keras_ctx.pretraining.results import close_run


def close_bert(
    options: BertPretrainingOptions, results: dict[str, Any]
) -> dict[str, Any]:
    """Prints the figures of the objective, the folder and the next command.

    Args:
        options: Options of the recipe.
        results: Results of the run.

    Returns:
        The results; see `close_run`.

    Example:
        >>> from pathlib import Path
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), objective="none")
        >>> _ = close_bert(options, {"loss": 2.0})
        <BLANKLINE>
              training
        loss         2
        <BLANKLINE>
        Made:
          runs/one
        Next:
          ... --output runs/one_sentiment
    """
    masks = options.objective != "left_to_right"
    kind = "fill_mask" if masks else "encoder"
    return close_run(options, results, bert_figures(options), kind)
