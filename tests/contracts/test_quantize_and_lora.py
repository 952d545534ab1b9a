"""Models after `quantize` and `enable_lora` answer the same when loaded in a
fresh process."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from answer_saved_models import flat
from layer_cases import CASES as LAYER_CASES
from model_cases import CASES, INPUTS, bert, elmo
from random_weights import randomized

from keras_ctx import convert, layers, models, training

ROOT = Path(__file__).resolve().parents[2]
BY_NAME = {case.name: case for case in CASES}
X = {name: value for name, (value, *_) in INPUTS["bert"].items()}
QUICK = ["tagger of bert, crf", "elmo_stream_model"]


def quantized(model, mode: str = "int8", **kwargs):
    with warnings.catch_warnings():
        # Keras warns of every layer without anything to quantize.
        warnings.simplefilter("ignore", UserWarning)
        model.quantize(mode, **kwargs)
    return model


def in_fresh_process(saved: dict[str, tuple], folder: Path) -> dict:
    """Returns answers of loaded models; `saved` has models and inputs."""
    for k, (model, inputs) in enumerate(saved.values()):
        model.save(folder / f"{k}.keras")
        np.savez(folder / f"{k}.inputs.npz", allow_pickle=False, **inputs)
    subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("answer_saved_models.py"),
            folder,
        ],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return {
        name: dict(np.load(folder / f"{k}.outputs.npz"))
        for k, name in enumerate(saved)
    }


def check_fresh(saved: dict[str, tuple], folder: Path) -> None:
    found = in_fresh_process(saved, folder)
    for name, (model, inputs) in saved.items():
        trainable = found[name].pop("trainable")
        assert trainable == len(model.trainable_weights), name
        expected = flat(model(inputs))
        assert found[name].keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(found[name][key], value, name)


@keras.saving.register_keras_serializable()
class OwnModel(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.block = layers.TransformerEncoderBlock(2, 16)
        self.head = keras.layers.Dense(2)

    def call(self, inputs):
        return self.head(self.block(inputs))


@pytest.mark.slow
def test_ways_to_keep_a_subclassed_model_that_is_quantized(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 8)).astype("float32")
    model = OwnModel()
    model(x)
    model.save(tmp_path / "before.keras")
    expected = quantized(model)(x)
    # See the docstring of the block; fixing plain `save` is up to Keras.
    later = keras.saving.load_model(tmp_path / "before.keras")
    np.testing.assert_array_equal(quantized(later)(x), expected)
    model.save_weights(tmp_path / "quantized.weights.h5")
    fresh = OwnModel()
    fresh(x)
    quantized(fresh).load_weights(tmp_path / "quantized.weights.h5")
    np.testing.assert_array_equal(fresh(x), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [QUICK, pytest.param(list(BY_NAME), marks=pytest.mark.slow)],
    ids=["quick", "all"],
)
def test_quantized_models_come_back(names: list[str], tmp_path) -> None:
    saved = {}
    for name in names:
        case = BY_NAME[name]
        inputs = {k: value for k, (value, *_) in INPUTS[case.family].items()}
        model = randomized(case.create())
        before = {w.path for w in model.weights}
        quantized(model)
        added = {w.path for w in model.weights} - before
        # Checks that something was quantized; LSTMs on words have nothing.
        of_words = "word" in name + case.family or case.family == "cove"
        assert added or of_words, name
        saved[name] = model, inputs
    check_fresh(saved, tmp_path)


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param("int8", marks=pytest.mark.slow),  # above, in a process
        pytest.param("int4", marks=pytest.mark.slow),  # compiles for long
        "float8",
    ],
)
def test_modes_come_back(mode: str, tmp_path) -> None:
    model = quantized(randomized(models.classifier(bert(1), 3)), mode)
    expected = np.asarray(model(X)["logits"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X)["logits"], expected)
    if mode == "float8":
        return  # a clone of Keras's Dense orders its weights differently
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X)["logits"], expected)


def test_only_some_layers_quantized_come_back(tmp_path) -> None:
    # Only the weights, by a regular expression, with one scale for 32.
    config = keras.quantizers.Int4QuantizationConfig(block_size=32)
    model = randomized(models.classifier(bert(2), 3))
    wanted = "block_1/intermediate"
    quantized(
        model,
        "int4",
        config=config,
        filters=lambda layer: str(layer.path).endswith(wanted),
    )
    block = model.layers[3].get_layer("block_1")
    assert block.intermediate.quantization_mode == "int4"
    assert block.output_projection.quantization_mode is None
    expected = np.asarray(model(X)["logits"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X)["logits"], expected)


@pytest.mark.parametrize(
    "name", ["TransformerEncoderBlock", "TokenAndSegmentEmbedding"]
)
def test_layer_alone_comes_back(name: str) -> None:
    case = {case.name: case for case in LAYER_CASES}[name]
    arrays = {k: each.value for k, each in case.flat_arguments.items()}
    layer = case.create()
    layer(**arrays)
    randomized(layer)
    layer.enable_lora(2)
    inner = layer.intermediate if "Block" in name else layer.token_embedding
    inner.quantize("int8")
    expected = np.asarray(layer(**arrays))
    config = layer.get_config()
    other = type(layer).from_config(config)
    assert other.get_config() == config
    other(**arrays)
    assert other.get_config() == config
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(**arrays), expected)


def test_gptq_inside_a_layer_is_refused_when_saved(tmp_path) -> None:
    model = models.classifier(bert(1), 3)
    block = model.layers[3].get_layer("block_0")
    config = keras.quantizers.GPTQConfig(dataset=["a"], tokenizer=str.split)
    block.intermediate.quantize("gptq", config=config)
    with pytest.raises(
        ValueError, match="sublayer quantized with 'gptq' cannot be"
    ):
        model.save(tmp_path / "model.keras")


@pytest.mark.slow
def test_quantized_weights_are_not_written_as_a_checkpoint(tmp_path) -> None:
    encoder = quantized(bert(1))
    with pytest.raises(ValueError, match="must not be quantized.*int8"):
        convert.save_bert(encoder, tmp_path / "bert")
    assert not (tmp_path / "bert").exists()


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_lora_is_merged_into_a_checkpoint(dtype: str, tmp_path) -> None:
    encoder = models.with_dtype(bert(1), dtype)
    models.enable_lora(encoder, 2, embeddings=True)
    randomized(encoder)
    convert.save_bert(encoder, tmp_path / "bert")
    loaded = convert.load_bert(tmp_path / "bert")
    # The file is not rounded, in any compute dtype of the encoder.
    encoder = models.with_dtype(encoder, "float32")
    # One computes W + A B in the graph, the other has the sum in its file.
    np.testing.assert_allclose(
        loaded(X)["pooled"], encoder(X)["pooled"], rtol=0, atol=1e-6
    )


@pytest.mark.quick("float32")
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_lora_is_merged_into_an_encoder(dtype: str, tmp_path) -> None:
    model = models.classifier(models.with_dtype(bert(1), dtype), 3)
    models.enable_lora(model, 2, lora_alpha=6.0, embeddings=True)
    randomized(model)
    encoder = models.encoder_of(model)
    expected = {
        weight.path: np.asarray(weight)
        for weight in encoder.weights
        if "lora" not in weight.path
    }
    product = {
        weight.path: 3 * np.asarray(weight) @ _second_factor(encoder, weight)
        for weight in encoder.weights
        if weight.path.endswith("_a")
    }
    for path, update in product.items():
        path = path.replace("lora_", "").removesuffix("_a")
        expected[path] = expected[path] + update.reshape(expected[path].shape)
    merged = models.merge_lora(encoder)
    for weight in merged.weights:
        wanted = expected.pop(weight.path)
        assert weight.trainable, weight.path
        np.testing.assert_allclose(weight, wanted, 0, 1e-5, weight.path)
    assert not expected and len(product) == 7
    # Of a run, so that fine-tuning trains all weights, or new updates.
    model.save(tmp_path / "model.keras")
    loaded = convert.load_encoder(tmp_path)
    for ours, wanted in zip(loaded.weights, merged.weights, strict=True):
        assert ours.trainable, ours.path
        np.testing.assert_array_equal(ours, wanted)
    models.enable_lora(models.classifier(loaded, 2), 2)
    assert models.merge_lora(bert_encoder := bert(1)) is bert_encoder


def _second_factor(encoder: keras.Model, first: keras.Variable) -> np.ndarray:
    """Returns B as a matrix: with heads it has two axes after the rank."""
    (found,) = [
        weight
        for weight in encoder.weights
        if weight.path == first.path.removesuffix("_a") + "_b"
    ]
    return np.asarray(found).reshape(found.shape[0], -1)


@pytest.mark.slow
def test_a_quantized_run_with_lora_keeps_it(tmp_path) -> None:
    model = quantized(lora_model())
    encoder = models.encoder_of(model)
    with pytest.raises(ValueError, match="must not be quantized.*Merge before"):
        models.merge_lora(encoder)
    model.save(tmp_path / "model.keras")
    loaded = convert.load_encoder(tmp_path)
    np.testing.assert_array_equal(loaded(X)["pooled"], encoder(X)["pooled"])
    assert [w.path for w in loaded.trainable_weights] == [
        w.path for w in encoder.trainable_weights
    ]


def lora_model(**kwargs) -> keras.Model:
    encoder = bert(1, dropout=0.0, attention_dropout=0.0)
    model = randomized(models.classifier(encoder, 3, dropout=0.0))
    models.enable_lora(model, 2, **kwargs)
    return model


def train(model: keras.Model, epochs: int, rates: bool = False) -> None:
    """Trains one full batch per epoch; the first has learning rate 0."""
    model.compile(
        training.bert_optimizer(
            0.05,
            20,
            layer_rates=training.layer_rates(model, 0.9) if rates else None,
        ),
        loss={
            "logits": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True
            )
        },
        jit_compile=False,
    )
    targets = {"logits": np.array([0, 2, 1, 0])}
    model.fit(X, targets, epochs=epochs, verbose=0, shuffle=False)


def numpy(model: keras.Model) -> dict[str, np.ndarray]:
    return {w.path: w.numpy() for w in model.weights}


@pytest.mark.slow
def test_lora_starts_as_the_model_and_trains_its_factors_and_head() -> None:
    plain = randomized(models.classifier(bert(), 3))
    model = models.classifier(bert(), 3)
    model.set_weights(plain.get_weights())
    models.enable_lora(model, 2, lora_alpha=6.0)
    np.testing.assert_array_equal(model(X)["logits"], plain(X)["logits"])
    before = numpy(model)
    train(model, 2, rates=True)
    changed = {k for k, x in numpy(model).items() if (x != before[k]).any()}
    per_block = [
        f"{name}/lora_kernel_{factor}"
        for name in (
            *("attention/query", "attention/key", "attention/value"),
            *("attention/attention_output", "intermediate"),
            "output_projection",
        )
        for factor in "ab"
    ]
    assert changed == {
        *(f"block_{i}/{name}" for i in range(2) for name in per_block),
        *("pooler/kernel", "pooler/bias", "logits/kernel", "logits/bias"),
    }
    # By hand: the kernel of a dense layer is W + 6 / 2 A B.
    dense = model.layers[3].get_layer("block_0").intermediate
    weights = {w.name: w.numpy() for w in dense.weights}
    x = np.random.default_rng(1).normal(size=(4, 8)).astype("float32")
    product = weights["lora_kernel_a"] @ weights["lora_kernel_b"]
    expected = x @ (weights["kernel"] + 3 * product) + weights["bias"]
    found = x @ np.asarray(dense.kernel) + weights["bias"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_lora_comes_back_and_learns_on(tmp_path) -> None:
    saved = {
        "with the tokens": lora_model(embeddings=True, lora_alpha=3.0),
        "quantized": quantized(lora_model()),
    }
    for model in saved.values():
        train(model, 2)
    check_fresh({name: (x, X) for name, x in saved.items()}, tmp_path)
    # It continues as if never saved; Keras itself loads zeros.
    model = saved["with the tokens"]
    loaded = keras.saving.load_model(tmp_path / "0.keras")
    for name, array in numpy(model).items():
        np.testing.assert_array_equal(numpy(loaded)[name], array, name)
    before = numpy(loaded)
    for each in (model, loaded):
        train(each, 2)
    changed = {k for k, x in numpy(loaded).items() if (x != before[k]).any()}
    assert changed == {w.path for w in loaded.trainable_weights}
    for name, array in numpy(model).items():
        np.testing.assert_array_equal(numpy(loaded)[name], array, name)


@pytest.mark.slow
def test_lora_in_mixed_precision_and_clones(tmp_path) -> None:
    encoder = models.with_dtype(bert(1), "mixed_bfloat16")
    model = randomized(models.classifier(encoder, 3))
    models.enable_lora(model, 2)
    train(model, 2)
    expected = np.asarray(model(X)["logits"])
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(X)["logits"], expected)
    assert len(clone.trainable_weights) == len(model.trainable_weights)
    model.save_weights(tmp_path / "model.weights.h5")
    clone.set_weights([0 * w for w in model.get_weights()])
    clone.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(clone(X)["logits"], expected)


@pytest.mark.slow
def test_weights_without_lora_are_read_into_a_model_with_it(tmp_path) -> None:
    plain = randomized(models.classifier(bert(1), 3))
    plain.save_weights(tmp_path / "plain.weights.h5")
    model = randomized(models.classifier(bert(1), 3))
    models.enable_lora(model, 2)
    model.load_weights(tmp_path / "plain.weights.h5")
    np.testing.assert_array_equal(model(X)["logits"], plain(X)["logits"])
    before = numpy(model)
    train(model, 2)  # zeros for both factors would never learn
    changed = {k for k, x in numpy(model).items() if (x != before[k]).any()}
    assert changed == {w.path for w in model.trainable_weights}


def test_base_stays_frozen_when_a_model_is_thawed() -> None:
    model = lora_model()
    expected = [w.path for w in model.trainable_weights]
    model.trainable = False
    assert not model.trainable_weights
    model.trainable = True
    again = [w.path for w in model.trainable_weights]
    # Only those of the encoder; the embeddings are an ordinary layer.
    assert [p for p in again if not p.startswith("embeddings/")] == expected


def test_error_of_a_model_without_blocks() -> None:
    with pytest.raises(ValueError, match="`model` must have the blocks"):
        models.enable_lora(models.classifier(elmo(), 3), 2)


def test_error_of_a_frozen_encoder() -> None:
    model = models.classifier(bert(), 3, frozen=True)
    with pytest.raises(ValueError, match="Build the model without `frozen"):
        models.enable_lora(model, 2)


@pytest.mark.parametrize(
    ("arguments", "name"), [((0,), "rank"), ((2, -1.0), "lora_alpha")]
)
def test_error_of_a_number(arguments: tuple, name: str) -> None:
    model = models.classifier(bert(1), 3)
    before = [w.path for w in model.trainable_weights]
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        models.enable_lora(model, *arguments)
    assert [w.path for w in model.trainable_weights] == before


def test_error_of_lora_twice_or_unbuilt() -> None:
    model = lora_model()
    with pytest.raises(ValueError, match="not have LoRA yet.*block_0.*rank 2"):
        models.enable_lora(model, 2)
    with pytest.raises(ValueError, match="is built. Call it or the model"):
        layers.TransformerEncoderBlock(2, 8).enable_lora(2)
