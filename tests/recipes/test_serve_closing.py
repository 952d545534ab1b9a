"""The output of serve.py when ready: a table, its page, a first request."""

import io
import json
import shlex
from pathlib import Path

from keras_ctx.command_line import closing

import contract_models
import pytest
from contract_models import publish
from recipe_files import load_recipe
from rest_server import serving

from keras_ctx.serving.rest import server
from keras_ctx.serving.rest.watched_models import WatchedModels


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param(contract_models.classifier, id="one text"),
        pytest.param(contract_models.extractor, id="several inputs"),
    ],
)
def test_first_request_runs_as_it_is_printed(
    signatures, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    publish(tmp_path / "my model", 3, signatures())
    with serving(tmp_path) as running:
        assert running.models.states() == [("my model", "3", "available")]
        words = server.query_words(running.models, running.url)
        printed = io.StringIO()
        closing([], [], words, printed)
        # As a shell reads it, after `Next:`, without Python and the recipe.
        command = printed.getvalue().partition("Next:")[2]
        asked = shlex.split(command.replace("\\\n", ""))[2:]
        query = load_recipe("query")
        capsys.readouterr()
        query.run_command(query.main, query.Config, asked)
    (answer,) = capsys.readouterr().out.splitlines()
    found = json.loads(answer)
    assert set(found["inputs"].values()) == {"Hello."}
    assert found["outputs"]


def test_models_that_nobody_can_ask_by_text(tmp_path: Path) -> None:
    made = contract_models.classifier()
    publish(tmp_path / "numbers", 1, {"serving_default": made["features"]})
    broken = tmp_path / "broken" / "2"
    broken.mkdir(parents=True)
    models = WatchedModels([tmp_path])
    models.refresh()
    assert server.query_words(models, "http://localhost:8501") == []
    assert sorted(models.states()) == [
        ("broken", "2", "not loaded"),
        ("numbers", "1", "available"),
    ]
    for model in models.by_name.values():
        model.close()
