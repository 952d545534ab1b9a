"""Schedules, optimizers, losses and the run folder; used with `model.fit`."""

from keras_ctx.training.backup import BackupAndRestore, completed_epochs
from keras_ctx.training.crf_loss import CRFLoss
from keras_ctx.training.losses import (
    LogLikelihoodLoss,
    bert_pretraining_losses,
    elmo_pretraining_losses,
)
from keras_ctx.training.optimizers import bert_optimizer, elmo_optimizer
from keras_ctx.training.perplexity import (
    HeldOutPerplexity,
    perplexity,
    sentence_likelihoods,
)
from keras_ctx.training.reset_state import ResetState
from keras_ctx.training.run_folder import (
    run_callbacks,
    save_json,
    save_model,
)
from keras_ctx.training.schedules import WarmupLinearDecay

__all__ = [
    "BackupAndRestore",
    "CRFLoss",
    "HeldOutPerplexity",
    "LogLikelihoodLoss",
    "ResetState",
    "WarmupLinearDecay",
    "bert_optimizer",
    "bert_pretraining_losses",
    "completed_epochs",
    "elmo_optimizer",
    "elmo_pretraining_losses",
    "perplexity",
    "run_callbacks",
    "save_json",
    "save_model",
    "sentence_likelihoods",
]
