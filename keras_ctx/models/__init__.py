"""Encoders, language models and task models, wired from the layers."""

from keras_ctx.models.bert.attention_scores import attention_scores
from keras_ctx.models.bert.causal_pretrainer import bert_causal_pretrainer
from keras_ctx.models.bert.encoder import bert_encoder
from keras_ctx.models.bert.family import BERT, BERT_CAUSAL, BERT_PACKED
from keras_ctx.models.bert.packed import packed
from keras_ctx.models.bert.pretrainer import bert_pretrainer
from keras_ctx.models.bert.sizes import (
    bert_base,
    bert_large,
    bert_medium,
    bert_mini,
    bert_small,
    bert_tiny,
)
from keras_ctx.models.cove.encoder import mt_lstm_encoder
from keras_ctx.models.cove.family import COVE, COVE_SUBWORDS
from keras_ctx.models.cove.translator import attentional_lstm_translator
from keras_ctx.models.elmo.encoder import elmo_encoder, elmo_word_encoder
from keras_ctx.models.elmo.family import ROWS as ELMO_ROWS
from keras_ctx.models.elmo.for_many_langs import elmo_for_many_langs
from keras_ctx.models.elmo.language_model import (
    elmo_language_model,
    elmo_stream_model,
)
from keras_ctx.models.elmo.sizes import elmo_medium, elmo_original, elmo_small
from keras_ctx.models.elmo.views import (
    distinct_words,
    from_word_vectors,
    with_markers,
)
from keras_ctx.models.elmo.warm_start import warm_start
from keras_ctx.models.enable_gradient_checkpointing import (
    enable_gradient_checkpointing,
)
from keras_ctx.models.enable_lora import enable_lora
from keras_ctx.models.encoder_of import encoder_of
from keras_ctx.models.family import Family, family_of, register_family
from keras_ctx.models.gpt.encoder import gpt_encoder
from keras_ctx.models.gpt.family import GPT
from keras_ctx.models.gpt.language_model import causal_language_model
from keras_ctx.models.gpt.sizes import (
    gpt1,
    gpt2_large,
    gpt2_medium,
    gpt2_mini,
    gpt2_small,
    gpt2_xl,
)
from keras_ctx.models.heads.classifier import (
    classifier,
    without_language_model,
)
from keras_ctx.models.heads.embedder import embedder
from keras_ctx.models.heads.semantic_roles import semantic_roles
from keras_ctx.models.heads.siamese_embedder import siamese_embedder
from keras_ctx.models.heads.span_extractor import span_extractor
from keras_ctx.models.heads.tagger import tagger
from keras_ctx.models.merge_lora import merge_lora
from keras_ctx.models.recurrent.encoder import recurrent_encoder
from keras_ctx.models.recurrent.family import RECURRENT_ROWS
from keras_ctx.models.recurrent.views import (
    context_vectors,
    from_context_vectors,
)
from keras_ctx.models.transformer.cross_attention_scores import (
    cross_attention_scores,
)
from keras_ctx.models.transformer.encoder import transformer_encoder
from keras_ctx.models.transformer.encoder_decoder import encoder_decoder
from keras_ctx.models.transformer.family import TRANSFORMER
from keras_ctx.models.ulmfit.documents import (
    AWD_LSTM_DOCUMENTS,
    awd_lstm_document_encoder,
)
from keras_ctx.models.ulmfit.dropout import awd_lstm_with_dropout
from keras_ctx.models.ulmfit.encoder import awd_lstm_encoder
from keras_ctx.models.ulmfit.family import AWD_LSTM
from keras_ctx.models.ulmfit.language_model import (
    awd_lstm_language_model,
    awd_lstm_stream_model,
)
from keras_ctx.models.with_dtype import with_dtype
from keras_ctx.models.word_vectors.encoder import word_vector_encoder
from keras_ctx.models.word_vectors.family import WORD_VECTORS
from keras_ctx.models.word_vectors.trainer import word_vector_trainer

# A translator has causal blocks, too: the last that fits is taken.
_ROWS = (
    *(BERT_CAUSAL, BERT, BERT_PACKED, GPT, TRANSFORMER, *ELMO_ROWS),
    *(WORD_VECTORS, AWD_LSTM, AWD_LSTM_DOCUMENTS, COVE, COVE_SUBWORDS),
    *RECURRENT_ROWS,
)
for _row in _ROWS:
    register_family(_row)

__all__ = [
    "Family",
    "attention_scores",
    "attentional_lstm_translator",
    "awd_lstm_document_encoder",
    "awd_lstm_encoder",
    "awd_lstm_language_model",
    "awd_lstm_stream_model",
    "awd_lstm_with_dropout",
    "bert_base",
    "bert_causal_pretrainer",
    "bert_encoder",
    "bert_large",
    "bert_medium",
    "bert_mini",
    "bert_pretrainer",
    "bert_small",
    "bert_tiny",
    "causal_language_model",
    "classifier",
    "context_vectors",
    "cross_attention_scores",
    "distinct_words",
    "elmo_encoder",
    "elmo_for_many_langs",
    "elmo_language_model",
    "elmo_medium",
    "elmo_original",
    "elmo_small",
    "elmo_stream_model",
    "elmo_word_encoder",
    "embedder",
    "enable_gradient_checkpointing",
    "enable_lora",
    "encoder_decoder",
    "encoder_of",
    "family_of",
    "from_context_vectors",
    "from_word_vectors",
    "gpt1",
    "gpt2_large",
    "gpt2_medium",
    "gpt2_mini",
    "gpt2_small",
    "gpt2_xl",
    "gpt_encoder",
    "merge_lora",
    "mt_lstm_encoder",
    "packed",
    "recurrent_encoder",
    "register_family",
    "siamese_embedder",
    "semantic_roles",
    "span_extractor",
    "tagger",
    "transformer_encoder",
    "warm_start",
    "with_dtype",
    "with_markers",
    "without_language_model",
    "word_vector_encoder",
    "word_vector_trainer",
]
