"""Fine-tuning of few weights: low-rank updates of an encoder's matrices."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_positive


def enable_lora(
    model: keras.Model,
    rank: int,
    lora_alpha: float | None = None,
    embeddings: bool = False,
) -> None:
    """Train low-rank updates of a BERT's blocks instead of their weights.

    In every block the matrices of the attention (query, key, value, output)
    and of the feed-forward half each get an update `A B` of `rank`; they
    themselves, their biases, the norms and the embeddings no longer learn.
    What is not a part of the encoder's stack (the pooler, the head, a
    mixture, LSTMs, a CRF) is trained in full, as before.

    The model is changed in place, and computes the same as before until it is
    trained. Call it before `compile`. `model.save` keeps A and B beside the
    weights, and a loaded model trains them further; `clone_model`,
    `keras_ctx.training.layer_rates` and `keras_ctx.serving.export` work as
    without. Quantize last: what `model.quantize` turns to integers, Keras
    trains no further, and an optimizer saved before does not fit afterwards.

    Args:
        model: A `bert_encoder`, or a model of `keras_ctx.models` with one
            in it: a classifier, tagger, span extractor, embedder, pretrainer.
        rank: Columns of A and rows of B; 8 is usual.
        lora_alpha: The updates are multiplied by `lora_alpha / rank`;
            `None`: by 1.
        embeddings: Whether the token table gets an update, too.

    Raises:
        ValueError: `rank` or `lora_alpha` is not positive; the model has no
            Transformer block, as an ELMo; its encoder is frozen, or has LoRA
            already. Nothing is changed then.

    Example:
        >>> from keras_ctx.models import bert_tiny, classifier
        >>> model = classifier(bert_tiny(100), 3)
        >>> sum(w.value.shape.num_elements() for w in model.trainable_weights)
        492291
        >>> enable_lora(model, rank=4)
        >>> sum(w.value.shape.num_elements() for w in model.trainable_weights)
        36867

    Source:
        Hu et al. 2022, https://arxiv.org/abs/2106.09685; there the query and
        value matrices only. All matrices: Dettmers et al. 2023, section 4,
        https://arxiv.org/abs/2305.14314.
    """
    check_at_least(1, rank=rank)
    check_positive(lora_alpha=lora_alpha)
    found = list(_stack(model))
    blocks = [x for x in found if isinstance(x, layers.TransformerEncoderBlock)]
    if not blocks:
        raise ValueError(
            "`model` must have the blocks of a BERT encoder, which LoRA "
            "updates. Train an ELMo as a whole, or its head alone "
            f"(`frozen=True`). Received: {model.name!r}"
        )
    for layer in blocks:
        if layer.lora_rank is not None:
            raise ValueError(
                "`model` must have no LoRA yet: `models.merge_lora` gives an "
                "encoder that has its updates in its matrices. "
                f"Received: {layer.name!r} with rank {layer.lora_rank}"
            )
    for layer in found:
        if not layer.trainable:
            raise ValueError(
                "`model` must have an encoder that is trained: LoRA freezes "
                "its weights itself. Build it without `frozen=True`. "
                f"Received: {layer.name!r} with trainable=False"
            )
    for layer in found:
        if layer in blocks or (
            embeddings and isinstance(layer, layers.TokenAndSegmentEmbedding)
        ):
            layer.enable_lora(rank, lora_alpha)
        else:
            layer.trainable = False


def _stack(model: Any):
    """The layers of the encoder that LoRA updates or freezes."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _stack(layer)
        elif (
            isinstance(
                layer,
                (
                    layers.TokenAndSegmentEmbedding,
                    layers.TransformerEncoderBlock,
                ),
            )
            or layer.name == "final_norm"
        ):
            yield layer
