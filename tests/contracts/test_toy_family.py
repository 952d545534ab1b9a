"""A fifth family of encoders, in this one file, tested with all features.

Its encoder is a bag of character trigrams under two dense layers. The code up
to "The tests" is all that the library needs for it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import test_model_laws as laws
import test_models_of_no_tokens
import test_no_rows
from keras import ops
from model_cases import INPUTS, LENGTHS, B, ModelCase, T

from keras_ctx import (
    convert,
    data,
    layers,
    models,
    predictions,
    serving,
    text,
    training,
)

ROWS, WIDTH, DIM = 97, 6, 8


@text.register_text_inputs
class TrigramInputs(text.WordLevelInputs):
    """Each word as the hashed trigrams of `^word$$`; 0 is "none"."""

    input_key = "trigram_ids"

    def __init__(self, rows=ROWS, max_characters=WIDTH, **arguments):
        super().__init__(**arguments)
        self.vocabulary_size = rows
        self.max_characters = max_characters

    def __call__(self, text, text_pair=None):
        words = self.rows(text, text_pair)
        marked = tf.strings.join(["^", words.values, "$$"])
        letters = tf.strings.unicode_split(marked, "UTF-8")
        thirds = [letters[:, :-2], letters[:, 1:-1], letters[:, 2:]]
        joined = tf.strings.join([third.values for third in thirds])
        ids = tf.strings.to_hash_bucket_fast(joined, self.vocabulary_size)
        ids = thirds[0].with_values(tf.cast(ids, tf.int32) + 1)
        ids = ids.to_tensor(0, shape=[None, self.max_characters])
        return {"trigram_ids": self.padded(words.with_values(ids))}

    def get_config(self):
        sizes = {
            "rows": self.vocabulary_size,
            "max_characters": self.max_characters,
        }
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable("toy")
class Bag(keras.layers.Layer):
    """The sum of the vectors of a word's trigrams, `(B, T, D)`."""

    def __init__(self, rows: int, dim: int, **kwargs):
        super().__init__(**kwargs)
        self.rows, self.dim = rows, dim
        self.table = layers.WordEmbedding(
            rows + 1, dim, name="table", dtype=self.dtype_policy
        )

    def build(self, shape):
        self.table.build(shape)

    def call(self, ids):
        vectors = self.table(ids)
        real = ops.cast(ops.expand_dims(ids != 0, -1), vectors.dtype)
        return ops.sum(vectors * real, axis=-2)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.dim)

    def get_config(self):
        return {**super().get_config(), "rows": self.rows, "dim": self.dim}


def trigram_encoder(rows: int = ROWS, max_characters: int = WIDTH):
    ids = keras.Input((None, max_characters), dtype="int32", name="trigram_ids")
    stack = [
        Bag(rows, DIM, name="bag"),
        keras.layers.Dense(DIM, "tanh", name="dense_0"),
        keras.layers.Dense(DIM, "tanh", name="dense_1"),
    ]
    return _encoder(ids, stack, "trigram_encoder")


def _encoder(ids, stack, name: str) -> keras.Model:
    mask = layers.PaddingMask(name="padding_mask")(ids)
    outputs = [stack[0](ids)]
    for dense in stack[1:]:
        outputs.append(dense(outputs[-1]))
    return keras.Model(
        {"trigram_ids": ids},
        {
            "sequence": outputs[-1],
            "layers": outputs,
            "pooled": layers.MaskedMean(name="pooler")(outputs[-1], mask),
            "padding_mask": mask,
        },
        name=name,
    )


NAMES = ("bag", "dense_0", "dense_1")
models.register_family(
    models.Family(
        "toy",
        reads="the trigrams of a toy",
        inputs=("trigram_ids",),
        layers=NAMES,
        text_inputs=("TrigramInputs",),
        encoder=lambda model, name: _encoder(
            model.input["trigram_ids"],
            [model.get_layer(x) for x in NAMES],
            name or "trigram_encoder",
        ),
        stack=lambda encoder: [[encoder.get_layer(x)] for x in NAMES],
        sizes=lambda encoder: {
            "vocabulary_size": encoder.get_layer("bag").rows,
            "max_characters": encoder.input["trigram_ids"].shape[-1],
        },
    )
)


