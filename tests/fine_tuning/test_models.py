"""Models to train: the encoder, its untrained twin, the compiled model."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import fine_tuning, models, text, training


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    encoder = models.bert_encoder(9, 2, 2, 8, 12, max_length=6)
    training.save_model(encoder, folder / "encoder.keras")
    tokens = [*text.SPECIAL_TOKENS, "a", "b", "c", "d"]
    text.save_inputs(text.BertInputs(tokens, 6), folder / "text_inputs.json")
    return folder


def options(folder: Path, **arguments) -> fine_tuning.LabelledDataOptions:
    return fine_tuning.LabelledDataOptions(
        **{"init": folder, "output": Path("runs/one"), **arguments}
    )


def test_encoder_and_its_untrained_twin(folder: Path) -> None:
    saved = keras.saving.load_model(folder / "encoder.keras")
    encoder = fine_tuning.load_encoder(options(folder))
    twin = fine_tuning.load_encoder(options(folder), pretrained=False)
    kernels = [
        np.asarray(x.get_layer("block_0").weights[0])
        for x in (saved, encoder, twin)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 1e-3
    assert [x.shape for x in twin.weights] == [x.shape for x in saved.weights]
    half = fine_tuning.load_encoder(
        options(folder, dtype="mixed_bfloat16"), pretrained=False
    )
    assert half.output["sequence"].dtype == "bfloat16"


def compiled(folder: Path, head=models.classifier, **arguments) -> keras.Model:
    given = options(folder, **arguments)
    model = head(fine_tuning.load_encoder(given), 3)
    loss = training.task_loss("classification")
    return fine_tuning.compile_model(given, model, 10, loss)


def test_updates_of_the_whole_run(folder: Path) -> None:
    model = compiled(
        folder, epochs=4, gradient_accumulation_steps=2, learning_rate=0.5
    )
    schedule = model.optimizer.get_config()["learning_rate"]["config"]
    schedule = schedule["schedule"]["config"]
    # 4 epochs of 10 batches, with two batches per update.
    assert schedule["total_steps"] == 20
    assert schedule["peak_learning_rate"] == 0.5
    config = model.optimizer.get_config()
    assert config["gradient_accumulation_steps"] == 2


def test_rates_of_layers(folder: Path) -> None:
    model = compiled(folder, layer_decay=0.5, gradual_unfreezing=True, epochs=4)
    rates = model.optimizer.get_config()["layer_rates"]
    assert tuple(rates["logits/kernel"]) == (1.0, 0)
    deepest = min(rates.values())
    # Two blocks and the embeddings under the head; an epoch has ten updates.
    assert tuple(deepest) == (0.5**3, 30)
    assert compiled(folder).optimizer.get_config()["layer_rates"] is None


def test_low_rank_updates(folder: Path) -> None:
    names = [x.path for x in compiled(folder, lora_rank=2).trainable_weights]
    assert any("lora" in name for name in names)
    assert not any("token_and_segment" in name for name in names)
    plain = [x.path for x in compiled(folder).trainable_weights]
    assert not any("lora" in name for name in plain)


def test_options_of_another_recipe_are_not_needed(folder: Path) -> None:
    """Those of questions have no `schedule`, and make no larger batches."""
    given = fine_tuning.QuestionOptions(
        init=folder, output=Path("one"), train=Path("a.json"), epochs=2
    )
    model = models.span_extractor(fine_tuning.load_encoder(given))
    loss = training.task_loss("question_answering")
    model = fine_tuning.compile_model(given, model, 7, loss)
    schedule = model.optimizer.get_config()["learning_rate"]["config"]
    assert schedule["total_steps"] == 14


def test_begin_writes_nothing_for_what_cannot_be_made(
    folder: Path, tmp_path: Path
) -> None:
    given = options(folder, output=tmp_path / "run", mix="concat_last_4")
    inputs = given.load_text_inputs()

    def begin(**changes) -> None:
        arguments = {"encoder": inputs, "mix": "last", **changes}
        fine_tuning.begin(
            given,
            training.strategy(),
            {},
            arguments["encoder"],
            lambda encoder: models.classifier(encoder, 2, arguments["mix"]),
        )

    with pytest.raises(ValueError, match="at least 4"):
        begin(mix="concat_last_4")
    with pytest.raises(ValueError, match="encoder"):
        begin(encoder=text.ElmoInputs(max_characters=8))
    assert not given.output.exists()
    begin()
    assert (given.output / "settings.json").exists()
