"""Serves exported models for trying, with TensorFlow Serving's REST routes.

Data      Folders of models, each with its numbered versions, as
          export_saved_model.py and keras_ctx.serving.export write them; or a
          folder of such folders.
Output    Answers, at the routes and in the form described by
          https://www.tensorflow.org/tfx/serving/api_rest, and a page to type
          texts on. A new version takes over without a lost request.
Command   python recipes/serve.py --models saved_models
          Then open http://127.0.0.1:8501/ or type, in another terminal:
          curl http://127.0.0.1:8501/v1/models/NAME:predict \
              -d '{"instances": ["Hello."]}'
Expected  It needs no Docker, but is not for production: no gRPC, no batching,
          no metrics, and requests go through Python. For production, see
          deploy/.
"""

import gc
import os
import re
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

import tensorflow as tf
from starlette.applications import Starlette

from keras_ctx.serving.rest import server
from keras_ctx.serving.rest.watched_models import (
    WatchedModels,
    check_model_folder,
)


@dataclass(frozen=True)
class Config:
    models: tuple[Path, ...] = (Path("saved_models"),)
    """Folders of models, or of folders of models."""
    host: str = "127.0.0.1"
    """Address to listen on; the default is not reachable from outside."""
    port: int = 8501
    """Port to listen on; 0 for any free port."""
    num_versions: int = 1
    """Number of highest versions of a model to serve."""
    labels: tuple[str, ...] = ()
    """Versions by label, such as stable=1, of every model that has them."""
    poll_seconds: float = 1.0
    """Seconds between looks for new versions."""
    threads: int = os.cpu_count() or 1
    """Requests that run at the same time; others wait."""
    intra_op_threads: int = 1
    """Threads that compute one request: 1 answers most requests a second; 0,
    all cores, is faster where requests of many rows come one at a time."""
    max_megabytes: float = 16.0
    """Longest body of a request, in megabytes."""
    max_rows: int = 1024
    """Most rows of a request."""
    hosts: tuple[str, ...] = ()
    """Host names of this machine, besides its addresses and localhost; requests
    to other names are refused (DNS rebinding)."""

    def __post_init__(self):
        for path in self.models:
            check_model_folder(path)
        for name in (
            *("num_versions", "poll_seconds", "threads"),
            *("max_megabytes", "max_rows"),
        ):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"`{name}` must be above 0. "
                    f"Received: {name}={getattr(self, name)}"
                )
        if not 0 <= self.intra_op_threads <= 1024:
            raise ValueError(
                "`intra_op_threads` must be from 0 to 1024. "
                f"Received: intra_op_threads={self.intra_op_threads}"
            )
        if not 0 <= self.port < 2**16:
            raise ValueError(
                f"`port` must be from 0 to 65535. Received: port={self.port}"
            )
        if self.poll_seconds > threading.TIMEOUT_MAX:
            raise ValueError(
                f"`poll_seconds` must be at most {threading.TIMEOUT_MAX:g}. "
                f"Received: poll_seconds={self.poll_seconds}"
            )
        for label in self.labels:
            if not re.fullmatch(r"[^/:=]+=[0-9]+", label):
                raise ValueError(
                    "`labels` must be like stable=1. "
                    f"Received: labels={label!r}"
                )


def watched_models(config: Config) -> WatchedModels:
    """Returns the models in the folders; `refresh` loads new versions."""
    labels = dict(label.split("=") for label in config.labels)
    return WatchedModels(
        config.models,
        config.num_versions,
        {label: int(number) for label, number in labels.items()},
        config.poll_seconds,
    )


def make_app(config: Config, models: WatchedModels) -> Starlette:
    return server.make_app(
        models,
        hosts=(config.host, *config.hosts),
        threads=config.threads,
        max_rows=config.max_rows,
        max_megabytes=config.max_megabytes,
    )


def main(config: Config) -> None:
    tf.get_logger().setLevel("ERROR")
    threads = tf.config.threading
    if threads.get_intra_op_parallelism_threads() != config.intra_op_threads:
        threads.set_intra_op_parallelism_threads(config.intra_op_threads)
    # Imported objects stay, so exclude them from garbage collection, which
    # would block for half a second after each removed version.
    gc.collect()
    gc.freeze()
    models = watched_models(config)
    models.refresh()
    listening = server.Listening(
        make_app(config, models), config.host, config.port
    )
    print(
        f"Serving {', '.join(models.by_name) or 'no model yet'} at "
        f"{listening.url}/ for trying, not for production.",
        flush=True,
    )
    states = models.states()
    closing(
        [["model", "version", "state"], *states] if states else [],
        [],
        server.query_words(models, listening.url),
    )
    sys.stdout.flush()
    listening.run()


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
