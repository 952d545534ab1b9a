"""Converts published checkpoints to and from the models of this library."""

from keras_ctx.extras import need

need(
    "`keras_ctx.convert` needs",
    "tensorflow",
    "tensorflow_text",
    "keras_hub",
    "safetensors",
)

from keras_ctx.convert.bert.load import load_bert
from keras_ctx.convert.bert.save import save_bert
from keras_ctx.convert.checkpoint_format import (
    CheckpointFormat,
    register_checkpoint_format,
)
from keras_ctx.convert.cove.from_vectors import mt_lstm_encoder_from
from keras_ctx.convert.cove.load import load_cove
from keras_ctx.convert.elmo.folder import ELMO
from keras_ctx.convert.elmo.load import (
    elmo_text_inputs,
    load_elmo,
    load_elmo_language_model,
)
from keras_ctx.convert.elmo.save import save_elmo
from keras_ctx.convert.elmo_for_many_langs.load import (
    MANY_LANGS,
    load_elmo_for_many_langs,
)
from keras_ctx.convert.from_folder import (
    load_encoder,
    load_pretrained,
    load_pretrainer,
    load_text_inputs,
)
from keras_ctx.convert.gpt.folder import GPT_FOLDER
from keras_ctx.convert.gpt.language_model import load_causal_language_model
from keras_ctx.convert.gpt.load import load_gpt
from keras_ctx.convert.gpt.save import save_gpt
from keras_ctx.convert.gpt.vocabulary import load_byte_pairs
from keras_ctx.convert.heads.load import TaskModel, load_task_model
from keras_ctx.convert.load_embedder import load_embedder
from keras_ctx.convert.marian.load import load_marian, marian_ids
from keras_ctx.convert.marian.save import save_marian
from keras_ctx.convert.sentences.prompts import prompt_notes, prompt_of
from keras_ctx.convert.sentences.save import save_embedder
from keras_ctx.convert.sentences.settings import (
    SentenceSettings,
    sentence_settings,
)
from keras_ctx.convert.tensor2tensor.load import load_tensor2tensor
from keras_ctx.convert.tokenizers.text_inputs_fit import check_text_inputs
from keras_ctx.convert.tokenizers.vocabulary import Vocabulary, vocabulary
from keras_ctx.convert.translator import LoadedTranslator, load_translator
from keras_ctx.convert.ulmfit.load import (
    load_awd_lstm,
    load_awd_lstm_language_model,
)
from keras_ctx.convert.ulmfit.vocabulary import remap_vocabulary
from keras_ctx.convert.word_vectors.encoder import word_vector_encoder_from
from keras_ctx.convert.word_vectors.load import load_word_vectors
from keras_ctx.convert.word_vectors.of_encoder import word_vectors_of
from keras_ctx.convert.word_vectors.save import save_word_vectors
from keras_ctx.convert.word_vectors.vectors import Subwords, WordVectors

for _row in (ELMO, MANY_LANGS, GPT_FOLDER):
    register_checkpoint_format(_row)

__all__ = [
    "CheckpointFormat",
    "LoadedTranslator",
    "SentenceSettings",
    "Subwords",
    "TaskModel",
    "Vocabulary",
    "WordVectors",
    "check_text_inputs",
    "elmo_text_inputs",
    "load_awd_lstm",
    "load_awd_lstm_language_model",
    "load_bert",
    "load_byte_pairs",
    "load_causal_language_model",
    "load_cove",
    "load_elmo",
    "load_elmo_for_many_langs",
    "load_elmo_language_model",
    "load_embedder",
    "load_encoder",
    "load_gpt",
    "load_marian",
    "load_pretrained",
    "load_pretrainer",
    "load_task_model",
    "load_tensor2tensor",
    "load_text_inputs",
    "load_translator",
    "load_word_vectors",
    "marian_ids",
    "mt_lstm_encoder_from",
    "prompt_notes",
    "prompt_of",
    "register_checkpoint_format",
    "remap_vocabulary",
    "save_bert",
    "save_elmo",
    "save_embedder",
    "save_gpt",
    "save_marian",
    "save_word_vectors",
    "sentence_settings",
    "vocabulary",
    "word_vector_encoder_from",
    "word_vectors_of",
]
