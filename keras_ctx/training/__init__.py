"""Schedules, optimizers, losses and the run folder; used with `model.fit`."""

from keras_ctx.training.backup import BackupAndRestore
from keras_ctx.training.checkpoints import (
    average_checkpoints,
    completed_steps,
    remove_checkpoints,
)
from keras_ctx.training.crf_loss import CRFLoss
from keras_ctx.training.development_score import DevelopmentScore
from keras_ctx.training.digests import (
    encoder_digest,
    file_digest,
    input_digests,
    text_inputs_digest,
)
from keras_ctx.training.distributed_model import distributed
from keras_ctx.training.divergence import DivergenceError, StopAtDivergence
from keras_ctx.training.layer_rates import layer_rates
from keras_ctx.training.layer_shares import layer_shares
from keras_ctx.training.layerwise_adamw import LayerwiseAdamW
from keras_ctx.training.losses import (
    LogLikelihoodLoss,
    bert_pretraining_losses,
    elmo_pretraining_losses,
)
from keras_ctx.training.optimizers import bert_optimizer, elmo_optimizer
from keras_ctx.training.output_folder import (
    check_output,
    writes_file,
    writes_folder,
)
from keras_ctx.training.over_seeds import over_seeds
from keras_ctx.training.padding_metric import with_padding_metric
from keras_ctx.training.perplexity import (
    HeldOutPerplexity,
    perplexity,
    perplexity_of_nats,
    sentence_likelihoods,
)
from keras_ctx.training.reset_state import ResetState
from keras_ctx.training.run_folder import (
    run_callbacks,
    save_json,
    save_model,
)
from keras_ctx.training.run_log import RunLog
from keras_ctx.training.run_metrics import read_metrics
from keras_ctx.training.run_numbers import check_run_numbers
from keras_ctx.training.run_results import (
    ended_run,
    save_results,
    seconds_before,
)
from keras_ctx.training.run_settings import (
    begin_recipe,
    begin_run,
    settings_of,
)
from keras_ctx.training.schedules import (
    PerUpdate,
    SlantedTriangular,
    WarmupLinearDecay,
)
from keras_ctx.training.strategies import StrategyName, strategy
from keras_ctx.training.task_loss import task_loss
from keras_ctx.training.without_strategy import without_strategy
from keras_ctx.training.workers import is_chief

__all__ = [
    "BackupAndRestore",
    "CRFLoss",
    "DevelopmentScore",
    "DivergenceError",
    "HeldOutPerplexity",
    "LayerwiseAdamW",
    "LogLikelihoodLoss",
    "PerUpdate",
    "ResetState",
    "RunLog",
    "SlantedTriangular",
    "StopAtDivergence",
    "StrategyName",
    "WarmupLinearDecay",
    "average_checkpoints",
    "begin_recipe",
    "begin_run",
    "bert_optimizer",
    "bert_pretraining_losses",
    "check_output",
    "check_run_numbers",
    "completed_steps",
    "distributed",
    "elmo_optimizer",
    "elmo_pretraining_losses",
    "encoder_digest",
    "ended_run",
    "file_digest",
    "input_digests",
    "is_chief",
    "layer_rates",
    "layer_shares",
    "over_seeds",
    "perplexity",
    "perplexity_of_nats",
    "read_metrics",
    "remove_checkpoints",
    "run_callbacks",
    "save_json",
    "save_model",
    "save_results",
    "seconds_before",
    "sentence_likelihoods",
    "settings_of",
    "strategy",
    "task_loss",
    "text_inputs_digest",
    "with_padding_metric",
    "without_strategy",
    "writes_file",
    "writes_folder",
]
