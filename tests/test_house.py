"""The project's rules that no linter checks."""

import ast
import configparser
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from syntax_trees import tree_of

import keras_ctx

STANDARD_LIBRARY = sys.stdlib_module_names

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "keras_ctx").rglob("*.py"))
RECIPES = sorted((ROOT / "recipes").glob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SHIPPED = LIBRARY + RECIPES + BENCHMARKS


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def requirements() -> dict[str, list[Requirement]]:
    """Returns the ranges of setup.cfg: the base ("") and each extra."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    groups = {"": config["options"]["install_requires"]}
    groups.update(config["options.extras_require"])
    return {
        group: [Requirement(line) for line in text.splitlines() if line.strip()]
        for group, text in groups.items()
    }


def locked_versions() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)==(\S+) \\$", lines, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("name", ["requirements.lock", "tpu.lock", "docs.lock"])
def test_every_locked_package_has_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    hashed = r"[\w.-]+==\S+(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert re.fullmatch(f"(?:{hashed})+", text)


def test_compiler_of_tpus_is_the_one_that_jax_asks_for() -> None:
    text = (ROOT / "tpu.lock").read_text(encoding="utf-8")
    (version,) = re.findall(r"^libtpu==(\S+)", text, re.MULTILINE)
    wanted = [Requirement(line) for line in metadata.requires("jax") or []]
    (libtpu,) = [x for x in wanted if x.name == "libtpu"]
    assert version in libtpu.specifier


def test_version_is_written_once() -> None:
    quoted = re.compile(rf"""["']{re.escape(keras_ctx.__version__)}["']""")
    files = [*SHIPPED, ROOT / "setup.cfg", ROOT / "pyproject.toml"]
    found = [
        name_of(path)
        for path in files
        if quoted.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["keras_ctx/__init__.py"]
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert config["metadata"]["version"] == "attr: keras_ctx.__version__"


def test_changelog_has_a_section_for_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert keras_ctx.__version__ in sections
    assert len(sections) == len(set(sections))


def failing(paths: list[Path], fails: Callable[[Path], object]) -> list[str]:
    return [name_of(path) for path in paths if fails(path)]


def test_modules_are_no_longer_than_400_lines() -> None:
    def too_long(path: Path) -> bool:
        return len(path.read_text(encoding="utf-8").splitlines()) > 400

    assert failing(SHIPPED, too_long) == []


def test_modules_are_named_after_what_they_hold() -> None:
    banned = {"utils", "util", "helpers", "helper", "common", "misc"}

    def has_no_name(path: Path) -> set[str]:
        return banned & set(path.relative_to(ROOT).with_suffix("").parts)

    assert failing(SHIPPED + TESTS, has_no_name) == []


def test_nothing_is_left_to_do() -> None:
    # Split in two, so that this file passes its own test.
    unfinished = re.compile(
        r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"
    )

    def is_unfinished(path: Path) -> re.Match[str] | None:
        return unfinished.search(path.read_text(encoding="utf-8"))

    assert failing(SHIPPED + TESTS, is_unfinished) == []


def test_nothing_is_pickled() -> None:
    # Reading a pickle can run arbitrary code.
    banned = {"pickle", "cloudpickle", "dill"}
    assert failing(SHIPPED, lambda path: imported_modules(path) & banned) == []


def test_modules_say_what_they_are_for() -> None:
    def says_nothing(path: Path) -> bool:
        return not ast.get_docstring(tree_of(path))

    assert failing(SHIPPED, says_nothing) == []


def test_recipes_import_no_other_recipe() -> None:
    others = {other.stem for other in RECIPES} | {"recipes"}
    # quickstart only chains the others.
    alone = [path for path in RECIPES if path.stem != "quickstart"]
    assert failing(alone, lambda path: imported_modules(path) & others) == []


def test_library_knows_no_recipe() -> None:
    strangers = {other.stem for other in RECIPES} | {"recipes", "tests"}
    assert failing(LIBRARY, lambda x: imported_modules(x) & strangers) == []


PACKAGES = [x for x in keras_ctx.__all__ if x not in ("TextModel", "load")]


@pytest.mark.parametrize("package", PACKAGES)
def test_public_package_lists_what_it_offers(package: str) -> None:
    module = getattr(keras_ctx, package)
    assert module is importlib.import_module(f"keras_ctx.{package}")
    assert module.__doc__
    assert len(module.__all__) == len(set(module.__all__)) > 0
    for name in module.__all__:
        assert hasattr(module, name), f"{name} is listed and missing"


def test_public_packages_are_the_folders_that_there_are() -> None:
    folders = {
        path.parent.name for path in (ROOT / "keras_ctx").glob("*/__init__.py")
    }
    # These are for other packages and recipes, not for users.
    assert sorted(folders - {"files", "command_line"}) == PACKAGES


@pytest.mark.slow
def test_compiled_model_loads_after_the_import_alone(tmp_path: Path) -> None:
    model = keras_ctx.models.bert_encoder(9, 1, 1, 4, 8, 8)
    model.compile(
        keras_ctx.training.bert_optimizer(1e-3, 100),
        loss={"pooled": keras_ctx.training.LogLikelihoodLoss()},
    )
    model.save(tmp_path / "compiled.keras")
    script = (
        "import sys, keras, keras_ctx\n"
        "model = keras.saving.load_model('compiled.keras')\n"
        "print(model.optimizer.get_config()['learning_rate'])\n"
        "print([m for m in sys.modules if m in ('keras_ctx.text', "
        "'keras_ctx.data', 'keras_ctx.serving')])\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    schedule, loaded = finished.stdout.splitlines()
    assert "'total_steps': 100" in schedule
    assert loaded == "[]", "these wait until they are used"


def test_text_models_are_at_hand() -> None:
    assert keras_ctx.load is keras_ctx.text_model.load
    assert keras_ctx.TextModel is keras_ctx.text_model.TextModel


def test_unknown_package_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        keras_ctx.nonsense  # noqa: B018


def test_lock_lies_within_the_ranges() -> None:
    locked = locked_versions()
    groups = requirements()
    for group in ("", "tensorflow", "recipes", "samples", "test"):
        for requirement in groups[group]:
            if requirement.name == "keras_ctx":  # another extra
                continue
            version = locked.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is not in the lock"
            assert requirement.specifier.contains(version, prereleases=True), (
                f"{requirement} does not allow the locked {version}"
            )


def test_every_import_of_the_library_is_a_requirement() -> None:
    groups = requirements()
    base = {
        canonicalize_name(r.name) for r in groups[""] + groups["tensorflow"]
    }
    provided_by = {
        "keras_hub": "keras-hub",
        "tensorflow_serving": "tensorflow-serving-api",
        "tensorflow_text": "tensorflow-text",
        "google": "tensorflow",  # protobuf, which TensorFlow requires
    }
    # Installed for one feature, and named in the error if missing.
    optional = {"apache_beam", "matplotlib", "scipy", "seqeval", "sklearn"}
    optional |= {"sacrebleu", "snownlp", "starlette", "tyro", "uvicorn"}
    for path in LIBRARY:
        for module in imported_modules(path):
            if module in STANDARD_LIBRARY | optional | {"", "keras_ctx"}:
                continue
            assert provided_by.get(module, module) in base, (
                f"{name_of(path)} imports {module}, which setup.cfg's "
                "install_requires and extra `tensorflow` do not name"
            )


def test_budget_of_80_columns_is_set() -> None:
    pyproject = tomllib.loads(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert pyproject["tool"]["ruff"]["line-length"] == 80
