"""Reads how a sentence-transformers folder turns a text into one vector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import is_int, member, read_json
from keras_ctx.convert.sentences.dense import DenseModule, read_dense
from keras_ctx.convert.sentences.modules import (
    MODULES,
    TRANSFORMERS,
    sentence_modules,
)
from keras_ctx.convert.tokenizers.wordpiece_settings import (
    optional_json,
    tokenizer_length,
)

POOLING, PROMPTS = "1_Pooling", "config_sentence_transformers.json"
TRANSFORMER = "sentence_bert_config.json"
_TASK = "feature-extraction"
# Arguments of `transformers` that do not change the outputs.
_HARMLESS = {
    *(
        "trust_remote_code",
        "revision",
        "token",
        "cache_dir",
        "local_files_only",
    ),
    *("torch_dtype", "dtype", "device_map", "attn_implementation"),
    *("add_pooling_layer", "use_fast", "safe_serialization"),
    *("clean_up_tokenization_spaces", "padding_side"),
}
# Modes of sentence-transformers, and ours. Several are concatenated in this
# order.
_MODES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}
FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "pooling_mode_lasttoken": "last",
}


@dataclass(frozen=True)
class SentenceSettings:
    """Settings that turn a text into a vector.

    The defaults are for a folder without settings.

    Example:
        >>> SentenceSettings().normalize
        True
    """

    source: str = "our default: the folder has no modules.json"
    """Source of the settings, in words."""
    pooling: tuple[str, ...] = ("mean",)
    """Modes of `keras_ctx.layers.Pooling`."""
    include_prompt: bool = True
    """Whether the tokens of a prompt are pooled too."""
    dense: tuple[DenseModule, ...] = ()
    """Layers on the pooled vector."""
    normalize: bool = True
    """Whether the vector is normalized to length 1."""
    features: int | None = None
    """Features per token, if the folder tells."""
    max_length: int | None = None
    """Maximum number of tokens; `None` for that of the encoder."""
    lower_case: bool = False
    """Whether a text is lower-cased before the tokenizer reads it."""
    prompts: tuple[tuple[str, str], ...] = ()
    """Names and texts of the prompts."""
    default_prompt: str = ""
    """The text of the default prompt."""


def sentence_settings(folder: str | Path) -> SentenceSettings:
    """Reads how a sentence-transformers folder pools its encoder.

    Reads `modules.json`, the `config.json` of each module,
    `sentence_bert_config.json` and `config_sentence_transformers.json`.

    Args:
        folder: The folder of a checkpoint.

    Returns:
        A `SentenceSettings`. For a folder without `modules.json`: the mean,
        normalized to length 1.

    Raises:
        ValueError: If a module is not supported, if modules are in another
            order, or if a file is damaged. The message names it.

    Example:
        >>> sentence_settings(".").pooling
        ('mean',)

    Source:
        https://github.com/UKPLab/sentence-transformers, `Pooling`, `Dense`,
        `Normalize` and `Transformer`.
    """
    folder = Path(folder)
    modules = sentence_modules(folder)
    if not modules:
        if (folder / POOLING).exists():
            raise ValueError(
                f"{folder}: a folder with a {POOLING} must have a {MODULES}, "
                f"which tells whether to use it. Get {MODULES}; or remove "
                f"{POOLING} to use our default, the mean."
            )
        return SentenceSettings()
    kinds = [module.kind for module in modules]
    _check_kinds(folder / MODULES, kinds)
    content = read_json(modules[1].folder / "config.json", "folder")
    where = str(modules[1].folder / "config.json")
    features = content.get(
        "word_embedding_dimension", content.get("embedding_dimension")
    )
    if features is not None and not is_int(features):
        raise ValueError(
            f"{where}: `word_embedding_dimension` must be an integer of at "
            f"least 1. Received: {features!r}"
        )
    include_prompt = content.get("include_prompt", True)
    if not isinstance(include_prompt, bool):
        raise ValueError(
            f"{where}: `include_prompt` must be true or false. "
            f"Received: {include_prompt!r}"
        )
    prompts, default = _prompts(folder / PROMPTS)
    max_length, lower_case = _transformer(modules[0].folder)
    return SentenceSettings(
        source=f"as {MODULES} says",
        pooling=_pooling(content, where),
        include_prompt=include_prompt,
        dense=tuple(read_dense(x.folder) for x in modules if x.kind == "Dense"),
        normalize="Normalize" in kinds,
        features=features,
        max_length=max_length,
        lower_case=lower_case,
        prompts=prompts,
        default_prompt=default,
    )


def _check_kinds(path: Path, kinds: list[str]) -> None:
    """Checks for a Transformer, a Pooling, any Dense, at most a Normalize."""
    known = ("Pooling", "Dense", "Normalize", "Dropout")
    unknown = [kind for kind in kinds[1:] if kind not in known]
    unknown += [kind for kind in kinds[:1] if kind not in TRANSFORMERS]
    if unknown:
        raise ValueError(
            f"{path}: modules must be a Transformer, a Pooling, then Dense, "
            "Dropout or Normalize. This library does not support "
            f"{', '.join(unknown)}. Received: {kinds}"
        )
    # A Dropout does nothing in inference.
    rest = [kind for kind in kinds[1:] if kind != "Dropout"]
    count = rest.count("Dense")
    right = ["Pooling", *["Dense"] * count]
    if kinds[1:2] != ["Pooling"] or rest not in (right, [*right, "Normalize"]):
        raise ValueError(
            f"{path}: the modules must be a Transformer, one Pooling, then "
            "any Dense, then at most one Normalize, in this order. "
            f"Received: {kinds}"
        )


def _pooling(content: dict[str, Any], where: str) -> tuple[str, ...]:
    given = content.get("pooling_mode")
    if given is not None:
        names = given.split("+") if isinstance(given, str) else given
        if not isinstance(names, list) or not all(
            isinstance(name, str) for name in names
        ):
            names = [str(given)]
        found = {_MODES.get(name, name) for name in names}
    else:
        # The default of sentence-transformers is the mean.
        flags = {"pooling_mode_mean_tokens": True} | {
            key: value
            for key, value in content.items()
            if key.startswith("pooling_mode_")
        }
        odd = [key for key, value in flags.items() if type(value) is not bool]
        if odd:
            raise ValueError(
                f"{where}: `{odd[0]}` must be true or false. "
                f"Received: {flags[odd[0]]!r}"
            )
        found = {FLAGS.get(key, key) for key, value in flags.items() if value}
    unknown = sorted(found - set(FLAGS.values()))
    if unknown or not found:
        raise ValueError(
            f"{where}: the pooling must be one or more of "
            f"{', '.join(_MODES)}. Received: {', '.join(unknown) or 'none'}"
        )
    return tuple(mode for mode in FLAGS.values() if mode in found)


def _transformer(folder: Path) -> tuple[int | None, bool]:
    """Returns the maximum length, and whether to lower-case texts first."""
    path = folder / TRANSFORMER
    content = optional_json(path)
    length = content.get("max_seq_length")
    lower_case = content.get("do_lower_case") or False
    task = content.get("transformer_task") or _TASK
    if task != _TASK:
        raise ValueError(
            f'{path}: `transformer_task` must be "{_TASK}": pooling the '
            f"outputs of a head is not supported. Received: {task!r}"
        )
    # Arguments of `transformers` that would change the outputs.
    for key in ("tokenizer_args", "model_args", "config_args"):
        found = member(content, key, dict, path)
        odd = sorted(found.keys() - _HARMLESS)
        if odd:
            raise ValueError(
                f"{path}: `{key}` must not change the model or the tokenizer "
                "of the folder. Move such settings to tokenizer_config.json "
                f"or config.json. Received: {', '.join(odd)}"
            )
    if length is None:
        length = tokenizer_length(folder)
    elif not is_int(length, 3):
        raise ValueError(
            f"{path}: `max_seq_length` must be an integer of at least 3, or "
            f"null. Received: {length!r}"
        )
    if not isinstance(lower_case, bool):
        raise ValueError(
            f"{path}: `do_lower_case` must be true or false. "
            f"Received: {lower_case!r}"
        )
    return length, lower_case


def _prompts(path: Path) -> tuple[tuple[tuple[str, str], ...], str]:
    content = optional_json(path)
    prompts = content.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(
        isinstance(text, str) for text in prompts.values()
    ):
        raise ValueError(
            f"{path}: `prompts` must be an object of names and texts. "
            f"Received: {str(prompts)[:100]}"
        )
    name = content.get("default_prompt_name")
    if name is None:
        return tuple(prompts.items()), ""
    if not isinstance(name, str) or name not in prompts:
        raise ValueError(
            f"{path}: `default_prompt_name` must be one of the `prompts`, "
            f"{sorted(prompts)}. Received: {name!r}"
        )
    return tuple(prompts.items()), prompts[name]
