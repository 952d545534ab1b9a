"""How a BERT's pretraining reads a corpus: sentences and masking."""

from typing import Any

from keras_ctx import data, text
from keras_ctx.pretraining.options.bert import BertPretrainingOptions


def bert_text_options(
    options: BertPretrainingOptions,
    text_inputs: text.TextInputs,
    segmented: bool | None = None,
) -> dict[str, Any]:
    """Returns arguments of `data.bert_pretraining_dataset` for a text.

    Args:
        options: Uses the objective and the options of masking.
        text_inputs: See `bert_text_inputs`.
        segmented: Whether white space separates units in this text; `None`:
            as `options.segmented` says.

    Raises:
        FileNotFoundError: `lexicon` does not exist.
        ValueError: `lexicon` has no text.

    Example:
        >>> from pathlib import Path
        >>> tokens = text.character_vocabulary(["北京"])
        >>> found = bert_text_options(
        ...     BertPretrainingOptions(output=Path("runs/one"), segmented=True),
        ...     text.BertInputs(tokens, 16, split="character"))
        >>> found["separator"], found["length"]("北京 大学")
        (' ', 4)
    """
    if segmented is None:
        segmented = options.segmented
    by_character = text_inputs.split == "character"
    length = data.rough_length("character" if by_character else "wordpiece")
    if segmented and by_character:
        length = _visible_length
    lexicon = options.lexicon
    has_units = segmented or lexicon is not None
    return {
        "length": length,
        # Characters give no token for white space.
        "separator": "" if by_character and not segmented else " ",
        "objective": options.objective,
        "max_predictions": options.max_predictions,
        "masking_rate": options.masking_rate,
        "whole_word_masking": options.whole_word_masking,
        "segmented": segmented,
        "lexicon": None if lexicon is None else list(data.read_lines(lexicon)),
        # In the first stage of several there are no units.
        "masking_rule": options.masking_rule if has_units else "token",
    }


def _visible_length(line: str) -> int:
    return len("".join(line.split()))
