"""A user's files, small enough to train on in a second."""

from pathlib import Path

import pytest
from tiny_encoders import save_encoders


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Returns folders of encoders by kind."""
    return save_encoders(tmp_path_factory.mktemp("encoders"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    documents = [
        f"河岸上有{a}棵树。\n他去银行取了{b}元钱。\n这本书很好，那本太差。\n"
        for a in "一二三四五六七"
        for b in "百千万"
    ]
    path.write_text("\n".join(documents), encoding="utf-8")
    return path


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.tsv"
    rows = [
        f"{subject}{word}\t{label}\n"
        for subject in ("这本书", "树", "银行", "河岸")
        for word, label in (("很好", "good"), ("太差", "bad"))
    ]
    path.write_text("".join(rows * 4), encoding="utf-8")
    return path


@pytest.fixture
def entities(tmp_path: Path) -> Path:
    path = tmp_path / "entities.conll"
    sentence = "王\tB-PER\n明\tI-PER\n去\tO\n河\tB-LOC\n岸\tI-LOC\n\n"
    path.write_text(sentence * 16, encoding="utf-8")
    return path
