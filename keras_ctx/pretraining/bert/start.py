"""The BERT that a pretraining continues from."""

import keras

from keras_ctx import convert, models
from keras_ctx.pretraining.options.bert import BertPretrainingOptions


def load_bert_start(options: BertPretrainingOptions) -> keras.Model | None:
    """Loads the BERT of `init`, with its heads if it has them, or `None`.

    Args:
        options: Uses `init` and the length of a pair.

    Raises:
        FileNotFoundError, ValueError: See `convert.load_pretrained`; or pairs
            are longer than the encoder reads, or it does not suit the
            objective.

    Example:
        >>> import pathlib
        >>> encoder = models.bert_encoder(9, 1, 1, 4, 8, max_length=16)
        >>> models.bert_pretrainer(encoder).save("pretrainer.keras")
        >>> options = BertPretrainingOptions(
        ...     output=pathlib.Path("runs/one"), init=pathlib.Path("."),
        ...     pair_length=20)
        >>> load_bert_start(options)
        Traceback (most recent call last):
        ValueError: `pair_length` must be at most 16, ...
    """
    if options.init is None:
        return None
    model = convert.load_pretrained(options.init)
    positions = models.family_of(model).sizes(model)["positions"]
    if options.pair_tokens > positions:
        raise ValueError(
            f"`pair_length` must be at most {positions}, the positions of the "
            "encoder of `init`. Received: "
            f"pair_length={options.pair_tokens}"
        )
    _check_objective(options, model)
    return model


def _check_objective(
    options: BertPretrainingOptions, model: keras.Model
) -> None:
    causal = models.family_of(model).causal
    if causal != (options.objective == "left_to_right"):
        reads = "from left to right" if causal else "in both directions"
        raise ValueError(
            f"`objective` must suit the encoder of `init`, which reads {reads}:"
            f" {'' if causal else 'not '}left_to_right. "
            f"Received: objective={options.objective!r}"
        )
    if options.has_pairs and not model.output.keys() & {
        "next_sentence",
        "pooled",
    }:
        raise ValueError(
            "`objective` must be none for the encoder of `init`, which has no "
            "pooler and no next-sentence head: it was trained without text "
            f"pairs. Received: objective={options.objective!r}"
        )
