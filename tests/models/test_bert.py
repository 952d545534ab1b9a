"""BERT's published sizes, its names and its pretrainer."""

import math

import keras
import numpy as np
import pytest

from keras_ctx import models

V = 30_522  # words of the uncased English vocabulary
SIZES = {  # layers, features, heads; numbers of the encoder, the pretrainer
    # Known from the checkpoints of google-research/bert at huggingface.co
    # (BertModel, BertForPreTraining), except the medium size and the smaller
    # pretrainers, which are only compared with the formula below. Devlin et al.
    # 2019, section 3, round to 110 and 340 million.
    "bert_tiny": (2, 128, 2, 4_385_920, 4_433_468),
    "bert_mini": (4, 256, 4, 11_170_560, 11_267_900),
    "bert_small": (4, 512, 8, 28_763_648, 29_058_876),
    "bert_medium": (8, 512, 8, 41_373_184, 41_668_412),
    "bert_base": (12, 768, 12, 109_482_240, 110_106_428),
    "bert_large": (24, 1024, 16, 335_141_888, 336_226_108),
}


@pytest.fixture
def without_values():
    """Creates weights without values: BERT-large would need 1.3 GB."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()  # it keeps a list of weights without values


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


@pytest.mark.quick("bert_tiny", "bert_mini", "bert_base")
@pytest.mark.parametrize("name", SIZES)
def test_number_of_parameters(name: str, without_values) -> None:
    num_layers, d, heads, encoder_size, pretrainer_size = SIZES[name]
    encoder = getattr(models, name)(V)
    # The number of heads does not change that of parameters.
    block = encoder.get_layer("block_0")
    assert (block.num_heads, block.attention.key_dim) == (heads, 64)
    assert (block.activation, block.norm_first) == ("gelu", False)
    norm = 2 * d
    attention = 4 * dense(d, d)  # query, key, value, output
    feed_forward = dense(d, 4 * d) + dense(4 * d, d)
    expected = (
        (V + 512 + 2) * d  # words, positions, segments
        + norm
        + num_layers * (attention + norm + feed_forward + norm)
        + dense(d, d)  # pooler
    )
    assert encoder.count_params() == expected == encoder_size
    # The transform and its norm, a bias for each word, two classes.
    expected += dense(d, d) + norm + V + dense(d, 2)
    pretrainer = models.bert_pretrainer(encoder)
    assert pretrainer.count_params() == expected == pretrainer_size


def tiny(**arguments) -> keras.Model:
    sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 4}
    arguments = {"intermediate_dim": 6, "max_length": 8, **arguments}
    return models.bert_encoder(**{"vocabulary_size": 9, **sizes, **arguments})


def inputs(length: int = 5) -> dict[str, np.ndarray]:
    ids = np.arange(length, dtype="int32")[None] % 9
    return {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": np.ones((1, length), bool),
    }


def test_layer_names() -> None:
    encoder = tiny(norm_first=True)
    pretrainer = models.bert_pretrainer(encoder)
    for name in ("embeddings", "block_0", "block_1", "final_norm", "pooler"):
        # Shared layers: training one trains the other.
        assert pretrainer.get_layer(name) is encoder.get_layer(name)
    for name in ("gather", "dense", "norm", "bias"):
        pretrainer.get_layer(f"masked_lm_{name}")
    pretrainer.get_layer("next_sentence")
    with pytest.raises(ValueError, match="No such layer: final_norm"):
        tiny().get_layer("final_norm")


@pytest.mark.parametrize("blocks", [None, 0.05])
def test_all_starts_with_the_deviation_asked_for(blocks) -> None:
    sizes = {"hidden_dim": 64, "intermediate_dim": 64, "num_layers": 1}
    encoder = tiny(
        vocabulary_size=64,
        initializer_range=0.3,
        block_initializer_range=blocks,
        **sizes,
    )
    model = models.bert_pretrainer(encoder)
    drawn = [w for w in model.weights if w.name in ("embeddings", "kernel")]
    # Three tables; six kernels of the block; pooler, transform and classes.
    assert len(drawn) == 3 + 6 + 3
    for weight in drawn:
        in_block = weight.path.startswith("block_0")
        bound = 2 * (blocks if in_block and blocks is not None else 0.3)
        # At least 128 numbers, from a normal truncated at two deviations.
        assert 0.7 * bound < np.abs(weight).max() < 1.001 * bound, weight.path
    head = models.tagger(encoder, 9).get_layer("logits").kernel
    assert 0.7 * 0.6 < np.abs(head).max() < 1.001 * 0.6


FIRST = [
    *(-0.030056921765208244, -0.0053022680804133415, 0.002820265246555209),
    *(-0.017506776377558708, 0.0, -0.009447094984352589, 0.0),
    *(0.021974319592118263, 0.0, -0.009746094234287739),
    *(-0.02912774682044983, -0.020223446190357208, -0.0009838052792474627),
    *(0.015842368826270103, -0.014484248124063015, -0.022334886714816093),
]


def test_first_weights_of_a_seed_are_those_of_version_0() -> None:
    # Recorded before `initializer_range` covered more than the blocks.
    keras.utils.set_random_seed(7)
    encoder = models.bert_encoder(50, 1, 2, 8, 16, 8)
    found = models.bert_pretrainer(encoder).weights
    classes = models.classifier(encoder, 3).get_layer("logits").kernel
    numbers = [np.ravel(w)[0] for w in (*found, classes) if w.ndim > 1]
    np.testing.assert_array_equal(numbers, np.array(FIRST, "float32"))


def test_masked_lm_of_another_kind_than_its_encoder() -> None:
    encoder = tiny(activation="gelu_tanh")
    same = models.bert_pretrainer(encoder)
    assert same.get_layer("masked_lm_dense").activation.__name__ == "gelu_tanh"
    assert same.get_layer("masked_lm_norm").epsilon == 1e-12
    other = models.bert_pretrainer(encoder, "relu", 1e-3)
    assert other.get_layer("masked_lm_dense").activation.__name__ == "relu"
    assert other.get_layer("masked_lm_norm").epsilon == 1e-3
    with pytest.raises(ValueError, match="`activation` must be one of"):
        models.bert_pretrainer(encoder, activation="elu")


def test_masked_lm_reads_the_masked_positions_only() -> None:
    encoder = tiny()
    model = models.bert_pretrainer(encoder)
    positions = np.array([[4, 1, 1]])
    logits = model({**inputs(), "masked_positions": positions})["masked_lm"]
    assert logits.shape == (1, 3, 9)
    # From here by hand: dense, exact gelu, norm, the encoder's own table.
    x = np.asarray(encoder(inputs())["sequence"])[0, positions[0]]
    kernel, bias = model.get_layer("masked_lm_dense").get_weights()
    x = x @ kernel + bias
    x = x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-12)
    table = encoder.get_layer("embeddings").token_embedding.get_weights()[0]
    np.testing.assert_allclose(logits[0], x @ table.T, rtol=0, atol=1e-5)


ERRORS = {
    "`vocabulary_size` must be .*=0": {"vocabulary_size": 0},
    "`num_layers` must be .* num_layers=0": {"num_layers": 0},
    "`num_layers` must be .* num_layers=2.0": {"num_layers": 2.0},
    "`num_heads` must divide .* num_heads=3, features=4": {"num_heads": 3},
    "`hidden_dim` must be .* hidden_dim=0": {"hidden_dim": 0},
    "`intermediate_dim` must be .*=-6": {"intermediate_dim": -6},
    "`max_length` must be .* max_length=0": {"max_length": 0},
    "`num_segments` must be .* num_segments=0": {"num_segments": 0},
    "`activation` must be one of .*'tanh'": {"activation": "tanh"},
    "`dropout` must be a rate .* dropout=1.5": {"dropout": 1.5},
    "`attention_dropout` must be a rate .*=1.0": {"attention_dropout": 1.0},
    "`layer_norm_epsilon` must be .*=0": {"layer_norm_epsilon": 0},
    "`initializer_range` must be .*=nan": {"initializer_range": math.nan},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny(**ERRORS[message])


def test_error_of_too_many_tokens() -> None:
    encoder = tiny()
    assert encoder(inputs(8))["sequence"].shape == (1, 8, 4)
    with pytest.raises(ValueError, match="`max_length=8` .*Received: 9"):
        encoder(inputs(9))
