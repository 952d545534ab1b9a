"""Every example in a docstring of the library runs with the output shown."""

import doctest
import importlib
import inspect
import pkgutil

import keras
import pytest

import keras_ctx

PACKAGES = [
    name
    for name in keras_ctx.__all__
    if inspect.ismodule(getattr(keras_ctx, name))
]


def public_names() -> list[tuple[str, str]]:
    return [
        (package, name)
        for package in PACKAGES
        for name in importlib.import_module(f"keras_ctx.{package}").__all__
    ]


# Their examples train, export or load a model, which takes seconds.
SLOW = {
    f"keras_ctx.{name}"
    for name in (
        "convert.elmo.load",
        "convert.from_folder",
        "convert.load_embedder",
        "data.batching.packing",
        "data.language_model.stream_dataset",
        "data.language_model.sentence_dataset",
        "data.masked_lm.corpus_dataset",
        "data.masked_lm.records_dataset",
        "data.squad.answers",
        "data.squad.dataset",
        "data.tasks.labelled",
        "data.translation.dataset",
        "evaluation.causal_perplexity",
        "evaluation.perplexity",
        "files.model_file",
        "fine_tuning.scores.predicted_answers",
        "fine_tuning.scores.predicted_tags",
        "fine_tuning.scores.predicted_texts",
        "fine_tuning.scores.scored_answers",
        "fine_tuning.stored_context",
        "generation.continuations",
        "generation.generator",
        "models.bert.sizes",
        "models.elmo.sizes",
        "models.elmo.warm_start",
        "models.gpt.sizes",
        "predictions.answer_lines",
        "predictions.model_rows",
        "predictions.predict_file",
        "predictions.text_generator",
        "predictions.translator",
        "predictions.vectors.sentence_vectors",
        "predictions.vectors.token_vectors",
        "pretraining.gpt.text_inputs",
        "pretraining.tokens_file",
        "pretraining.ulmfit.start",
        "pretraining.word_vectors.words",
        "processes",
        "serving.export.litert",
        "serving.export.saved_model",
        "serving.verify.raw_answers",
        "text_layer",
        "text_model.load",
        "text_model.model",
    )
}


def modules() -> list[str]:
    walked = pkgutil.walk_packages(keras_ctx.__path__, "keras_ctx.")
    names = ["keras_ctx", *(module.name for module in walked)]
    assert set(names) >= SLOW
    return names


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
    # An example may build a model without values: Keras would give them later.
    keras.utils.clear_session()
    assert failed == 0, "doctest's account of it stands above"


@pytest.mark.parametrize(("package", "name"), public_names())
def test_public_name_has_an_example(package: str, name: str) -> None:
    public = getattr(importlib.import_module(f"keras_ctx.{package}"), name)
    if inspect.isclass(public) or inspect.isfunction(public):
        assert ">>>" in (inspect.getdoc(public) or ""), "no Example"
