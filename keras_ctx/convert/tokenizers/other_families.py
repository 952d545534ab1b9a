"""Refuses encoders and tokenizers that look like BERT's but are not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import member
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    optional_json,
)

# Prefixes of the class names of `transformers`. Longer names come first.
_FAMILIES = (
    "XLMRoberta XLM Roberta Camembert Flaubert Albert Electra Deberta "
    "DistilBert MobileBert SqueezeBert MPNet ConvBert Nezha RoFormer XLNet "
    "BigBird Longformer Funnel LayoutLM ModernBert NomicBert JinaBert "
    "MegatronBert IBert MarkupLM VisualBert ErnieM Esm Bart T5 GPT"
).split()
# Prefixes of the names of their tensors.
_PREFIXES = (
    "roberta",
    "camembert",
    "albert",
    "electra",
    "deberta",
    "distilbert",
    "mpnet",
    "mobilebert",
    "ernie_m",
)
# ERNIE 1.0 and 2.0 in their Hugging Face form compute what BERT computes.
_SAME = ("bert", "ernie")
# Keys of old configurations without `model_type`.
_KEYS = {
    "n_heads": "DistilBERT",
    "num_hidden_groups": "ALBERT",
    "embedding_size": "ALBERT or ELECTRA",
    "attention_window": "Longformer",
    "n_layer": "GPT or XLNet",
}
# Classes that split text as BERT's does. The last two are generic: they read
# everything from tokenizer.json.
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
    """Refuses a configuration of `transformers` of another model than BERT.

    An ERNIE without embeddings of tasks computes what BERT computes.

    Args:
        content: The content of the file.
        path: The path of config.json.

    Raises:
        ValueError: If `model_type`, `architectures` or, without them, the
            keys of the file are those of another family.

    Example:
        >>> check_architecture({"model_type": "albert"}, Path("config.json"))
        Traceback (most recent call last):
        ValueError: `folder` must hold a BERT, of `model_type` "bert", or...
    """
    kind = content.get("model_type")
    told = None
    if kind not in (None, *_SAME):
        told = f"model_type={kind!r}"
    if content.get("use_task_id"):
        told = "`use_task_id`, of ERNIE 2.0 and 3.0 with embeddings of tasks,"
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
            '`folder` must hold a BERT, of `model_type` "bert", or an ERNIE '
            f"without embeddings of tasks. Received: {told} in {str(path)!r}. "
            "Other encoders of this library have loaders of their own in "
            "`keras_ctx.convert`."
        )


def check_prefix(prefix: str, said: str) -> None:
    """Refuses tensors of a model of another family."""
    for family in _PREFIXES:
        if family in prefix.split("."):
            raise ValueError(
                "`folder` must hold a BERT. Received: "
                f"{said} with tensors under {prefix!r}, which belong to "
                "another architecture, in spite of its config.json."
            )


def check_tokenizer(folder: Path) -> None:
    """Refuses a folder whose tokenizer differs from BERT's.

    A folder without tokenizer files passes.

    Args:
        folder: The folder of the checkpoint.

    Raises:
        ValueError: If the tokenizer is of another class, splits words with
            MeCab or similar tools, or is a SentencePiece or byte-pair
            encoding model.

    Example:
        >>> _ = Path("tokenizer_config.json").write_text(
        ...     '{"word_tokenizer_type": "mecab"}')
        >>> check_tokenizer(Path("."))
        Traceback (most recent call last):
        ValueError: tokenizer_config.json: `word_tokenizer_type` must be ...
    """
    for told in _odd_tokenizer(folder):
        raise ValueError(
            f"{told}. To load only the weights, use `load_bert`, and pass the "
            "ids of the model's own tokenizer to the encoder."
        )


def check_tokens(tokens: list[str], path: Path) -> None:
    """Refuses a list of tokens that are not spelled as in WordPiece."""
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
                f"{path}: the vocabulary must be a WordPiece vocabulary, whose "
                f"pieces inside words begin with ##. Received: {found:,} of "
                f"{len(tokens):,} tokens with {mark!r}, as in {name}"
            )


def _odd_tokenizer(folder: Path) -> Iterator[str]:
    """Yields messages on settings that differ from BERT's."""
    path = folder / TOKENIZER_CONFIG
    config = optional_json(path)
    classes = [(path, config)]
    model = folder / "config.json"
    content = optional_json(model)
    if "class_name" not in content:  # Otherwise the file is KerasHub's.
        classes.append((model, content))
    for file, settings in classes:
        name = settings.get("tokenizer_class")
        own = str(name).removesuffix("Fast").removesuffix("Tokenizer")
        own = own.removesuffix("Backend")
        if name is not None and own not in _TOKENIZERS:
            yield (
                f"{file}: `tokenizer_class` must be BertTokenizer, or one "
                f"that splits text in the same way. Received: {name!r}"
            )
            continue
        if name is not None:
            break  # The first file with a class counts.
    for key, wanted in (
        ("word_tokenizer_type", "basic"),
        ("subword_tokenizer_type", "wordpiece"),
    ):
        value = config.get(key, wanted)
        if value != wanted:
            yield (
                f'{path}: `{key}` must be "{wanted}", as in BERT. '
                f"Received: {value!r}, as in Japanese BERT models"
            )
    custom = config.get("auto_map")
    if isinstance(custom, dict) and "AutoTokenizer" in custom:
        yield (
            f"{path}: the tokenizer must be BERT's own. Received: `auto_map` "
            f"to {custom['AutoTokenizer']!r}, custom code that is never run"
        )
    if not (folder / TOKENIZER).is_file():
        yield from _odd_files(folder, config, path)


def _odd_files(
    folder: Path, config: dict[str, Any], path: Path
) -> Iterator[str]:
    """Yields messages on tokenizer files that are used instead of BERT's."""
    found = [file for glob in _SENTENCEPIECE for file in folder.glob(glob)]
    if found:
        yield (
            f"{folder}: the tokenizer must be WordPiece, with {_VOCABULARY} "
            f"or {TOKENIZER}. Received: {sorted(x.name for x in found)}, "
            "files of SentencePiece"
        )
    if (folder / _VOCABULARY).is_file():
        if config.get("do_basic_tokenize") is False:
            yield (
                f"{path}: `do_basic_tokenize` must be true: text is always "
                "split into words before it is split into pieces. Received: "
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
            f"or {TOKENIZER}. Received: {odd}, files of byte-pair encoding"
        )
