"""What was saved under the names of earlier versions is read as before."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import data, serving, training
from keras_ctx.serving.rest.client.errors import RefusedQuery
from keras_ctx.serving.rest.client.rows import to_row
from keras_ctx.serving.rest.client.signature import Signature
from keras_ctx.text_model.texts.rows import rows_of

SAVED = Path(__file__).parent / "golden" / "saved_0_1"
NO_DECAY = ["(^|/)(bias|gamma|beta|weights|scale)(:0)?$"]


def optimizer_of(name: str) -> dict:
    model = keras.saving.load_model(SAVED / f"{name}.keras")
    return model.optimizer.get_config()


def test_optimizers_of_saved_models() -> None:
    """Their files say `not_decayed` and `cut_share`."""
    config = optimizer_of("bert_pretrainer")
    assert config["exclude_from_weight_decay"] == NO_DECAY
    schedule = config["learning_rate"]["config"]
    assert (schedule["cut_frac"], schedule["ratio"]) == (0.1, 32)
    assert optimizer_of("bert_tagger")["exclude_from_weight_decay"] == NO_DECAY


def test_what_is_saved_now_has_the_names_of_today() -> None:
    optimizer = training.bert_optimizer(
        0.1, 20, warmup_ratio=0.2, schedule="slanted_triangular"
    )
    config = json.loads(
        json.dumps(keras.saving.serialize_keras_object(optimizer))
    )
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == optimizer.get_config()
    assert not {"not_decayed", "cut_share"} & set(json.dumps(config).split('"'))


def test_a_run_begun_under_the_old_names_resumes(tmp_path: Path) -> None:
    old = {"accumulate": 2, "n_best": 20, "short_probability": 0.1, "seed": 1}
    (tmp_path / "settings.json").write_text(json.dumps(old))
    (tmp_path / "metrics.jsonl").write_text("{}\n")  # it has learned
    now = {
        "gradient_accumulation_steps": 2,
        "top_k": 20,
        "short_seq_prob": 0.1,
        "seed": 1,
    }
    training.begin_run(tmp_path, now)
    with pytest.raises(ValueError, match="top_k: 20 there, 5 now"):
        training.begin_run(tmp_path, {**now, "top_k": 5})


def test_records_written_under_the_old_names(tmp_path: Path) -> None:
    settings = data.RecordSettings("elmo", "whitespace", short_seq_prob=0.25)
    shard = data.write_shard(tmp_path, 0, [["a b", "c"]], settings)
    data.write_manifest(tmp_path, settings, {}, None, {}, [shard])
    path = tmp_path / "manifest.json"
    text = path.read_text("utf-8")
    assert text.count('"short_seq_prob"') == 1
    path.write_text(text.replace("short_seq_prob", "short_probability"))
    assert data.open_records(tmp_path, "elmo").settings == settings


def signature(*names: str, method: str = "predict") -> Signature:
    shape = {"tensor_shape": {"dim": [{"size": "-1"}]}}
    return Signature(
        {
            "inputs": dict.fromkeys(names, shape),
            "outputs": {},
            "method_name": f"tensorflow/serving/{method}",
        }
    )


@pytest.mark.parametrize("given", ["text_pair", "second_text"])
@pytest.mark.parametrize("served", ["text_pair", "second_text"])
def test_a_client_asks_by_either_name(given: str, served: str) -> None:
    line = json.dumps({"text": "a", given: "b"})
    row = to_row(signature("text", served), 1, line, True)
    assert row == {"text": "a", served: "b"}


@pytest.mark.parametrize("given", ["text_pair", "second_text"])
def test_examples_have_the_served_name(given: str) -> None:
    line = json.dumps({"text": "a", given: "b", "id": 3})
    row = to_row(signature("inputs", method="classify"), 1, line, True)
    assert row == {"text": "a", "second_text": "b", "id": 3}


def test_two_texts_for_one_pair_are_refused() -> None:
    line = '{"text": "a", "text_pair": "b", "second_text": "c"}'
    with pytest.raises(RefusedQuery, match="Line 7 must be an object with the"):
        to_row(signature("text", "second_text"), 7, line, True)


@pytest.mark.parametrize("name", ["text_pair", "second_text"])
def test_a_version_answers_by_either_name(tmp_path: Path, name: str) -> None:
    module: Any = tf.Module()
    spec = {
        key: tf.TensorSpec([None], tf.string, key)
        for key in ("text", "second_text")
    }
    module.join = tf.function(
        lambda text, second_text: {"joined": text + "+" + second_text},
        input_signature=list(spec.values()),
    )
    tf.saved_model.save(
        module, str(tmp_path / "1"), {"serving_default": module.join}
    )
    found = serving.answers(tmp_path, {"text": ["a", "b"], name: ["c", "d"]})
    np.testing.assert_array_equal(found["joined"], ["a+c", "b+d"])
    with pytest.raises(ValueError, match=r"must be \['second_text', 'text'\]"):
        serving.answers(tmp_path, {"text": ["a"], "other": ["b"]})


def test_pairs_in_dicts_by_either_name() -> None:
    rows = [{"text": "a", "second_text": "b"}, {"text_pair": "d", "text": "c"}]
    assert list(rows_of(rows, "pair")) == [("a", "b"), ("c", "d")]
