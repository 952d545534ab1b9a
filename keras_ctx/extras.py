"""What a part of the library needs beyond the core, and how to install it.

The core computes layers and models on JAX. Everything else is an extra of the
package; a part whose extra is missing says so when it is imported or, if one
function alone needs it, when that function is called.
"""

import importlib.util

# Extra -> what is imported of it -> its name in a sentence.
EXTRAS = {
    "tensorflow": {
        "keras_hub": "KerasHub",
        "safetensors": "safetensors",
        "tensorflow": "TensorFlow",
        "tensorflow_serving": "tensorflow-serving-api",
        "tensorflow_text": "TensorFlow Text",
    },
    "recipes": {
        "matplotlib": "Matplotlib",
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
# Of `keras_ctx.training`; a compiled `.keras` file may name them.
TRAINING_CLASSES = (
    *("Adagrad", "CRFLoss", "LayerwiseAdamW", "LogLikelihoodLoss"),
    *("PerUpdate", "SlantedTriangular", "WarmupLinearDecay"),
)


def is_installed(module: str) -> bool:
    """Whether a module can be found; it is not imported.

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
    """Say which extra is missing, before an import would fail.

    Args:
        sentence: Its beginning, such as "Scores need".
        modules: Names of `EXTRAS`.

    Raises:
        ModuleNotFoundError: A module is not installed; its `name` is that of
            the first one.

    Example:
        >>> need("Recipes need", "tyro")  # is installed
    """
    missing = [module for module in modules if not is_installed(module)]
    if not missing:
        return
    # Recipes bring TensorFlow with them.
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


def no_tensorflow() -> ModuleNotFoundError:
    """What to do where Keras does not find TensorFlow, its default backend.

    Example:
        >>> print(str(no_tensorflow())[-51:])
        (for the recipes: pip install 'keras_ctx[recipes]')
    """
    return ModuleNotFoundError(
        "Keras computes with TensorFlow unless it is told otherwise, and "
        "TensorFlow is not installed. Set the environment variable "
        "KERAS_BACKEND=jax, or: pip install 'keras_ctx[tensorflow]' "
        "(for the recipes: pip install 'keras_ctx[recipes]')",
        name="tensorflow",
    )


def register_absent_classes() -> None:
    """Say what a compiled `.keras` file needs, where `training` is not loaded.

    Keras alone says that a class is not registered.
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
