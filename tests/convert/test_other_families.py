"""Models that only look like BERT are refused by name, without reading."""

from pathlib import Path
from typing import Any

import pytest
from bert_files import (
    V,
    arrays,
    as_torch,
    config,
    write_huggingface,
    write_json,
)

from keras_ctx import convert, text

WORDS = [*text.SPECIAL_TOKENS, *(f"w{i}" for i in range(V - 5))]
LOADERS = [
    convert.load_encoder,
    convert.load_pretrainer,
    convert.load_text_inputs,
    convert.load_task_model,
]


def unreadable(folder: Path, content: dict[str, Any]) -> Path:
    """Writes weights that raise an error if they are read."""
    folder.mkdir(exist_ok=True)
    write_json(folder / "config.json", content)
    (folder / "model.safetensors").write_bytes(b"no weights")
    (folder / "vocab.txt").write_text("".join(f"{x}\n" for x in WORDS))
    return folder


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"model_type": "distilbert", "dim": 8, "n_heads": 2}, "'distilbert'"),
        ({"model_type": "roberta"}, "'roberta'"),
        ({"model_type": "camembert"}, "'camembert'"),
        ({"model_type": "albert", "embedding_size": 4}, "'albert'"),
        ({"model_type": "electra", "embedding_size": 4}, "'electra'"),
        ({"model_type": "deberta-v2"}, "'deberta-v2'"),
        ({"model_type": "xlm-roberta"}, "'xlm-roberta'"),
        ({"model_type": "ernie", "use_task_id": True}, "`use_task_id`"),
        ({"model_type": "ernie_m"}, "'ernie_m'"),
        ({"architectures": ["ErnieMModel"]}, "ErnieMModel"),
        ({"architectures": ["RobertaForMaskedLM"]}, "RobertaForMaskedLM"),
        ({"architectures": ["ElectraModel"]}, "ElectraModel"),
        ({"architectures": ["DebertaV2Model"]}, "DebertaV2Model"),
        # Written before there was a `model_type`.
        ({"model_type": None, "dim": 8, "n_heads": 2}, "`n_heads`.*DistilBERT"),
        ({"model_type": None, "num_hidden_groups": 1}, "`num_hid.*ALBERT"),
    ],
)
def test_architectures(
    load: Any, content: dict, told: str, tmp_path: Path
) -> None:
    folder = unreadable(tmp_path, config(**content))
    with pytest.raises(ValueError, match=f"must hold a BERT.*{told}"):
        load(folder)
    # For any format of weights, and without weights.
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=f"must hold a BERT.*{told}"):
        load(folder)
    (folder / "pytorch_model.bin").rename(folder / "tf_model.h5")
    with pytest.raises(ValueError, match=f"must hold a BERT.*{told}"):
        load(folder)


