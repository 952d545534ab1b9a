"""Shared parts of the fine-tuning recipes: options, models, results.

A recipe reads its files, creates a model and calls `model.fit`. This package
contains what all of them share: the options, loading an encoder, the checks
before anything is written, the optimizer, the scores of a trained model, and
saving.
"""

from keras_ctx.extras import need

need(
    "`keras_ctx.fine_tuning` needs",
    "tensorflow",
    "tensorflow_text",
    "keras_hub",
    "safetensors",
    "tensorflow_serving",
)

from keras_ctx.fine_tuning.begin import begin
from keras_ctx.fine_tuning.best_epoch import best_epoch
from keras_ctx.fine_tuning.compiled_model import compile_model
from keras_ctx.fine_tuning.embedder import (
    begin_embedder,
    compile_embedder,
    load_embedder,
    save_sentence_transformers,
)
from keras_ctx.fine_tuning.encoder import load_encoder
from keras_ctx.fine_tuning.options.embedding import EmbeddingOptions
from keras_ctx.fine_tuning.options.questions import QuestionOptions
from keras_ctx.fine_tuning.options.roles import RoleOptions
from keras_ctx.fine_tuning.options.shared import (
    SAMPLE_SIZE,
    FineTuningOptions,
    LabelledDataOptions,
)
from keras_ctx.fine_tuning.options.tagging import TaggingOptions
from keras_ctx.fine_tuning.options.text_inputs import load_text_inputs
from keras_ctx.fine_tuning.options.texts import TextTaskOptions
from keras_ctx.fine_tuning.options.ulmfit import ULMFIT
from keras_ctx.fine_tuning.results import save_run, score_rows
from keras_ctx.fine_tuning.runs import EncoderRuns, Run
from keras_ctx.fine_tuning.scores.embedding_scorer import EmbeddingScorer
from keras_ctx.fine_tuning.scores.frequent_roles import FrequentRoles
from keras_ctx.fine_tuning.scores.majority import majority_scores
from keras_ctx.fine_tuning.scores.predicted_tags import predict_tags
from keras_ctx.fine_tuning.scores.predicted_texts import predict_texts
from keras_ctx.fine_tuning.scores.scored_answers import AnswerScorer
from keras_ctx.fine_tuning.stored_context import StoredContext, stored_context
from keras_ctx.predictions.predicted_roles import predict_roles

__all__ = [
    "SAMPLE_SIZE",
    "ULMFIT",
    "AnswerScorer",
    "EmbeddingOptions",
    "EmbeddingScorer",
    "EncoderRuns",
    "FineTuningOptions",
    "FrequentRoles",
    "LabelledDataOptions",
    "QuestionOptions",
    "RoleOptions",
    "Run",
    "StoredContext",
    "TaggingOptions",
    "TextTaskOptions",
    "begin",
    "begin_embedder",
    "best_epoch",
    "compile_embedder",
    "compile_model",
    "load_embedder",
    "load_encoder",
    "load_text_inputs",
    "majority_scores",
    "predict_roles",
    "predict_tags",
    "predict_texts",
    "save_run",
    "save_sentence_transformers",
    "score_rows",
    "stored_context",
]
