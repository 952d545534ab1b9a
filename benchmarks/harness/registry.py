"""The peers: their module, their Python, and what they do differently."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .works import (
    GARDEN,
    KERAS_HUB,
    LSTM,
    ONNX,
    OURS,
    SAMPLED,
    SENTENCES,
    TOKENIZERS,
    TORCH,
    TORCH_AWD,
    TORCH_LM,
)

ROOT = Path(__file__).resolve().parents[2]
HERE = "here"
"""The Python of this library, `.venv`."""
BENCH = "bench"
"""The Python of the other libraries, `.venv-bench`."""
GARDEN_PYTHON = "garden"


@dataclass(frozen=True)
class Peer:
    module: str
    """Module of `peers`."""
    python: str = BENCH
    variant: str = ""
    policies: bool = False
    """Whether it has Keras's dtype policies."""
    tolerance: dict[str, float] = field(default_factory=dict)
    """By kind of work, where its results differ more from ours."""
    because: str = ""
    """Why they do."""


PEERS = {
    OURS: Peer("ours", HERE, policies=True),
    KERAS_HUB: Peer(
        "keras_hub_models",
        HERE,
        policies=True,
        tolerance={"inference": 2e-2},
        because="it computes GELU by its approximation with tanh",
    ),
    **{
        name: Peer("hugging_face", variant=name.split()[1].lower())
        for name in TORCH
    },
    ONNX: Peer("onnx_runtime"),
    SENTENCES: Peer("sentence_vectors"),
    TOKENIZERS: Peer("rust_tokenizers"),
    **{name: Peer("torch_lstm", variant=name.split()[-1]) for name in LSTM},
    GARDEN: Peer("model_garden", GARDEN_PYTHON),
    SAMPLED: Peer(
        "ours",
        HERE,
        variant="sampled",
        policies=True,
        tolerance={"language_model": float("inf")},
        because="its loss is another one, so its results are not compared",
    ),
    TORCH_LM: Peer("torch_language_model"),
    TORCH_AWD: Peer("torch_awd_lstm"),
}
CEILINGS = {
    "TensorFlow": Peer("matmul_tensorflow", HERE),
    "torch": Peer("matmul_torch"),
}


@dataclass(frozen=True)
class Pythons:
    """The environments, by the names above."""

    paths: dict[str, Path]
    hints: dict[str, str]
    """How each of them is made."""

    def of(self, peer: Peer) -> Path:
        """Returns the Python of a peer.

        Raises:
            RuntimeError: It does not exist.
        """
        path = self.paths[peer.python]
        if not path.is_file():
            shown = path
            if path.is_relative_to(ROOT):
                shown = path.relative_to(ROOT)
            raise RuntimeError(
                f"there is no {shown}; {self.hints[peer.python]}"
            )
        return path

    def say_missing(self, peers: Iterable[str]) -> None:
        """Prints which peers lack their Python."""
        for name in dict.fromkeys(peers):
            try:
                self.of(PEERS[name])
            except RuntimeError as error:
                print(f"{name} is not measured: {error}", file=sys.stderr)


def pythons_of(bench: Path, garden: Path) -> Pythons:
    """Returns the environments, this process's own among them."""
    return Pythons(
        {HERE: Path(sys.executable), BENCH: bench, GARDEN_PYTHON: garden},
        {
            HERE: "start the script with another Python",
            BENCH: "`make bench` makes it, or give `--bench-python`",
            GARDEN_PYTHON: (
                "install the extra `garden` into an environment of its own "
                "and give `--garden-python`"
            ),
        },
    )