convert.register_checkpoint_format(
    convert.CheckpointFormat(
        "a toy: toy.npz",
        lambda folder: (folder / "toy.npz").is_file(),
        lambda folder: _from_arrays(np.load(folder / "toy.npz")),
        lambda folder, max_length: TrigramInputs(
            len(np.load(folder / "toy.npz")["0"]) - 1, max_length=max_length
        ),
    )
)


def _from_arrays(arrays) -> keras.Model:
    encoder = trigram_encoder(len(arrays["0"]) - 1)
    encoder.set_weights([arrays[f"{k}"] for k in range(len(arrays))])
    return encoder


# The tests.

TEXTS = ["a good day", "bad", "a bad, bad film", "good good", "", "ein Täg"]
LABELS = [1, 0, 0, 1, 0, 1]
TAGS = [[int(word == "good") for word in text.split()] for text in TEXTS]
HEADS: dict[str, Callable] = {
    "classifier": lambda encoder: models.classifier(encoder, 2),
    "tagger": lambda encoder: models.tagger(encoder, 2),
    "tagger, crf": lambda encoder: models.tagger(
        encoder, 2, "scalar_mix", crf=True
    ),
    "span_extractor": models.span_extractor,
    "embedder": models.embedder,
}


def dataset(head: str) -> tf.data.Dataset:
    """Returns an endless dataset to train a head on."""
    inputs, steps = TrigramInputs(), {"batch_size": 6, "training": True}
    if head == "classifier":
        return data.classification_dataset(TEXTS, LABELS, inputs, **steps)
    if head.startswith("tagger"):
        rows = [
            (words.split(), tags)
            for words, tags in zip(TEXTS, TAGS, strict=True)
            if tags
        ]
        words, tags = zip(*rows, strict=True)
        steps["batch_size"] = len(rows)
        return data.tagging_dataset(words, tags, inputs, **steps)
    features = inputs(TEXTS, TEXTS)
    targets = {
        "span_extractor": {"start_logits": np.ones(6), "end_logits": [0] * 6},
        "embedder": {"embedding": np.eye(6, DIM)},
    }[head]
    targets = {name: np.array(value) for name, value in targets.items()}
    examples: Any = (features, targets)
    rows = tf.data.Dataset.from_tensor_slices(examples)
    return rows.batch(6).repeat()


def losses(head: str):
    if head == "embedder":
        return {"embedding": "cosine_similarity"}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if head == "span_extractor":
        return {"start_logits": loss, "end_logits": loss}
    return {"logits": training.CRFLoss() if "crf" in head else loss}


@pytest.mark.quick("classifier")
@pytest.mark.parametrize("head", HEADS)
def test_every_head_learns_and_gives_its_encoder(
    head: str, tmp_path: Path
) -> None:
    encoder = trigram_encoder()
    model = HEADS[head](encoder)
    rates = training.layer_rates(model, 0.5)
    assert [rates[x.path][0] for x in encoder.trainable_variables[:3]] == [
        *(0.125, 0.25, 0.25)
    ]
    model.compile(training.LayerwiseAdamW(0.03, rates), loss=losses(head))
    before = [x.copy() for x in encoder.get_weights()]
    history = model.fit(
        dataset(head), epochs=5, steps_per_epoch=4, verbose=0, shuffle=False
    )
    first, *_, last = history.history["loss"]
    assert last < first - 0.2 * abs(first)
    for old, new in zip(before, encoder.get_weights(), strict=True):
        assert not np.array_equal(old, new)

    features = TrigramInputs()(TEXTS)
    expected = encoder(features)
    for found in (model, saved_and_loaded(model, tmp_path)):
        inside = models.encoder_of(found)
        assert inside.name == "trigram_encoder"
        outputs = inside(features)
        assert outputs.keys() == expected.keys()
        for ours, theirs in zip(
            keras.tree.flatten(outputs),
            keras.tree.flatten(expected),
            strict=True,
        ):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def saved_and_loaded(model: keras.Model, folder: Path) -> keras.Model:
    model.save(folder / "saved.keras")
    return keras.saving.load_model(folder / "saved.keras")


