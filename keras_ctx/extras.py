"""Extras: what the library needs beyond the core, and how to install it.

The core runs layers and models on JAX. Everything else needs an extra. A
module whose extra is missing raises an error when it is imported; where only
one function needs the extra, when that function is called.
"""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import TracebackType

# Extra -> module that is imported -> its name in an error message.
EXTRAS = {
    "tensorflow": {
        "keras_hub": "KerasHub",
        "safetensors": "safetensors",
        "tensorflow": "TensorFlow",
        "tensorflow_serving": "tensorflow-serving-api",
        "tensorflow_text": "TensorFlow Text",
        "sentencepiece": "SentencePiece",
        "tokenizers": "tokenizers",
    },
    "recipes": {
        "matplotlib": "Matplotlib",
        "sacrebleu": "sacreBLEU",
        "scipy": "SciPy",
        "seqeval": "seqeval",
        "sklearn": "scikit-learn",
        "starlette": "Starlette",
        "tensorboard": "TensorBoard",
        "tyro": "tyro",
        "uvicorn": "Uvicorn",
    },
    "samples": {"snownlp": "snownlp"},
}
# Classes of `keras_ctx.training` that a compiled `.keras` file may name.
TRAINING_CLASSES = (
    *("Adagrad", "CRFLoss", "CoSENTLoss", "CosineSimilarityLoss"),
    *("InBatchNegativesLoss", "InverseSquareRoot", "LayerwiseAdamW"),
    *("LogLikelihoodLoss", "NextTokenLoss", "PackedSquaredError"),
    *("PerUpdate", "SGD", "SlantedTriangular", "Stages", "TripletLoss"),
    "WarmupLinearDecay",
)


def is_installed(module: str) -> bool:
    """Returns whether a module is installed, without importing it.

    Args:
        module: Its name, without dots.

    Example:
        >>> is_installed("keras"), is_installed("no_such_module")
        (True, False)
    """
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # refused, or None in sys.modules
        return False


def need(sentence: str, *modules: str) -> None:
    """Raises an error that names the missing extra, before an import fails.

    Args:
        sentence: The beginning of the message, such as "Scores need".
        modules: Names of modules in `EXTRAS`.

    Raises:
        ModuleNotFoundError: A module is not installed; `name` is that of
            the first missing one.

    Example:
        >>> need("Recipes need", "tyro")  # is installed
    """
    missing = [module for module in modules if not is_installed(module)]
    if not missing:
        return
    # The extra `recipes` includes TensorFlow.
    found = {_extra_of(module) for module in missing}
    extra = "recipes" if "recipes" in found else _extra_of(missing[0])
    *first, last = [EXTRAS[_extra_of(x)][x] for x in missing]
    listed = f"{', '.join(first)} and {last}" if first else last
    raise ModuleNotFoundError(
        f"{sentence} {listed}: pip install 'keras_ctx[{extra}]'",
        name=missing[0],
    )


def _extra_of(module: str) -> str:
    return next(name for name, row in EXTRAS.items() if module in row)


def end_recipes_in_one_line() -> None:
    """Ends a recipe without its extra with one line instead of a traceback.

    The first import of a recipe raises the error, so the recipe cannot catch
    it. Any other program shows its traceback.
    """
    shown = sys.excepthook

    def say(
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        lines = traceback.extract_tb(trace, limit=1)
        if isinstance(error, ModuleNotFoundError) and lines:
            if "keras_ctx.command_line" in (lines[0].line or ""):
                name = Path(lines[0].filename).name
                print(f"{name}: {error}", file=sys.stderr)
                return
        shown(kind, error, trace)

    sys.excepthook = say


def no_tensorflow() -> ModuleNotFoundError:
    """Returns the error for Keras without TensorFlow, its default backend.

    Example:
        >>> print(str(no_tensorflow())[-51:])
        (for the recipes: pip install 'keras_ctx[recipes]')
    """
    return ModuleNotFoundError(
        "Keras uses TensorFlow as its backend by default, and TensorFlow "
        "is not installed. Set the environment variable "
        "KERAS_BACKEND=jax, or: pip install 'keras_ctx[tensorflow]' "
        "(for the recipes: pip install 'keras_ctx[recipes]')",
        name="tensorflow",
    )


def register_absent_classes() -> None:
    """Registers classes that say which extra a compiled `.keras` file needs.

    They replace those of `training` where it cannot be imported; Keras alone
    would say that a class is not registered.
    """
    import keras

    for name in TRAINING_CLASSES:
        absent = type(name, (_Absent,), {})
        keras.saving.register_keras_serializable("keras_ctx", name)(absent)


class _Absent:
    def get_config(self) -> dict:  # which Keras looks for
        return {}

    @classmethod
    def from_config(cls, config: dict) -> None:
        need(
            f"The model was compiled with {cls.__name__}. Load it with "
            "`compile=False`, or install what this class needs,",
            *("tensorflow", "safetensors"),
        )
