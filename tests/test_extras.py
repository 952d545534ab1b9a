"""The light core, and the messages if an extra is missing.

Packages are hidden from separate processes: a finder refuses them as if they
were not installed. Nothing of the library is replaced.
"""

import ast
import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from keras_ctx import training
from keras_ctx.extras import EXTRAS, TRAINING_CLASSES

ROOT = Path(__file__).resolve().parents[1]
HIDE = """
import sys
HIDDEN = {hidden!r}
class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hider())
"""
# What is imported -> what is installed.
PACKAGES = {
    "keras_hub": "keras-hub",
    "sklearn": "scikit-learn",
    "tensorflow_serving": "tensorflow-serving-api",
    "tensorflow_text": "tensorflow-text",
}
CORE_ONLY = [*EXTRAS["tensorflow"], *EXTRAS["recipes"], *EXTRAS["samples"]]
CORE_ONLY.remove("scipy")  # JAX requires it


def without(
    hidden: list[str], program: str, backend: str | None = "jax"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("KERAS_BACKEND", None)
    # XLA optimizations do not matter here.
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    if backend:
        environment["KERAS_BACKEND"] = backend
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=set(hidden)) + program],
        env=environment,
        capture_output=True,
        text=True,
    )


def last_line(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 1, ended.stdout
    return ended.stderr.strip().splitlines()[-1]


ENCODERS = """
import sys
import keras, numpy as np
import keras_ctx
from keras_ctx import models
ids = np.array([[2, 5, 6, 3, 0, 0]])
features = {
    "token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids != 0
}
model = models.classifier(models.bert_encoder(9, 1, 2, 4, 8, 8), 2)
found = model.predict(features, verbose=0)["logits"]
model.save("model.keras")
again = keras.saving.load_model("model.keras")
assert (again.predict(features, verbose=0)["logits"] == found).all()
elmo = models.elmo_encoder([(1, 4), (2, 4)], 5, 6)
print([x.shape for x in elmo.output["layers"]])
print(keras.backend.backend(), "tensorflow" in sys.modules)
print(hasattr(keras_ctx, "no_such_name"))
"""
LEARN = """
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
before = model.get_weights()
model.fit(features, np.array([1]), verbose=0)
assert any((a != b).any() for a, b in zip(before, model.get_weights()))
found = elmo.predict({"char_ids": np.ones((2, 3, 50), "int32")}, verbose=0)
assert [x.shape for x in found["layers"]] == [(2, 3, 12)] * 3
"""


@pytest.mark.slow
@pytest.mark.parametrize("program", [ENCODERS, ENCODERS + LEARN])
def test_core_builds_and_calls_encoders_on_jax(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = without(CORE_ONLY, program)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        str([(None, None, 12)] * 3),
        "jax False",
        "False",
    ]


EACH_PACKAGE = """
import importlib
import keras_ctx
for name in keras_ctx.__all__:
    try:
        getattr(keras_ctx, name)
        print(name, "loads")
    except ModuleNotFoundError as error:
        print(name, "|", error, "|", error.name)
"""


def test_each_package_says_what_it_needs() -> None:
    ended = without(CORE_ONLY, EACH_PACKAGE)
    assert ended.returncode == 0, ended.stderr
    found = ended.stdout.splitlines()
    assert [x for x in found if x.endswith(" loads")] == [
        "generation loads",
        "layers loads",
        "models loads",
    ]
    install = "pip install 'keras_ctx[tensorflow]'"
    for line in found:
        if line.endswith(" loads"):
            continue
        name, sentence, _ = line.split(" | ")
        package = {"TextModel": "text_model", "load": "text_model"}
        package = package.get(name, name)
        assert sentence.startswith(f"`keras_ctx.{package}` needs "), line
        assert "TensorFlow" in sentence and sentence.endswith(install), line


LOAD = """
import keras, keras_ctx
assert keras.saving.load_model("model.keras", compile=False).built
keras.saving.load_model("model.keras")
"""


@pytest.mark.slow
def test_a_compiled_model_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(training.bert_optimizer(1e-3, 10), "mse")
    model.save("model.keras")
    said = last_line(without(CORE_ONLY, LOAD))
    assert "compiled with LayerwiseAdamW. Load it with `compile=False`" in said
    assert said.endswith("pip install 'keras_ctx[tensorflow]'")


def test_classes_of_training_are_those_that_files_may_name() -> None:
    found = {
        name.removeprefix("keras_ctx>")
        for name, each in keras.saving.get_custom_objects().items()
        if each.__module__.startswith("keras_ctx.training")
    }
    assert found == set(TRAINING_CLASSES)


SINGLE = """
import numpy
from keras_ctx import evaluation
for call in (
    lambda: evaluation.strict_f1([["B-A"]], [["B-A"]]),
    lambda: evaluation.classification_scores([0, 1], [0, 1]),
    lambda: evaluation.save_confusion(numpy.eye(2), ["a", "b"], "a.png"),
    lambda: __import__("keras_ctx.text"),
):
    try:
        call()
    except ModuleNotFoundError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_single_package_that_is_missing_is_named() -> None:
    hidden = ["seqeval", "sklearn", "matplotlib", "tensorflow_text"]
    ended = without(hidden, SINGLE, backend=None)
    recipes = "pip install 'keras_ctx[recipes]'"
    assert ended.stdout.splitlines() == [
        f"Scores need seqeval: {recipes}",
        f"Scores need scikit-learn: {recipes}",
        f"Pictures need Matplotlib: {recipes}",
        "`keras_ctx.text` needs TensorFlow Text: pip install "
        "'keras_ctx[tensorflow]'",
    ], ended.stderr


@pytest.mark.slow
def test_a_core_with_tensorflow_alone_has_layers_and_models() -> None:
    # As after `pip install keras_ctx tensorflow`.
    hidden = [x for x in CORE_ONLY if x != "tensorflow"]
    program = "import keras_ctx\nprint(keras_ctx.models.bert_tiny(9).name)"
    ended = without(hidden, program, backend=None)
    assert ended.returncode == 0, ended.stderr


def test_without_tensorflow_and_without_a_backend() -> None:
    said = last_line(without(CORE_ONLY, "import keras_ctx", backend=None))
    assert "TensorFlow is not installed" in said
    assert "KERAS_BACKEND=jax" in said
    assert "'keras_ctx[tensorflow]'" in said and "'keras_ctx[recipes]'" in said


def test_another_backend_that_is_missing_is_left_to_keras() -> None:
    said = last_line(without(["torch"], "import keras_ctx", backend="torch"))
    assert said == "ModuleNotFoundError: No module named 'torch'"


RECIPES = sorted((ROOT / "recipes").glob("*.py"))


def run_script(
    path: Path, hidden: list[str], backend: str | None, folder: Path
) -> subprocess.CompletedProcess[str]:
    # Python imports a module of this name by itself.
    site = folder / "sitecustomize.py"
    site.write_text(HIDE.format(hidden=set(hidden)))
    environment = {k: x for k, x in os.environ.items() if k != "KERAS_BACKEND"}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, path, "--help"],
        env={**environment, **({"KERAS_BACKEND": backend} if backend else {})},
        capture_output=True,
        text=True,
    )


@pytest.mark.quick("query*")
@pytest.mark.parametrize(
    ("name", "hidden", "backend"),
    [
        ("finetune_classifier.py", CORE_ONLY, None),
        ("finetune_classifier.py", CORE_ONLY, "jax"),
        ("serve.py", CORE_ONLY, "jax"),
        ("query.py", ["tyro"], None),
        ("serve.py", ["uvicorn"], None),
    ],
)
def test_a_recipe_names_its_extra_in_one_line(
    name: str, hidden: list[str], backend: str | None, tmp_path: Path
) -> None:
    path = ROOT / "recipes" / name
    ended = run_script(path, hidden, backend, tmp_path)
    assert ended.returncode in (1, 2) and not ended.stdout
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"{name}: ")
    assert "pip install 'keras_ctx[recipes]'" in line


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", None])
def test_another_program_shows_its_traceback(
    backend: str | None, tmp_path: Path
) -> None:
    own = tmp_path / "own.py"
    own.write_text("import keras_ctx\nkeras_ctx.data\n")
    said = run_script(own, CORE_ONLY, backend, tmp_path).stderr
    assert said.startswith("Traceback") and 'own.py", line ' in said
    assert "ModuleNotFoundError: " in said.splitlines()[-1]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_imports_first_what_names_its_extra(path: Path) -> None:
    imports = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = [
        getattr(node, "module", None) or node.names[0].name for node in imports
    ]
    others = [
        x for x in names if x.split(".")[0] not in sys.stdlib_module_names
    ]
    if path.stem == "query":  # a client that does not load Keras
        return
    assert others[0] == "keras_ctx.command_line"


def test_extras_are_those_of_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    for extra, modules in EXTRAS.items():
        lines = config["options.extras_require"][extra].splitlines()
        lines = [re.sub("#.*", "", line).strip() for line in lines]
        wanted = {canonicalize_name(Requirement(x).name) for x in lines if x}
        # Only TensorBoard needs it.
        wanted -= {"keras-ctx", "setuptools"}
        assert wanted == {PACKAGES.get(x, x) for x in modules}
