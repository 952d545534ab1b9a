"""Every example in a docstring of the library runs with the output shown."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import keras_ctx

PACKAGES = [
    name
    for name in keras_ctx.__all__
    if inspect.ismodule(getattr(keras_ctx, name))
]
# Each calls another function with published sizes; its docstring names that
# function, which has the example.
PUBLISHED_SIZES = {
    *("bert_tiny", "bert_mini", "bert_small", "bert_medium"),
    *("bert_base", "bert_large", "elmo_small", "elmo_medium", "elmo_original"),
}


def public_names() -> list[tuple[str, str]]:
    return [
        (package, name)
        for package in PACKAGES
        for name in importlib.import_module(f"keras_ctx.{package}").__all__
        if name not in PUBLISHED_SIZES
    ]


# Their examples export a model, which other tests also do.
SLOW = (
    "keras_ctx.serving.verify.raw_answers",
    "keras_ctx.serving.export.saved_model",
)


def modules() -> list[str]:
    walked = pkgutil.walk_packages(keras_ctx.__path__, "keras_ctx.")
    return ["keras_ctx", *(module.name for module in walked)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW))
        for name in modules()
    ],
)
def test_examples_run(
    name: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Examples write their files here.
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(
        importlib.import_module(name),
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
        raise_on_error=False,
    )
    assert failed == 0, "doctest's account of it stands above"


@pytest.mark.parametrize(("package", "name"), public_names())
def test_public_name_has_an_example(package: str, name: str) -> None:
    public = getattr(importlib.import_module(f"keras_ctx.{package}"), name)
    if inspect.isclass(public) or inspect.isfunction(public):
        assert ">>>" in (inspect.getdoc(public) or ""), "no Example"
