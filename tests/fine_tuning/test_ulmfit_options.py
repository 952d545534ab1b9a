"""The options of ULMFiT by name, and what they make of an encoder."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_ctx import fine_tuning, models, text, training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ulmfit")
    training.save_model(
        models.awd_lstm_encoder(12, 4, 6, 2), folder / "encoder.keras"
    )
    tokens = text.ulmfit_vocabulary(["a b c"], min_count=1)
    text.save_inputs(text.ULMFiTInputs(tokens), folder / "text_inputs.json")
    return folder


def options(folder: Path, **changes: Any) -> fine_tuning.TextTaskOptions:
    arguments = {"init": folder, "output": Path("runs/one"), **changes}
    return fine_tuning.TextTaskOptions(**arguments).with_ulmfit()


def compiled(given: fine_tuning.TextTaskOptions) -> keras.Model:
    model = models.classifier(
        fine_tuning.load_encoder(given),
        2,
        given.mix,
        head=given.head,
        pooled_dropout=given.pooled_dropout,
    )
    return fine_tuning.compile_model(given, model, 30, given.task_loss())


def rates(model: keras.Model) -> list[tuple[float, int]]:
    """Returns factor and first step of the head, and of layers downward."""
    found = {tuple(x) for x in model.optimizer.layer_rates.values()}
    return sorted(found, reverse=True)


def test_as_the_paper(folder: Path) -> None:
    given = options(folder, ulmfit="paper", epochs=4)
    assert (given.mix, given.head) == ("last", "concat_pooling")
    model = compiled(given)
    expected = [(2.6**-k, 30 * k) for k in range(4)]
    for found, wanted in zip(rates(model), expected, strict=True):
        assert found == pytest.approx(wanted)
    optimizer = model.optimizer
    assert (optimizer.beta_1, optimizer.beta_2) == (0.7, 0.99)
    rate = optimizer.get_config()["learning_rate"]
    assert rate["class_name"] == "SlantedTriangular"
    assert rate["config"]["peak_learning_rate"] == 0.01
    assert (rate["config"]["ratio"], rate["config"]["cut_frac"]) == (32, 0.1)
    documents: Any = model.get_layer("awd_lstm_encoder").get_layer("documents")
    assert (documents.bptt, documents.num_windows) == (70, 20)
    assert documents.input_dropout == 0.4 and documents.word_dropout == 0.05
    assert documents.hidden_dropout == 0.3 and documents.weight_dropout == 0.5


def test_as_the_scripts(folder: Path) -> None:
    model = compiled(options(folder, ulmfit="scripts", epochs=5))
    firsts = [first for _, first in rates(model)]
    assert firsts == [0, 30, 60, 60]  # head, LSTM, everything at once
    optimizer = model.optimizer
    assert (optimizer.beta_1, optimizer.beta_2) == (0.8, 0.99)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (1e-6, 25)
    config = optimizer.get_config()["learning_rate"]["config"]
    assert config["steps"] == [30, 30]
    stages = [x["config"] for x in config["schedules"]]
    assert [x["total_steps"] for x in stages] == [30, 30, 90]
    assert [x["cut_frac"] for x in stages] == [1 / 3, 1 / 3, 1 / 8]
    assert {x["ratio"] for x in stages} == {8}
    with pytest.raises(ValueError, match="`epochs` must be at least 3"):
        compiled(options(folder, ulmfit="scripts", epochs=2))


def test_each_part_can_be_left_out(folder: Path) -> None:
    for kind, names in fine_tuning.ULMFIT.items():
        whole = options(folder, ulmfit=kind)
        assert {x: getattr(whole, x) for x in names} == names
        for name in names:
            given = options(folder, ulmfit=kind, ulmfit_without=(name,))
            default = getattr(options(folder), name)
            assert getattr(given, name) == default, name
            same = {*names} - {name, "schedule", "unfreezing_stages"}
            assert all(getattr(given, x) == names[x] for x in same)
    own = options(folder, ulmfit="paper", learning_rate=0.5, beta_1=0.1)
    assert (own.learning_rate, own.beta_1, own.beta_2) == (0.5, 0.1, 0.99)


def test_dropout_rates_of_a_classifier(folder: Path) -> None:
    given = options(folder, drop_mult=0.5)
    encoder: Any = fine_tuning.load_encoder(given)
    assert encoder.get_layer("embeddings").word_dropout == 0.025
    assert encoder.get_layer("dropout_0").rate == 0.2
    assert encoder.get_layer("dropout_1").rate == 0.15
    assert {encoder.get_layer(f"lstm_{k}").weight_dropout for k in (0, 1)} == {
        0.25
    }
    assert given.pooled_dropout == 0.2 and options(folder).pooled_dropout == 0.4
    saved = keras.saving.load_model(folder / "encoder.keras")
    for weight, wanted in zip(
        encoder.trainable_weights, saved.trainable_weights, strict=True
    ):
        np.testing.assert_array_equal(weight, wanted)
    assert saved.get_layer("dropout_0").rate == 0.25


REFUSALS = [
    ({"ulmfit_without": ("bptt",)}, "`ulmfit_without` needs `ulmfit`"),
    (
        {"ulmfit": "paper", "ulmfit_without": ("mixx",)},
        "must name options among mix, head, .*Received: mixx",
    ),
    ({"drop_mult": 2.0}, "`drop_mult` must be at least 0 and below 2"),
    ({"bptt": 0}, "`bptt` must be at least 1"),
    ({"bptt": 7, "num_windows": 0}, "`num_windows` must be at least 1"),
    ({"num_windows": 3}, "`num_windows` needs `bptt`"),
    (
        {"num_windows": 3, "ulmfit": "paper", "ulmfit_without": ("bptt",)},
        "`num_windows` needs `bptt`",
    ),
    ({"unfreezing_stages": 3}, "`unfreezing_stages` needs"),
    ({"schedule": "slanted_triangular_stages"}, "needs `gradual_unfreezing`"),
    ({"beta_1": 1.0}, "`beta_1` must be"),
    ({"weight_decay": -1.0}, "`weight_decay` must be at least 0"),
    ({"clip_norm": 0.0}, "`clip_norm` must be"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSALS)
def test_refused(changes: dict, message: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=message):
        options(folder, **changes)


def test_another_encoder_has_no_windows(folder: Path) -> None:
    bert = models.bert_encoder(9, 1, 2, 4, 8, 6)
    with pytest.raises(ValueError, match="need an AWD-LSTM in `init`"):
        options(folder, bptt=9).of_encoder(bert)
    given = options(
        folder, ulmfit="paper", ulmfit_without=("bptt", "drop_mult")
    )
    assert given.of_encoder(bert) is bert


def test_options_of_ulmfit_need_not_be_given_for_another(folder: Path) -> None:
    given = options(folder, ulmfit="scripts", unfreezing_stages=2)
    assert given.unfreezing_stages == 2 and given.gradual_unfreezing
    schedule = "slanted_triangular_stages"
    assert options(folder, ulmfit="paper", schedule=schedule).schedule == (
        schedule
    )
    with pytest.raises(ValueError, match="`unfreezing_stages` needs"):
        options(folder, unfreezing_stages=2)
    with pytest.raises(ValueError, match="`beta_1` must be a rate"):
        options(folder, ulmfit="paper", beta_1=2.0)


def test_the_encoder_of_documents_keeps_its_policy_and_stays_frozen() -> None:
    plain = models.awd_lstm_encoder(12, 4, 6, 2)
    documents = models.awd_lstm_document_encoder(plain, 3, 2)
    frozen = models.classifier(documents, 2, frozen=True)
    assert not models.encoder_of(frozen).trainable_weights
    documents = models.awd_lstm_document_encoder(plain, 3, 2)
    low = models.with_dtype(models.classifier(documents, 2), "mixed_bfloat16")
    found = models.encoder_of(low)
    assert found.output["sequence"].dtype == "bfloat16"
    assert found.trainable_weights
