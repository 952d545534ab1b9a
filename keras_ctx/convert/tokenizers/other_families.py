"""Encoders and tokenizers that look like BERT's and are not: told by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import member
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    optional_json,
)

# As the classes of `transformers` begin. Longer names stand first.
_FAMILIES = (
    "XLMRoberta XLM Roberta Camembert Flaubert Albert Electra Deberta "
    "DistilBert MobileBert SqueezeBert MPNet ConvBert Nezha RoFormer XLNet "
    "BigBird Longformer Funnel LayoutLM ModernBert NomicBert JinaBert "
    "MegatronBert IBert MarkupLM VisualBert Ernie Esm Bart T5 GPT"
).split()
# What stands before the names of their tensors.
_PREFIXES = (
    "roberta",
    "camembert",
    "albert",
    "electra",
    "deberta",
    "distilbert",
    "mpnet",
    "mobilebert",
    "ernie",
)
# Keys of configurations that were written before `model_type`.
_KEYS = {
    "n_heads": "DistilBERT",
    "num_hidden_groups": "ALBERT",
    "embedding_size": "ALBERT or ELECTRA",
    "attention_window": "Longformer",
    "n_layer": "GPT or XLNet",
}
# Classes that cut text as BERT's does. Those of no name of their own say all
# in tokenizer.json.
_TOKENIZERS = (
    "Bert",
    "DistilBert",
    "Electra",
    "MPNet",
    "MobileBert",
    "ConvBert",
    "SqueezeBert",
    "RetriBert",
    "LayoutLM",
    "BertWordPiece",
    "PreTrained",
    "Tokenizers",
)
_SENTENCEPIECE = ("*.model", "*.spm")
_VOCABULARY = "vocab.txt"


def check_architecture(content: dict[str, Any], path: Path) -> None:
    """Refuse a configuration of `transformers` that is no BERT's.

    Args:
        content: Of the file.
        path: The config.json.

    Raises:
        ValueError: `model_type`, `architectures`, or, where the file has
            neither, its keys are those of another family.

    Example:
        >>> check_architecture({"model_type": "albert"}, Path("config.json"))
        Traceback (most recent call last):
        ValueError: `folder` must hold a BERT, of `model_type` "bert"...
    """
    kind = content.get("model_type")
    told = None
    if kind not in (None, "bert"):
        told = f"model_type={kind!r}"
    for name in member(content, "architectures", list, path):
        family = next((x for x in _FAMILIES if str(name).startswith(x)), None)
        if told is None and family is not None:
            told = f"architectures={[name]!r}"
    if told is None and kind is None and not content.get("architectures"):
        told = next(
            (f"`{key}`, of {_KEYS[key]}," for key in _KEYS if key in content),
            None,
        )
    if told is not None:
        raise ValueError(
            '`folder` must hold a BERT, of `model_type` "bert". Received: '
            f"{told} in {str(path)!r}. Of other architectures this library "
            "knows ELMo: `load_elmo`."
        )


def check_prefix(prefix: str, said: str) -> None:
    """Refuse tensors that a model of another family has saved."""
    for family in _PREFIXES:
        if family in prefix.split("."):
            raise ValueError(
                "`folder` must hold a BERT. Received: "
                f"{said} with tensors under {prefix!r}, which are of another "
                "architecture, whatever its config.json says."
            )


def check_tokenizer(folder: Path) -> None:
    """Refuse a folder whose texts BERT's tokenizer would cut otherwise.

    A folder without files of a tokenizer passes.

    Args:
        folder: Of the checkpoint.

    Raises:
        ValueError: The tokenizer is of another class, splits words with
            MeCab or its like, or has the model of SentencePiece or of
            byte-pair encoding.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"word_tokenizer_type": "mecab"}')
        >>> check_tokenizer(Path("."))
        Traceback (most recent call last):
        ValueError: tokenizer_config.json: `word_tokenizer_type` must be ...
    """
    for told in _odd_tokenizer(folder):
        raise ValueError(
            f"{told}. The weights alone are read by `load_bert`; give the "
            "encoder the ids of the model's own tokenizer."
        )


def check_tokens(tokens: list[str], path: Path) -> None:
    """Refuse a list of tokens that is not in the spelling of WordPiece."""
    inside = sum(token.startswith("##") for token in tokens)
    for mark, where, name in (
        ("\u2581", str.startswith, "SentencePiece"),
        ("\u0120", str.startswith, "byte-pair encoding"),
        ("@@", str.endswith, "byte-pair encoding"),
        ("</w>", str.endswith, "byte-pair encoding"),
    ):
        found = sum(where(token, mark) for token in tokens)
        if found > max(inside, len(tokens) // 10):
            raise ValueError(
                f"{path}: the vocabulary must be one of WordPiece, whose "
                f"pieces inside words begin with ##. Received: {found:,} of "
                f"{len(tokens):,} tokens with {mark!r}, as in {name}"
            )


def _odd_tokenizer(folder: Path) -> Iterator[str]:
    """What is not BERT's, in words."""
    path = folder / TOKENIZER_CONFIG
    config = optional_json(path)
    classes = [(path, config)]
    model = folder / "config.json"
    content = optional_json(model)
    if "class_name" not in content:  # KerasHub's is another
        classes.append((model, content))
    for file, settings in classes:
        name = settings.get("tokenizer_class")
        own = str(name).removesuffix("Fast").removesuffix("Tokenizer")
        own = own.removesuffix("Backend")
        if name is not None and own not in _TOKENIZERS:
            yield (
                f"{file}: `tokenizer_class` must be BertTokenizer, or one "
                f"that cuts text as it does. Received: {name!r}"
            )
            continue
        if name is not None:
            break  # the first that says it
    for key, wanted in (
        ("word_tokenizer_type", "basic"),
        ("subword_tokenizer_type", "wordpiece"),
    ):
        value = config.get(key, wanted)
        if value != wanted:
            yield (
                f'{path}: `{key}` must be "{wanted}", as BERT\'s. '
                f"Received: {value!r}, as in BERT models of Japanese"
            )
    custom = config.get("auto_map")
    if isinstance(custom, dict) and "AutoTokenizer" in custom:
        yield (
            f"{path}: the tokenizer must be BERT's own. Received: `auto_map` "
            f"to {custom['AutoTokenizer']!r}, code that is not run here"
        )
    if not (folder / TOKENIZER).is_file():
        yield from _odd_files(folder, config, path)


def _odd_files(
    folder: Path, config: dict[str, Any], path: Path
) -> Iterator[str]:
    """What stands in the place of a tokenizer.json, or beside vocab.txt."""
    found = [file for glob in _SENTENCEPIECE for file in folder.glob(glob)]
    if found:
        yield (
            f"{folder}: the tokenizer must be WordPiece, with {_VOCABULARY} "
            f"or {TOKENIZER}. Received: {sorted(x.name for x in found)}, as "
            "of SentencePiece"
        )
    if (folder / _VOCABULARY).is_file():
        if config.get("do_basic_tokenize") is False:
            yield (
                f"{path}: `do_basic_tokenize` must be true: text is always "
                "cut into words before it is cut into pieces here. Received: "
                "false"
            )
        return
    odd = [
        name
        for name in ("merges.txt", "bpe.codes", "vocab.json")
        if (folder / name).is_file()
    ]
    if odd:
        yield (
            f"{folder}: the tokenizer must be WordPiece, with {_VOCABULARY} "
            f"or {TOKENIZER}. Received: {odd}, as of byte-pair encoding"
        )
