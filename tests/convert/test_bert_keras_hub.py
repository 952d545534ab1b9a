"""KerasHub's BERT: presets and files, against KerasHub's own answers."""

import json
import shutil
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest
from bert_files import (
    LENGTHS,
    POSITIONS,
    D,
    F,
    H,
    L,
    S,
    T,
    V,
    batch,
    close,
)

from keras_ctx.convert import load_bert

WORDS = [f"w{i}" for i in range(V - 5)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


def randomize(model: keras.Model) -> None:
    generator = np.random.default_rng(4)
    for weight in model.weights:
        numbers = 0.5 * generator.normal(size=weight.shape)
        weight.assign(numbers + weight.path.endswith("gamma"))


def backbone(**arguments) -> keras.Model:
    made = keras_hub.models.BertBackbone(
        vocabulary_size=V,
        num_layers=L,
        num_heads=H,
        hidden_dim=D,
        intermediate_dim=F,
        max_sequence_length=T,
        num_segments=S,
        dropout=0.2,
        **arguments,
    )
    randomize(made)
    return made


def check(ours: keras.Model, theirs: keras.Model) -> None:
    inputs = batch()
    expected = theirs({**inputs, "padding_mask": inputs["padding_mask"] * 1})
    outputs = ours(inputs)
    for k, length in enumerate(LENGTHS):
        close(
            outputs["sequence"][k, :length],
            expected["sequence_output"][k, :length],
        )
    close(outputs["pooled"], expected["pooled_output"])


def test_preset_and_files(tmp_path: Path) -> None:
    theirs = backbone()
    theirs.save_to_preset(tmp_path / "preset")
    ours = load_bert(tmp_path / "preset")
    check(ours, theirs)
    block = ours.get_layer("block_0")
    assert block.dropout == block.attention_dropout == 0.2

    theirs.save(tmp_path / "bert.keras")
    check(load_bert(tmp_path / "bert.keras"), theirs)

    beside = tmp_path / "beside"
    beside.mkdir()
    theirs.save_weights(beside / "mine.weights.h5")
    shutil.copy(tmp_path / "preset" / "config.json", beside)
    check(load_bert(beside / "mine.weights.h5"), theirs)
    check(load_bert(beside), theirs)
    theirs.save_weights(beside / "other.weights.h5")
    with pytest.raises(ValueError, match=r"mine\.weights\.h5.*other"):
        load_bert(beside)


@pytest.mark.slow
def test_preset_of_low_precision(tmp_path: Path) -> None:
    theirs = backbone(dtype="bfloat16")
    theirs.save_to_preset(tmp_path / "preset")
    theirs.save(tmp_path / "bert.keras")
    exact = backbone()
    exact.set_weights(
        [keras.ops.cast(weight, "float32") for weight in theirs.weights]
    )
    for path in (tmp_path / "preset", tmp_path / "bert.keras"):
        ours = load_bert(path)
        assert {weight.dtype for weight in ours.weights} == {"float32"}
        check(ours, exact)


@pytest.mark.slow
def test_masked_lm_head_of_a_task(tmp_path: Path) -> None:
    tokenizer = keras_hub.models.BertTokenizer(VOCABULARY, lowercase=True)
    preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
        tokenizer, sequence_length=T
    )
    task = keras_hub.models.BertMaskedLM(backbone(), preprocessor)
    randomize(task)
    inputs = batch()
    expected = task(
        {
            **inputs,
            "padding_mask": inputs["padding_mask"] * 1,
            "mask_positions": POSITIONS,
        }
    )
    task.save_to_preset(tmp_path / "preset")
    task.save(tmp_path / "task.keras")
    for path in (tmp_path / "preset", tmp_path / "task.keras"):
        check(load_bert(path), task.backbone)
        with pytest.warns(UserWarning, match="has no next sentence head"):
            ours = load_bert(path, heads=True)
        outputs = ours({**inputs, "masked_positions": POSITIONS})
        close(outputs["masked_lm"], keras.ops.convert_to_numpy(expected))


@pytest.mark.slow
def test_task_with_another_head(tmp_path: Path) -> None:
    theirs = keras_hub.models.BertTextClassifier(backbone(), num_classes=3)
    theirs.save(tmp_path / "task.keras")
    check(load_bert(tmp_path / "task.keras"), theirs.backbone)
    with pytest.raises(ValueError, match="masked language model"):
        load_bert(tmp_path / "task.keras", heads=True)
    theirs.save_to_preset(tmp_path / "preset")
    check(load_bert(tmp_path / "preset"), theirs.backbone)
    with pytest.raises(ValueError, match="BertTextClassifier"):
        load_bert(tmp_path / "preset", heads=True)


def test_another_class(tmp_path: Path) -> None:
    other = keras_hub.models.RobertaBackbone(
        vocabulary_size=V,
        num_layers=1,
        num_heads=H,
        hidden_dim=D,
        intermediate_dim=F,
        max_sequence_length=T,
    )
    other.save_to_preset(tmp_path / "preset")
    other.save(tmp_path / "other.keras")
    for path in (tmp_path / "preset", tmp_path / "other.keras"):
        with pytest.raises(ValueError, match="Received: .*'RobertaBackbone'"):
            load_bert(path)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (
            "vocabulary_size",
            18,
            "  other shape: layers/reversible_embedding/vars/0: the "
            "configuration requires (18, 8), the file has (17, 8)",
        ),
        # Keras itself would load only the first layer, without an error.
        (
            "num_layers",
            1,
            "  not known: layers/transformer_encoder_1/"
            "_feedforward_intermediate_dense/vars/0 (8, 12)",
        ),
        (
            "num_layers",
            3,
            "  missing: layers/transformer_encoder_2/"
            "_feedforward_intermediate_dense/vars/0 (8, 12)",
        ),
    ],
)
def test_weights_of_another_size(
    key: str, value: int, told: str, tmp_path: Path
) -> None:
    backbone().save_to_preset(tmp_path / "preset")
    config = tmp_path / "preset" / "config.json"
    content = json.loads(config.read_text())
    content["config"][key] = value
    config.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="do not fit") as caught:
        load_bert(tmp_path / "preset")
    assert told in str(caught.value).splitlines()


def test_damaged_file(tmp_path: Path) -> None:
    backbone().save(tmp_path / "bert.keras")
    whole = (tmp_path / "bert.keras").read_bytes()
    (tmp_path / "bert.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut off or damaged"):
        load_bert(tmp_path / "bert.keras")
    backbone().save_to_preset(tmp_path / "preset")
    file = tmp_path / "preset" / "model.weights.h5"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut off or damaged"):
        load_bert(tmp_path / "preset")
