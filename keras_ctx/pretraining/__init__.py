"""Shared parts of the pretraining recipes: options, texts, results.

A recipe creates a model and its batches and calls `model.fit`. This package
contains what all of them share: the options, the checks before anything is
written, the text inputs and words, the model that a run continues from,
held-out texts, and saving. It also converts a corpus to training records.
"""

from keras_ctx.extras import need

need(
    "`keras_ctx.pretraining` needs",
    "tensorflow",
    "tensorflow_text",
    "keras_hub",
    "safetensors",
    "tensorflow_serving",
)

from keras_ctx.pretraining.begin import (
    begin_bert,
    begin_elmo,
    begin_gpt,
    begin_ulmfit,
)
from keras_ctx.pretraining.bert.close import close_bert
from keras_ctx.pretraining.bert.heads import (
    bert_figures,
    bert_losses,
    with_bert_heads,
)
from keras_ctx.pretraining.bert.stages import in_stages
from keras_ctx.pretraining.bert.start import load_bert_start
from keras_ctx.pretraining.bert.text_inputs import (
    bert_text_inputs,
    pair_text_inputs,
    warn_unknown_tokens,
)
from keras_ctx.pretraining.bert.text_options import bert_text_options
from keras_ctx.pretraining.callbacks import batch_names, run_callbacks
from keras_ctx.pretraining.corpus.record_inputs import save_record_inputs
from keras_ctx.pretraining.corpus.shard_writer import ShardWriter
from keras_ctx.pretraining.elmo.start import load_elmo_start
from keras_ctx.pretraining.elmo.words import (
    line_splitter,
    predicted_words,
    warm_start_batches,
)
from keras_ctx.pretraining.gpt.text_inputs import (
    corpus_tokens,
    gpt_text_inputs,
)
from keras_ctx.pretraining.held_out import measure, sentence_batches
from keras_ctx.pretraining.next_folder import next_folder
from keras_ctx.pretraining.options.bert import BertPretrainingOptions
from keras_ctx.pretraining.options.corpus import CorpusOptions
from keras_ctx.pretraining.options.cove import CovePretrainingOptions
from keras_ctx.pretraining.options.elmo import ElmoPretrainingOptions
from keras_ctx.pretraining.options.gpt import GPTPretrainingOptions
from keras_ctx.pretraining.options.shared import PretrainingOptions
from keras_ctx.pretraining.options.translation import (
    TransformerTranslationOptions,
    TranslationOptions,
)
from keras_ctx.pretraining.options.ulmfit import ULMFiTPretrainingOptions
from keras_ctx.pretraining.options.word_vectors import WordVectorOptions
from keras_ctx.pretraining.results import (
    bare_model,
    close_run,
    figure_rows,
    save_run,
)
from keras_ctx.pretraining.translation.begin import (
    begin_translator,
    translator_batches,
)
from keras_ctx.pretraining.translation.cove_start import (
    cove_start,
    cove_vectors,
)
from keras_ctx.pretraining.translation.results import (
    close_translator,
    save_translator,
)
from keras_ctx.pretraining.ulmfit.start import (
    continued_language_model,
    ulmfit_text_inputs,
    ulmfit_tokens,
    with_drop_mult,
)
from keras_ctx.pretraining.word_vectors.words import (
    NUMBERS,
    check_word_counts,
    steps_of_pass,
    subwords_of,
    word_numbers,
)

__all__ = [
    "BertPretrainingOptions",
    "CorpusOptions",
    "CovePretrainingOptions",
    "ElmoPretrainingOptions",
    "GPTPretrainingOptions",
    "PretrainingOptions",
    "ShardWriter",
    "NUMBERS",
    "TransformerTranslationOptions",
    "TranslationOptions",
    "ULMFiTPretrainingOptions",
    "WordVectorOptions",
    "check_word_counts",
    "steps_of_pass",
    "subwords_of",
    "translator_batches",
    "word_numbers",
    "batch_names",
    "bare_model",
    "begin_bert",
    "begin_elmo",
    "begin_gpt",
    "begin_translator",
    "begin_ulmfit",
    "bert_figures",
    "bert_losses",
    "bert_text_inputs",
    "bert_text_options",
    "close_bert",
    "close_run",
    "close_translator",
    "continued_language_model",
    "corpus_tokens",
    "cove_start",
    "cove_vectors",
    "figure_rows",
    "gpt_text_inputs",
    "in_stages",
    "line_splitter",
    "load_bert_start",
    "load_elmo_start",
    "measure",
    "next_folder",
    "pair_text_inputs",
    "predicted_words",
    "run_callbacks",
    "save_record_inputs",
    "save_run",
    "save_translator",
    "sentence_batches",
    "ulmfit_text_inputs",
    "ulmfit_tokens",
    "warm_start_batches",
    "warn_unknown_tokens",
    "with_bert_heads",
    "with_drop_mult",
]