@pytest.mark.parametrize("prefix", ["roberta.", "electra.", "x.deberta."])
def test_tensors_of_another_family(prefix: str, tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, as_torch(arrays(), prefix))
    with pytest.raises(ValueError, match=f"under '{prefix}'.*another arch"):
        convert.load_bert(folder)


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {
                "tokenizer_config.json": {
                    "do_lower_case": False,
                    "word_tokenizer_type": "mecab",
                    "subword_tokenizer_type": "wordpiece",
                    "mecab_kwargs": {"mecab_dic": "ipadic"},
                }
            },
            "`word_tokenizer_type`.*'mecab'.*Japanese",
        ),
        (
            {"tokenizer_config.json": {"subword_tokenizer_type": "character"}},
            "`subword_tokenizer_type`.*'character'",
        ),
        (
            {
                "tokenizer_config.json": {
                    "tokenizer_class": "BertJapaneseTokenizer"
                }
            },
            "tokenizer_config.json: `tokenizer_class`.*BertJapanese",
        ),
        (
            {"config.json": config(tokenizer_class="BertJapaneseTokenizer")},
            "config.json: `tokenizer_class`.*BertJapanese",
        ),
        *(
            (
                {"tokenizer_config.json": {"tokenizer_class": name}},
                f"`tokenizer_class`.*'{name}'",
            )
            for name in (
                "RobertaTokenizerFast",
                "CamembertTokenizer",
                "AlbertTokenizer",
                "DebertaV2TokenizerFast",
                "BertweetTokenizer",
                "BertGenerationTokenizer",
            )
        ),
        ({"spiece.model": None}, r"spiece\.model.*SentencePiece"),
        # KoBERT has both, and its vocab.txt is SentencePiece's.
        ({"tokenizer_78b3253a26.model": None}, "SentencePiece"),
        (
            {
                "tokenizer_config.json": {
                    "auto_map": {"AutoTokenizer": ["x.MyTokenizer", None]}
                }
            },
            "`auto_map` .*MyTokenizer.* never run",
        ),
        (
            {"tokenizer_config.json": {"do_basic_tokenize": False}},
            "`do_basic_tokenize` must be true",
        ),
    ],
)
def test_tokenizers(load: Any, files: dict, told: str, tmp_path: Path) -> None:
    folder = unreadable(tmp_path, config())
    for name, content in files.items():
        if content is None:
            (folder / name).write_bytes(b"\x0a\x0e\x0a\x05<unk>")
        else:
            write_json(folder / name, content)
    with pytest.raises(ValueError, match=told):
        load(folder)


@pytest.mark.parametrize("name", ["merges.txt", "bpe.codes", "vocab.json"])
def test_byte_pairs(name: str, tmp_path: Path) -> None:
    folder = unreadable(tmp_path, config())
    (folder / "vocab.txt").rename(folder / name)
    with pytest.raises(ValueError, match=f"{name}.*byte-pair"):
        convert.load_text_inputs(folder)


@pytest.mark.parametrize("mark", ["\u2581{}", "\u0120{}", "{}@@", "{}</w>"])
def test_vocabularies_of_another_spelling(mark: str, tmp_path: Path) -> None:
    folder = unreadable(tmp_path, config())
    tokens = [mark.format(x) if x[0] != "[" else x for x in WORDS]
    text.save_vocabulary(tokens, folder / "vocab.txt")
    with pytest.raises(ValueError, match="12 of 17 tokens with"):
        convert.load_text_inputs(folder)


@pytest.mark.parametrize(
    "content",
    [
        {"tokenizer_class": "BertTokenizer", "word_tokenizer_type": "basic"},
        {"tokenizer_class": "BertTokenizerFast"},
        {"tokenizer_class": "DistilBertTokenizer"},
        {"tokenizer_class": "ElectraTokenizerFast"},
        {"tokenizer_class": "PreTrainedTokenizerFast"},
        {"tokenizer_class": None, "do_basic_tokenize": True},
        {"never_split": None, "model_max_length": 10**30},
    ],
)
def test_what_is_berts_passes(content: dict, tmp_path: Path) -> None:
    model = config(architectures=["BertForPreTraining"], tokenizer_class=None)
    folder = write_huggingface(tmp_path, as_torch(arrays()), model)
    text.save_vocabulary(WORDS, folder / "vocab.txt")
    content = {"do_lower_case": True, **content}
    write_json(folder / "tokenizer_config.json", content)
    ids = convert.load_text_inputs(folder)(["W0 w3"])["token_ids"].numpy()
    assert ids.tolist() == [[2, 5, 8, 3]]
    convert.load_encoder(folder)


def test_the_weights_of_an_odd_tokenizer_are_read_on_request(
    tmp_path: Path,
) -> None:
    folder = write_huggingface(tmp_path, as_torch(arrays()))
    settings = {"word_tokenizer_type": "mecab"}
    write_json(folder / "tokenizer_config.json", settings)
    with pytest.raises(ValueError, match="use `load_bert`"):
        convert.load_encoder(folder)
    convert.load_bert(folder)
