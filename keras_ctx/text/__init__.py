"""Texts to model inputs, as TensorFlow ops: in `tf.data` and when served."""

from keras_ctx.text.bert_inputs import BertInputs
from keras_ctx.text.elmo_for_many_langs_inputs import ElmoForManyLangsInputs
from keras_ctx.text.elmo_inputs import ElmoInputs
from keras_ctx.text.literal_tokens import AddedToken
from keras_ctx.text.saved_inputs import load_inputs, save_inputs
from keras_ctx.text.unknown_texts import UnknownTexts, warn_unknown
from keras_ctx.text.vocabulary import (
    SPECIAL_TOKENS,
    WORD_SPECIAL_TOKENS,
    load_vocabulary,
    save_vocabulary,
)
from keras_ctx.text.vocabulary_from_texts import (
    bert_vocabulary,
    character_vocabulary,
    word_vocabulary,
    wordpiece_vocabulary,
)
from keras_ctx.text.word_inputs import WordInputs
from keras_ctx.text.word_places import WordPlaces

__all__ = [
    "SPECIAL_TOKENS",
    "WORD_SPECIAL_TOKENS",
    "AddedToken",
    "BertInputs",
    "ElmoForManyLangsInputs",
    "ElmoInputs",
    "UnknownTexts",
    "WordInputs",
    "WordPlaces",
    "bert_vocabulary",
    "character_vocabulary",
    "load_inputs",
    "load_vocabulary",
    "save_inputs",
    "save_vocabulary",
    "warn_unknown",
    "word_vocabulary",
    "wordpiece_vocabulary",
]
