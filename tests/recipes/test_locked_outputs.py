"""Every recipe that writes refuses an output in use by another run."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from recipe_files import RECIPES, load_recipe

from keras_ctx.files.output_lock import output_lock

FILES = ("fill_mask", "generate", "predict", "score_corpus", "translate")
# quickstart.py starts others, which lock; the others write no files.
OTHERS = ("quickstart", "query", "query_word_vectors", "serve")
FOLDERS = sorted(
    {path.stem for path in RECIPES.glob("*.py")} - {*FILES, *OTHERS}
)


@pytest.mark.parametrize("name", [*FOLDERS, *FILES])
def test_second_run_is_refused_before_anything_is_read(
    name: str, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    # No other setting is read.
    config = SimpleNamespace(output=output)
    with output_lock(output, is_file=name in FILES):
        there = sorted(tmp_path.rglob("*"))
        with pytest.raises(ValueError, match="one run at a time.*process"):
            load_recipe(name).main(config)
        assert sorted(tmp_path.rglob("*")) == there
    with pytest.raises(AttributeError):  # free again
        load_recipe(name).main(config)
