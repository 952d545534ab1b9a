"""Layer shares, windows of a file and nearest sentences, by hand."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from keras_ctx import data, models
from keras_ctx.predictions import vectors
from keras_ctx.predictions.vectors.layer_shares import layer_shares


@pytest.mark.parametrize(
    ("arguments", "shares"),
    [
        ({}, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        ({"layers": ("last",)}, [[0, 0, 1]]),
        ({"layers": ("mean",)}, [[1 / 3, 1 / 3, 1 / 3]]),
        ({"layers": ["1", "1"]}, [[0, 1, 0], [0, 1, 0]]),
        ({"mix": (0.5, 0.25, 0.25), "scale": 4.0}, [[2, 1, 1]]),
    ],
)
def test_shares(arguments: dict, shares: list) -> None:
    found = layer_shares(3, **arguments)
    np.testing.assert_allclose(found, shares, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ()}, "`layers` must be .* from 0 to 2"),
        ({"layers": ("3",)}, "from 0 to 2. Received: 3"),
        ({"layers": ("last", "0")}, "Received: last 0"),
        ({"mix": (0.5, 0.5)}, "`mix` must have 3 shares"),
        ({"mix": (0.5, float("nan"), 0.5)}, "must be finite"),
        ({"mix": (1, 1, 1), "scale": float("inf")}, "must be finite"),
    ],
)
def test_shares_that_are_none(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer_shares(3, **arguments)


@pytest.mark.parametrize(("num_done", "left"), [(0, 5), (2, 1), (3, 0)])
def test_windows_of_a_run_that_resumes(
    num_done: int, left: int, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("a\n\nc\nd\ne\n")
    windows = vectors.Windows(path, 5, size=2, num_done=num_done)
    assert f"{path}: {left} of 5 lines to embed" in capsys.readouterr().out
    found = list(windows)
    assert [x.lines for x in found] == [["a", ""], ["c", "d"], ["e"]]
    assert [x.first_line for x in found] == [1, 3, 5]
    assert sum(x.is_done for x in found) == num_done
    assert windows.num_left == left


def test_nearest_as_scikit_learn_has_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stored = rng.normal(size=(7, 4)).astype("float32")
    stored[3] = 0  # near to nothing
    stored[5] = 2 * stored[1]  # equal: the first of the file comes first
    queries = rng.normal(size=(3, 4)).astype("float32")
    queries[0] = stored[1]
    writer = data.VectorWriter(tmp_path, 1, 4, {})
    tokens = [[b"s%d" % number] for number in range(7)]
    with writer.shard(1, tokens) as put:
        for number, row in enumerate(stored):
            put(number, row[None, None])
    writer.finish(num_lines=7)
    found = vectors.nearest_lines(list("abc"), queries, tmp_path, 4)
    expected = cosine_similarity(queries, stored)
    for each, query, scores in zip(found, "abc", expected, strict=True):
        assert each["query"] == query
        order = sorted(range(7), key=lambda i: (-scores[i].round(6), i))[:4]
        assert [x["line"] - 1 for x in each["nearest"]] == order
        assert [x["sentence"] for x in each["nearest"]] == [
            f"s{i}" for i in order
        ]
        np.testing.assert_allclose(
            [x["cosine"] for x in each["nearest"]], scores[order], atol=1e-6
        )


@pytest.mark.parametrize("each", ["line", "sentence"])
def test_stateful_encoders_are_refused(each: str) -> None:
    encoder = models.elmo_encoder(
        [(1, 4)], 6, 4, max_characters=8, stateful=True, max_batch_size=2
    )
    message = f"vectors of a {each} would depend on earlier {each}s"
    with pytest.raises(ValueError, match=message):
        vectors.check_not_stateful(encoder, "vectors", each)


def test_warm_start_is_of_elmo(tmp_path: Path) -> None:
    encoder = models.bert_tiny(9)
    inputs = None  # neither these nor the file are used
    path = tmp_path / "none"
    assert vectors.warm_started(encoder, inputs, path, None) is encoder  # pyright: ignore
    with pytest.raises(ValueError, match="a BERT has no states"):
        vectors.warm_started(encoder, inputs, path, 2)  # pyright: ignore