_IDS = np.random.default_rng(1).integers(1, ROWS + 1, (B, T, WIDTH))
_REAL = np.arange(T)[None] < np.array(LENGTHS)[:, None]
INPUTS["toy"] = {
    "trigram_ids": ((_IDS * _REAL[..., None]).astype("int32"), "BTC", 0)
}
_ENCODED = {
    "sequence": "BTD",
    "layers": "BTD",
    "pooled": "BD",
    "padding_mask": "BT",
}
CASES = [
    ModelCase("toy encoder", trigram_encoder, "toy", _ENCODED),
    ModelCase(
        "classifier of toy",
        lambda: HEADS["classifier"](trigram_encoder()),
        "toy",
        {"logits": "BK"},
    ),
    ModelCase(
        "tagger of toy, crf",
        lambda: HEADS["tagger, crf"](trigram_encoder()),
        "toy",
        {"logits": "BTKK", "scores": "BTK", "tags": "BT"},
    ),
]
LAWS = [
    laws.test_symbolic_shape_and_dtype_are_the_eager_ones,
    laws.test_cloned_is_equal_to_the_bit,
    laws.test_every_trainable_weight_gets_a_gradient,
    laws.test_padding_changes_no_real_output,
    laws.test_alone_is_as_in_a_batch,
    laws.test_compiled_is_as_eager,
    lambda case: laws.test_policy(case, "mixed_bfloat16"),
    test_no_rows.test_model,
    test_models_of_no_tokens.test_no_token_in_and_none_out,
]


