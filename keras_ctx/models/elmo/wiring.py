"""Wires the layers of ELMo encoders."""

import keras
from keras import ops

from keras_ctx import layers


def of_characters(max_characters, char_cnn, bilm, name):
    char_ids = keras.Input(
        (None, max_characters), dtype="int32", name="char_ids"
    )
    marked = layers.AddSentenceMarkers(max_characters, name="sentence_markers")(
        char_ids
    )
    return from_tokens(
        {"char_ids": char_ids},
        char_cnn(marked),
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(char_ids),
        bilm,
        name,
    )


def of_words(markers, embedding, bilm, name):
    word_ids = keras.Input((None,), dtype="int32", name="word_ids")
    marked = markers(word_ids)
    return from_tokens(
        {"word_ids": word_ids},
        embedding(marked),
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(word_ids),
        bilm,
        name,
    )


def of_characters_and_words(
    markers: layers.AddSentenceMarkers,
    char_cnn: layers.CharCNNHighway,
    words: tuple[layers.AddMarkerIds, layers.WordEmbedding, keras.layers.Dense]
    | None,
    bilm: layers.BiLM,
    name: str,
) -> keras.Model:
    """Builds the encoder of ELMoForManyLangs, of characters and word ids.

    The original concatenates the vectors of both and projects the result.
    Here each is projected, and the results are added, which is equal.
    """
    character_ids = keras.Input(
        (None, markers.max_characters), dtype="int32", name="character_ids"
    )
    marked = markers(character_ids)
    inputs = {"character_ids": character_ids}
    tokens = char_cnn(marked)
    if words is not None:
        word_markers, embedding, projection = words
        inputs["word_ids"] = keras.Input(
            (None,), dtype="int32", name="word_ids"
        )
        vectors = embedding(word_markers(inputs["word_ids"]))
        tokens = ops.add(tokens, projection(vectors))
    return from_tokens(
        inputs,
        tokens,
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(character_ids),
        bilm,
        name,
    )


def from_tokens(
    inputs: dict[str, keras.KerasTensor],
    tokens: keras.KerasTensor,
    marked_padding_mask: keras.KerasTensor,
    padding_mask: keras.KerasTensor,
    bilm: layers.BiLM,
    name: str,
) -> keras.Model:
    """Builds an encoder from the vectors of words between markers."""
    contextual = bilm(tokens, padding_mask=marked_padding_mask)
    outputs = [
        layers.StripSentenceMarkers(name=f"strip_{i}")(layer, padding_mask)
        for i, layer in enumerate(
            [ops.concatenate([tokens, tokens], axis=-1), *contextual]
        )
    ]
    pooled = layers.MaskedMean(name="pooler")(outputs[-1], padding_mask)
    return keras.Model(
        inputs,
        {
            "sequence": outputs[-1],
            "layers": outputs,
            "pooled": pooled,
            "padding_mask": padding_mask,
        },
        name=name,
    )
