"""Turns texts into model inputs, with ops for `tf.data` and serving."""

from keras_ctx.extras import need

need(
    "`keras_ctx.text` needs",
    *("tensorflow", "tensorflow_text", "keras_hub", "tokenizers"),
    "sentencepiece",
)

from keras_ctx.text.inputs.base import TextInputs, register_text_inputs
from keras_ctx.text.inputs.bert import BertInputs
from keras_ctx.text.inputs.context import ContextInputs
from keras_ctx.text.inputs.elmo import ElmoInputs
from keras_ctx.text.inputs.elmo_for_many_langs import ElmoForManyLangsInputs
from keras_ctx.text.inputs.gpt import GPTInputs
from keras_ctx.text.inputs.gpt1 import GPT1Inputs
from keras_ctx.text.inputs.saving import (
    inputs_config,
    inputs_from_config,
    load_inputs,
    save_inputs,
)
from keras_ctx.text.inputs.sentence_pieces import SentencePieceInputs
from keras_ctx.text.inputs.subwords import SubwordInputs
from keras_ctx.text.inputs.ulmfit import ULMFiTInputs
from keras_ctx.text.inputs.unknown_texts import UnknownTexts, warn_unknown
from keras_ctx.text.inputs.word_level import WordLevelInputs
from keras_ctx.text.inputs.word_vectors import WordVectorInputs
from keras_ctx.text.inputs.words import WordInputs
from keras_ctx.text.tokenize.byte_pairs import byte_letters
from keras_ctx.text.tokenize.word_places import WordPlaces
from keras_ctx.text.vocabulary.file import (
    SPECIAL_TOKENS,
    WORD_SPECIAL_TOKENS,
    load_vocabulary,
    save_vocabulary,
)
from keras_ctx.text.vocabulary.learn import (
    bert_vocabulary,
    character_vocabulary,
    word_counts,
    word_vocabulary,
    wordpiece_vocabulary,
)
from keras_ctx.text.vocabulary.learn_byte_pairs import byte_pair_vocabulary
from keras_ctx.text.vocabulary.learn_sentence_pieces import (
    sentence_piece_model,
)
from keras_ctx.text.vocabulary.learn_ulmfit import ulmfit_vocabulary
from keras_ctx.text.vocabulary.literal_tokens import AddedToken

__all__ = [
    "SPECIAL_TOKENS",
    "WORD_SPECIAL_TOKENS",
    "AddedToken",
    "BertInputs",
    "ContextInputs",
    "ElmoForManyLangsInputs",
    "ElmoInputs",
    "GPT1Inputs",
    "GPTInputs",
    "SentencePieceInputs",
    "SubwordInputs",
    "TextInputs",
    "ULMFiTInputs",
    "UnknownTexts",
    "WordInputs",
    "WordLevelInputs",
    "WordPlaces",
    "WordVectorInputs",
    "bert_vocabulary",
    "byte_letters",
    "byte_pair_vocabulary",
    "character_vocabulary",
    "inputs_config",
    "inputs_from_config",
    "load_inputs",
    "load_vocabulary",
    "register_text_inputs",
    "save_inputs",
    "save_vocabulary",
    "sentence_piece_model",
    "ulmfit_vocabulary",
    "warn_unknown",
    "word_counts",
    "word_vocabulary",
    "wordpiece_vocabulary",
]