@pytest.mark.quick(
    "test_compiled_is_as_eager-toy encoder",
    "*no_token*-toy encoder",
    "*symbolic*",
    "*clone*",
    "*alone*",
    "*gradient*",
    "*padding*",
    "<lambda>*",
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("law", LAWS)
def test_law(law: Callable, case: ModelCase) -> None:
    law(case)


def test_frozen_is_not_trained() -> None:
    model = models.classifier(trigram_encoder(), 2, frozen=True)
    assert len(model.trainable_weights) == 2
    with pytest.raises(
        ValueError, match="must have the blocks of a Transformer"
    ):
        models.enable_lora(models.classifier(trigram_encoder(), 2), 2)


def test_text_inputs_by_hand() -> None:
    inputs = TrigramInputs(max_length=2)
    ids = inputs(["ab c", "ab"])["trigram_ids"].numpy()
    hashed = [
        int(tf.strings.to_hash_bucket_fast(x, ROWS)) + 1
        for x in ("^ab", "ab$", "b$$", "^c$", "c$$")
    ]
    zeros = [0] * WIDTH
    first = [*hashed[:3], 0, 0, 0]
    second = [*hashed[3:], 0, 0, 0, 0]
    assert ids.tolist() == [[first, second], [first, zeros]]
    assert inputs.padding_mask({"trigram_ids": ids}).numpy().tolist() == [
        [True, True],
        [True, False],
    ]
    assert inputs.special_positions(2) == 2  # </S> <S>
    assert inputs.special_positions() == inputs.leading_positions() == 0
    assert inputs.uncut().max_length is None
    text.warn_unknown(inputs, TEXTS, "no warning: it knows all")


def write_folder(folder: Path, **settings) -> Path:
    training.save_model(trigram_encoder(), folder / "encoder.keras")
    text.save_inputs(TrigramInputs(**settings), folder / "text_inputs.json")
    return folder


@pytest.mark.slow
def test_a_fresh_process_loads_both(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    models.tagger(convert.load_encoder(folder), 3, crf=True).save(
        folder / "model.keras"
    )
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join(map(str, (tests.parent, tests)))
    env = {**os.environ, "PYTHONPATH": paths}
    subprocess.run([sys.executable, __file__, folder], check=True, env=env)
    found = np.load(folder / "found.npz")
    inputs = convert.load_text_inputs(folder)
    assert inputs.get_config() == TrigramInputs().get_config()
    expected = convert.load_encoder(folder)(inputs(TEXTS))
    np.testing.assert_array_equal(found["sequence"], expected["sequence"])
    model = keras.saving.load_model(folder / "model.keras")
    np.testing.assert_array_equal(
        found["scores"], model(inputs(TEXTS))["scores"]
    )


def test_a_checkpoint_of_its_own_format(tmp_path: Path) -> None:
    encoder = trigram_encoder(53)
    arrays = {f"{k}": x for k, x in enumerate(encoder.get_weights())}
    (tmp_path / "toy").mkdir()
    np.savez(tmp_path / "toy" / "toy.npz", allow_pickle=False, **arrays)
    inputs = convert.load_text_inputs(tmp_path / "toy", max_length=3)
    assert inputs.get_config() == TrigramInputs(53, max_length=3).get_config()
    loaded = convert.load_encoder(tmp_path / "toy")
    convert.check_text_inputs(inputs, loaded, tmp_path)
    expected = np.asarray(encoder(inputs(TEXTS))["sequence"])
    np.testing.assert_array_equal(loaded(inputs(TEXTS))["sequence"], expected)
    embedder, inputs = convert.load_embedder(tmp_path / "toy", max_length=3)
    assert models.family_of(embedder).name == "toy"
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="(?s)ELMo: options.*a toy: toy.npz"):
        convert.load_encoder(tmp_path / "none")
    with pytest.raises(ValueError, match="must be a `CheckpointFormat`"):
        convert.register_checkpoint_format("toy")  # pyright: ignore


def test_text_inputs_of_another_family_are_refused(tmp_path: Path) -> None:
    encoder, inputs = trigram_encoder(), TrigramInputs()
    convert.check_text_inputs(inputs, encoder, "runs/a", pairs=True)
    told = r"reads the trigrams of a toy .*ElmoInputs\) give the characters"
    with pytest.raises(ValueError, match=told):
        convert.check_text_inputs(text.ElmoInputs(), encoder, "runs/a")
    told = r"characters of an ELMo .*TrigramInputs\) give the trigrams of a toy"
    elmo = models.elmo_encoder([(1, 4)], 5, 3, max_characters=5)
    with pytest.raises(ValueError, match=told):
        convert.check_text_inputs(inputs, elmo, "runs/a")
    for settings, told in (
        ({"max_characters": 9}, "reads 6 characters .* give 9"),
        ({"rows": 98}, "has 97 rows, .* 98 tokens"),
    ):
        with pytest.raises(ValueError, match=told):
            other = TrigramInputs(**settings)
            convert.check_text_inputs(other, encoder, "runs/a")

    class OneText(TrigramInputs):
        takes_pairs = False

    with pytest.raises(
        ValueError, match="take one text per row, not text pairs"
    ):
        convert.check_text_inputs(OneText(), encoder, "runs/a", pairs=True)
    model = models.classifier(encoder, 2)
    with pytest.raises(ValueError, match="must take pairs.*OneText"):
        serving.export(model, OneText(), tmp_path, ["a", "b"], pair=True)
    with pytest.raises(ValueError, match="`inputs` must be one of BertInputs"):
        text.save_inputs(OneText(), tmp_path / "text_inputs.json")


def test_the_row_with_most_of_a_model_is_its_family() -> None:
    # A family with the same input, and an extra layer.
    row = models.family_of(trigram_encoder())
    assert row.name == "toy"
    narrow = models.Family(
        "narrow",
        reads="trigrams",
        inputs=("trigram_ids",),
        layers=(*NAMES, "third"),
        text_inputs=("TrigramInputs",),
        encoder=row.encoder,
        stack=row.stack,
    )
    assert narrow.fits(trigram_encoder()) == 0
    with pytest.raises(ValueError, match=r"of a registered family.*'x'"):
        x = keras.Input((3,), name="x")
        models.family_of(keras.Model({"x": x}, {"y": x + 1}))
    with pytest.raises(ValueError, match="must be a `Family`"):
        models.register_family("toy")  # pyright: ignore[reportArgumentType]


EXPORTS = {
    "classifier": ("classify", ["bad", "good"], ("text",)),
    "tagger, crf": ("tag", ["O", "B-GOOD"], ("text",)),
    "span_extractor": ("answer", None, ("question", "context")),
    "embedder": ("embed", None, ("text",)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        "classifier",
        *(
            pytest.param(head, marks=pytest.mark.slow)
            for head in EXPORTS
            if head != "classifier"
        ),
    ],
)
def test_exported_answers_are_the_models(head: str, tmp_path: Path) -> None:
    task, labels, names = EXPORTS[head]
    model, inputs = HEADS[head](trigram_encoder()), TrigramInputs()
    # It also compares with a fresh process of raw TensorFlow.
    version = serving.export(model, inputs, tmp_path / "toy", labels)
    served = tf.saved_model.load(str(version)).signatures
    asked = {name: tf.constant(TEXTS[:4]) for name in names}
    answers = {k: x.numpy() for k, x in served[task](**asked).items()}
    rows = model(inputs(*asked.values()))
    if task == "classify":
        scores = np.exp(rows["logits"])
        scores = -np.sort(-scores / scores.sum(1, keepdims=True))
        np.testing.assert_allclose(answers["scores"], scores, rtol=1e-5)
    elif task == "tag":
        best = np.asarray(rows["tags"])
        for row, words in enumerate(x.split() for x in TEXTS[:4]):
            tags = [labels[k].encode() for k in best[row, : len(words)]]
            assert answers["tags"][row, : len(words)].tolist() == tags
    elif task == "embed":
        np.testing.assert_allclose(
            answers["embedding"], rows["embedding"], rtol=1e-5, atol=1e-6
        )
    else:
        for answer, context in zip(answers["answers"], TEXTS, strict=False):
            assert answer[0].decode() in context
    if task != "embed":
        inside = served["embed"](text=asked[names[0]])
        encoder = models.encoder_of(model)
        np.testing.assert_allclose(
            inside["sequence"],
            encoder(inputs(asked[names[0]]))["sequence"],
            rtol=1e-5,
            atol=1e-6,
        )


TOY = {"epochs": 2, "batch_size": 4, "learning_rate": 0.05}


def load_recipe(name: str):
    from recipes.recipe_files import load_recipe

    return load_recipe(name)


@pytest.mark.slow
def test_classifier_recipe(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_classifier")
    init = write_folder(tmp_path / "init", max_length=20)
    train, plain = tmp_path / "train.tsv", tmp_path / "plain.txt"
    rows = [(x, y) for x, y in zip(TEXTS, LABELS, strict=True) if x]
    train.write_text("".join(f"{x}\t{'ab'[y]}\n" for x, y in rows * 3))
    plain.write_text("".join(f"{x}\n" for x, _ in rows))
    output = tmp_path / "run"
    results = recipe.main(
        recipe.Config(
            init=init,
            train=train,
            test=train,
            predict=plain,
            output=output,
            compare=False,
            layer_decay=0.8,
            gradual_unfreezing=True,
            **TOY,
        )
    )
    assert 0 <= results["pretrained"] <= 1
    lines = (output / "predicted.tsv").read_text().splitlines()
    assert [line[0] in "ab" for line in lines] == [True] * len(rows)
    # The encoder of the run starts the next run.
    assert models.family_of(convert.load_encoder(output)).name == "toy"
    task = predictions.read_task(output)
    assert type(task.text_inputs) is TrigramInputs


@pytest.mark.slow  # quick: test_classifier_recipe
def test_tagger_recipe(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_tagger")
    init = write_folder(tmp_path / "init", max_length=20)
    train = tmp_path / "train.conll"
    train.write_text("Ann\tB-PER\nran\tO\n\nBob\tB-PER\nLee\tI-PER\n\n" * 8)
    plain = tmp_path / "plain.conll"
    plain.write_text("Ann\nran\n\n")
    results = recipe.main(
        recipe.Config(
            init=init,
            train=train,
            test=train,
            predict=plain,
            output=tmp_path / "run",
            compare=False,
            crf=True,
            **TOY,
        )
    )
    assert 0 <= results["pretrained"] <= 1
    assert list((tmp_path / "run").glob("predicted*"))


@pytest.mark.slow  # quick: test_classifier_recipe
def test_squad_recipe(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")
    init = write_folder(tmp_path / "init", max_length=24)
    articles = [
        {
            "title": f"{number}",
            "paragraphs": [
                {
                    "context": f"{name} went home .",
                    "qas": [
                        {
                            "id": f"{number}",
                            "question": "who ?",
                            "answers": [{"text": name, "answer_start": 0}],
                        }
                    ],
                }
            ],
        }
        for number, name in enumerate(["ann", "bob", "eve"] * 8)
    ]
    train = tmp_path / "train.json"
    train.write_text(json.dumps({"version": "1.1", "data": articles}))
    results = recipe.main(
        recipe.Config(
            init=init,
            train=train,
            test=train,
            predict=train,
            output=tmp_path / "run",
            max_question=6,
            max_answer=4,
            **TOY,
        )
    )
    assert 0 <= results["scores"]["f1"]["mean"] <= 100
    found = json.loads((tmp_path / "run" / "predicted.json").read_text())
    assert found.keys() == {f"{number}" for number in range(24)}


@pytest.mark.slow  # quick: test_text_inputs_by_hand
def test_recipes_of_vectors(tmp_path: Path) -> None:
    init = write_folder(tmp_path / "init", max_length=20)
    corpus, output = tmp_path / "corpus.txt", tmp_path / "vectors"
    lines = ["a good day", "", "one word more than that " * 6]
    corpus.write_text("".join(f"{line}\n" for line in lines))
    recipe = load_recipe("embed_corpus")
    recipe.main(recipe.Config(init=init, corpus=corpus, output=output))
    encoder = convert.load_encoder(init)
    for line, found in zip(lines, data.read_vectors(output), strict=True):
        assert found.tokens == line.split()  # whole, without a limit
        if line:
            every = encoder(TrigramInputs()([line]))["layers"]
            expected = np.stack([np.asarray(x)[0] for x in every], axis=1)
            np.testing.assert_allclose(
                found.vectors, expected, rtol=1e-5, atol=1e-6
            )
    for wrong in ({"markers": True}, {"warm_start": 2}):
        with pytest.raises(ValueError, match="ELMo|elmo_encoder"):
            recipe.main(
                recipe.Config(
                    init=init, corpus=corpus, output=tmp_path / "no", **wrong
                )
            )
    recipe = load_recipe("embed_sentences")
    recipe.main(
        recipe.Config(init=init, input=corpus, output=tmp_path / "sentences")
    )
    first, *_ = data.read_vectors(tmp_path / "sentences")
    outputs = encoder(TrigramInputs()(lines[:1]))
    mean = np.asarray(outputs["sequence"])[0].mean(0)
    expected = mean / np.linalg.norm(mean)
    np.testing.assert_allclose(
        np.ravel(first.vectors), expected, rtol=1e-5, atol=1e-6
    )


def main(folder: Path) -> None:
    inputs = convert.load_text_inputs(folder)
    features = inputs(TEXTS)
    model = keras.saving.load_model(folder / "model.keras")
    np.savez(
        folder / "found.npz",
        allow_pickle=False,
        sequence=convert.load_encoder(folder)(features)["sequence"],
        scores=model(features)["scores"],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
