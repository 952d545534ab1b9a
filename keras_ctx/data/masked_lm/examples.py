"""Masked examples for BERT's pretraining from the ids of text pairs."""

from collections.abc import Callable

import tensorflow as tf

from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.language_model.next_tokens import next_tokens
from keras_ctx.data.masked_lm.masking import masked_lm_examples
from keras_ctx.data.masked_lm.unit_draw import MaskingRule
from keras_ctx.data.text_inputs import TextInputs


def masked_pairs(
    text_inputs: TextInputs,
    *,
    max_predictions: int,
    masking_rate: float,
    whole_word_masking: bool,
    masking_rule: MaskingRule = "token",
    next_sentence: bool = True,
) -> Callable:
    """Returns a function that masks a batch.

    The function takes seed, features, `is_next` and, for units, the `unit_ids`
    of `masked_lm_examples`, and returns `(features, targets, weights)`, as
    described at `bert_pretraining_dataset`; without `next_sentence` not this
    target.
    """
    if text_inputs.mask_id is None:
        raise ValueError(
            "`text_inputs` must have a mask token, such as BERT's [MASK]. "
            f"Received: {type(text_inputs).__name__} without one"
        )
    suffix_ids = _suffix_ids(text_inputs) if whole_word_masking else None

    def examples(step_seed, features, is_next, unit_ids=None):
        features, masked_ids, masked_weights = masked_lm_examples(
            features,
            step_seed,
            mask_id=text_inputs.mask_id,
            special_ids=text_inputs.special_ids,
            vocabulary_size=text_inputs.vocabulary_size,
            max_predictions=max_predictions,
            masking_rate=masking_rate,
            suffix_ids=suffix_ids,
            unit_ids=unit_ids,
            masking_rule=masking_rule,
        )
        targets = {"masked_lm": masked_ids}
        weights = {"masked_lm": normalize_weights(masked_weights)}
        if next_sentence:
            targets["next_sentence"] = is_next
            weights["next_sentence"] = normalize_weights(tf.ones_like(is_next))
        return features, targets, weights

    return examples


def left_to_right_examples(step_seed, features, is_next) -> tuple:
    """Returns a batch whose targets are the next tokens, for any seed."""
    del step_seed, is_next
    token_ids, counted = next_tokens(features)
    weights = {"next_token": normalize_weights(counted)}
    return features, {"next_token": token_ids}, weights


def _suffix_ids(text_inputs: TextInputs) -> list[int]:
    """Returns the ids of pieces that continue a word."""
    found = [
        number
        for number, token in enumerate(text_inputs.vocabulary or ())
        if token.startswith("##")
    ]
    if not found:
        raise ValueError(
            "`whole_word_masking` needs a vocabulary that marks the pieces "
            "that continue a word with ##, as WordPiece does. Leave it out "
            "if tokens are characters. Received: "
            f"{text_inputs.vocabulary_size} tokens, none with ##"
        )
    return found
