"""The log of a run."""

import json
import math
import resource
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_runs import STEPS, At, fit, small_model

from keras_ctx import models, training
from keras_ctx.training.callbacks.log import RunLog


class Losses(keras.callbacks.Callback):
    """Records the model's loss on each batch, computed separately."""

    def __init__(self) -> None:
        super().__init__()
        self.means: list[float] = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])  # pyright: ignore


def test_lines_have_means_over_their_steps(tmp_path: Path) -> None:
    record = Losses()
    model = fit(tmp_path, record)
    lines = training.read_metrics(tmp_path)
    steps = [line for line in lines if "epoch" not in line]
    epochs = [line for line in lines if "epoch" in line]
    # Every third step of 28, and each epoch of seven.
    assert [line["step"] for line in steps] == list(range(3, 28, 3))
    assert [line["step"] for line in epochs] == [7, 14, 21, 28]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    # Losses of steps, from Keras's means since the start of the epoch.
    per_step = []
    for epoch in range(4):
        means = record.means[STEPS * epoch : STEPS * (epoch + 1)]
        totals = [mean * (i + 1) for i, mean in enumerate(means)]
        per_step += [totals[0], *np.diff(totals)]
    last = 0
    for line in lines:
        if "epoch" in line:
            expected = np.mean(per_step[line["step"] - STEPS : line["step"]])
            last = line["step"]  # a line does not extend beyond an epoch
        else:
            expected = np.mean(per_step[last : line["step"]])
            last = line["step"]
        assert line["loss"] == pytest.approx(expected, rel=1e-6)
    assert model.history.history["loss"] == [x["loss"] for x in epochs]
    assert model.history.history["seconds"] == [x["seconds"] for x in epochs]


def test_lines_have_rates_and_memory(tmp_path: Path) -> None:
    model = fit(tmp_path, tokens_per_step=12)
    schedule = training.WarmupLinearDecay(0.01, 4 * STEPS, 3)
    previous = 0.0
    for line in training.read_metrics(tmp_path):
        assert line["seconds"] >= previous
        previous = line["seconds"]
        if "epoch" in line:
            continue
        rate = float(schedule(line["step"]))
        assert line["learning_rate"] == pytest.approx(rate, rel=1e-6)
        assert line["tokens_per_second"] == pytest.approx(
            12 * line["steps_per_second"]
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert 100 < line["memory"] <= peak
        assert line["gradient_norm"] > 0
    assert model.optimizer.iterations == 4 * STEPS


def test_gradient_norm_is_that_before_clipping() -> None:
    model = small_model()
    g = np.random.default_rng(1)
    gradients = [
        tf.constant(g.normal(size=x.shape), "float32")
        for x in model.trainable_variables
    ]
    model.optimizer.apply(gradients, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    expected = math.sqrt(sum(float(np.sum(x.numpy() ** 2)) for x in gradients))
    assert float(model.optimizer.gradient_norm) == pytest.approx(expected)
    assert expected > 1  # so it was clipped


@pytest.mark.slow
def test_curves_have_what_the_lines_have(tmp_path: Path) -> None:
    training.begin_run(tmp_path, {"rate": 0.5})
    fit(tmp_path, perplexity_of=["loss"])
    found: dict[tuple[str, int], float] = {}
    texts = []
    for path in (tmp_path / "tensorboard").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                if value.tag == "settings":
                    texts.append(bytes(array.item()).decode())
                else:
                    found[value.tag, event.step] = array.item()
    assert len(texts) == 1 and '"rate": 0.5' in texts[0]
    expected = {}
    for line in training.read_metrics(tmp_path):
        group = "epochs" if "epoch" in line else "steps"
        step = line.pop("step")
        expected |= {(f"{group}/{k}", step): v for k, v in line.items()}
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-6)
        if key[0].endswith("/perplexity"):
            loss = expected[key[0].replace("perplexity", "loss"), key[1]]
            assert value == pytest.approx(math.exp(loss))
    assert ("steps/perplexity", 3) in found
    assert ("epochs/perplexity", 7) in found


@pytest.mark.slow
def test_the_share_of_padding() -> None:
    encoder = models.bert_encoder(9, 1, 1, 4, 8, 6, dropout=0.0)
    model = training.with_padding_metric(models.bert_pretrainer(encoder))
    model.compile("sgd", training.bert_pretraining_losses(), jit_compile=False)
    lengths = np.array([[6], [3], [2], [1]])
    features = {
        "token_ids": np.ones((4, 6), "int32"),
        "segment_ids": np.zeros((4, 6), "int32"),
        "padding_mask": np.arange(6) < lengths,
        "masked_positions": np.zeros((4, 2), "int32"),
    }
    targets = {
        "masked_lm": np.ones((4, 2), "int32"),
        "next_sentence": np.ones(4, "int32"),
    }
    logs = model.evaluate(
        features, targets, batch_size=2, return_dict=True, verbose=0
    )
    assert logs["padding"] == pytest.approx(1 - (6 + 3 + 2 + 1) / 24)
    logs = model.fit(features, targets, batch_size=2, verbose=0).history
    assert logs["padding"][0] == pytest.approx(0.5)
    assert [x.shape for x in model.weights] == [
        x.shape for x in models.bert_pretrainer(encoder).weights
    ]
    with pytest.raises(ValueError, match="must not be compiled yet"):
        training.with_padding_metric(model)


def test_tokens_are_counted_without_padding(tmp_path: Path) -> None:
    log = RunLog(tmp_path, tokens_per_step=100)
    assert log._tokens(2.0, 0.25) == {"tokens_per_second": 150.0}
    assert RunLog(tmp_path)._tokens(2.0, 0.25) == {}


def test_when_a_run_ends_is_said(tmp_path: Path, capsys) -> None:
    fit(tmp_path)
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if "epochs; the last" in line]
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert all("ends in about" in line for line in lines)


@pytest.mark.slow
def test_a_trace_for_tensorboard(tmp_path: Path) -> None:
    fit(tmp_path, profile=True)
    (trace,) = (tmp_path / "tensorboard").glob("plugins/profile/*/*.xplane.pb")
    assert trace.stat().st_size > 1000


def test_a_killed_run_drops_the_lines_after_its_checkpoint(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [{"step": 3, "seconds": 1.5}, {"step": 6, "seconds": 2.5}]
    path.write_text("".join(json.dumps(x) + "\n" for x in lines) + '{"st')
    # Without a checkpoint everything is repeated; a kill while writing leaves
    # half a line.
    fit(tmp_path, At(lambda: None))
    assert training.read_metrics(tmp_path)[0]["step"] == 3
    assert training.read_metrics(tmp_path)[0].keys() > {"loss"}


def test_refused_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`every_steps` must be at least 1"):
        RunLog(tmp_path, every_steps=0)
