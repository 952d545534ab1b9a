"""Small versions of published checkpoints: the names, files and odd settings of
each, with random weights and a vocabulary of 200."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bert_files import (
    D,
    arrays,
    as_google,
    as_torch,
    config,
    write_checkpoint,
    write_huggingface,
    write_json,
)

SIZE = 200
SPECIAL = "[PAD] [UNK] [CLS] [SEP] [MASK]"
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_MARKS = ".,!?-()[]'0123"
ENGLISH = "The patient's BRCA1 gene (café) was tested. naïve-Bayes, 2013?"
_LEGACY = {
    "directionality": "bidi",
    "gradient_checkpointing": False,
    "output_past": True,
    "pooler_fc_size": 768,
    "pooler_num_attention_heads": 12,
    "pooler_num_fc_layers": 3,
    "pooler_size_per_head": 128,
    "pooler_type": "first_token_transform",
}
_NAMES = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def modern(**changes: Any) -> dict[str, Any]:
    """Returns tokenizer_config.json as written by transformers since 4.34."""
    return {
        "added_tokens_decoder": {
            str(place): {
                "content": token,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for place, token in enumerate(SPECIAL.split())
        },
        "clean_up_tokenization_spaces": True,
        **_NAMES,
        "do_basic_tokenize": True,
        "do_lower_case": True,
        "extra_special_tokens": {},
        # `int(1e30)` means "no limit".
        "model_max_length": int(1e30),
        "never_split": None,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
        **changes,
    }


@dataclass(frozen=True)
class Layout:
    """One checkpoint; its name is also that of the folder."""

    name: str
    texts: tuple[str, ...] = (ENGLISH, "x", "")
    letters: str = ""
    """Tokens in addition to the lower-case ASCII letters."""
    words: str = ""
    special: str = SPECIAL
    lower_case: bool = True
    """Settings of the reference tokenizer, whether in the files or not."""
    strip_accents: bool | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    """Keys that config.json lacks."""
    tokenizer_config: Mapping[str, Any] | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    """Other JSON files."""
    tokenizer_json: bool = False
    whole: tuple[str, ...] = ()
    """Words that are never split."""
    prefix: str = "bert."
    norms: str = "new"
    heads: bool = False
    pooler: bool = True
    segments: int = 2
    rows: int = SIZE
    """Rows of the embedding table."""
    extra: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shapes of further tensors."""
    shards: int = 1
    checkpoint: str | None = None
    """Whether it is a TensorFlow 1 checkpoint."""
    warns: str | None = None
    """Expected message about the text inputs."""

    def tokens(self) -> list[str]:
        letters = list(dict.fromkeys(self.letters))
        basic = [*_LATIN, *letters]
        made = [
            *self.special.split(),
            *basic,
            *(f"##{x}" for x in basic if len(x.encode()) < 3),
            *_MARKS,
            *self.words.split(),
            *self.whole,
        ]
        made = list(dict.fromkeys(made))
        assert len(made) <= SIZE, len(made)
        unused = [f"[unused{n}]" for n in range(1, SIZE - len(made) + 1)]
        return [*made[:1], *unused, *made[1:]]

    def arrays(self) -> dict[str, np.ndarray]:
        named = arrays(heads=self.heads)
        generator = np.random.default_rng(5)

        def table(*shape: int) -> np.ndarray:
            return generator.normal(size=shape).astype("float32")

        named["embeddings/word_embeddings"] = table(self.rows, D)
        named["embeddings/token_type_embeddings"] = table(self.segments, D)
        if self.heads:
            named["cls/predictions/output_bias"] = table(self.rows)
        if not self.pooler:
            named = {k: v for k, v in named.items() if "pooler" not in k}
        return named

    def write(self, parent: Path) -> Path:
        folder = parent / self.name
        named = self.arrays()
        content = config(
            architectures=["BertForMaskedLM"],
            vocab_size=self.rows,
            type_vocab_size=self.segments,
            layer_norm_eps=1e-12,
        )
        content |= self.config
        content = {k: v for k, v in content.items() if k not in self.without}
        if self.checkpoint:
            variables = as_google(named)
            for name in list(variables):
                zeros = np.zeros_like(variables[name])
                variables |= {f"{name}/adam_{x}": zeros for x in "mv"}
            variables["global_step"] = np.array(1_000_000)
            write_checkpoint(folder, variables, self.checkpoint)
            (folder / f"{self.checkpoint}.meta").write_bytes(b"graph")
            write_json(folder / "bert_config.json", content)
        else:
            tensors = as_torch(named, self.prefix, self.norms)
            if self.heads:
                table = tensors[
                    f"{self.prefix}embeddings.word_embeddings.weight"
                ]
                tensors["cls.predictions.decoder.weight"] = table
            for name, shape in self.extra.items():
                kind = "int64" if name.endswith("position_ids") else "float32"
                tensors[name] = np.ones(shape, kind)
            write_huggingface(folder, tensors, content, self.shards)
        lines = "".join(f"{token}\n" for token in self.tokens())
        (folder / "vocab.txt").write_text(lines, encoding="utf-8")
        if self.tokenizer_config is not None:
            settings = dict(self.tokenizer_config)
            if "added_tokens_decoder" in settings:
                # With the ids of this vocabulary.
                settings["added_tokens_decoder"] = {
                    str(self.tokens().index(each["content"])): each
                    for each in settings["added_tokens_decoder"].values()
                }
            write_json(folder / "tokenizer_config.json", settings)
        for name, content in self.files.items():
            write_json(folder / name, content)
        return folder


_IDS = {"bert.embeddings.position_ids": (1, 9)}
_CASED = {"do_lower_case": False}
_CHINESE: dict[str, Any] = {
    "texts": ("鲁迅的故乡在绍兴。ABC中文 café", "２０世纪，鲁 迅", ""),
    "letters": "鲁迅的故乡在绍兴。中文世纪，é",
    "words": "##鲁 ##迅 ABC abc cafe café",
}
_WHOLE_WORDS: dict[str, Any] = {  # whole-word masking, in wwm-ext and MacBERT
    **_CHINESE,
    "config": _LEGACY,
    "tokenizer_config": {"init_inputs": []},
    "files": {"added_tokens.json": {}, "special_tokens_map.json": _NAMES},
    "extra": _IDS,
    "heads": True,
}
LAYOUTS = (
    Layout(
        "bert-base-uncased",
        words="the patient ##ent gene was test ##ed cafe naive bay ##es",
        tokenizer_config=modern(model_max_length=512),
        tokenizer_json=True,
        norms="old",
        heads=True,
    ),
    Layout(
        "bert-base-cased",
        letters="TBRCAé",
        words="The patient gene was test ##ed Bay ##es naïve",
        lower_case=False,
        tokenizer_config={"do_lower_case": False, "model_max_length": 512},
        norms="old",
        heads=True,
    ),
    Layout(
        "bert-base-chinese",
        **_CHINESE,
        lower_case=False,
        config=_LEGACY,
        tokenizer_config={"do_lower_case": False, "model_max_length": 512},
        tokenizer_json=True,
        heads=True,
    ),
    Layout(
        "bert-base-multilingual-cased",
        texts=(ENGLISH, "Привет, 東京! ÄÖ ni\u0301no", "한국어 नमस्ते"),
        letters="ПрйивеТтéíÄÖ東京한국어नमसत्े",
        lower_case=False,
        config=_LEGACY,
        tokenizer_config={"do_lower_case": False, "model_max_length": 512},
        heads=True,
    ),
    Layout(
        "bert-base-german-uncased",
        texts=("Schöne Grüße aus KÖLN, Übermut", "scho\u0308n", ""),
        letters="äöüß",
        words="schön ##e grüße köln über ##mut schon",
        strip_accents=False,
        config={"max_position_embeddings": 9, "_name_or_path": "x"},
        tokenizer_config={
            "do_lower_case": True,
            "strip_accents": False,
            "max_len": 512,
        },
        heads=True,
    ),
    Layout(
        "chinese-bert-wwm-ext",
        **_WHOLE_WORDS,
        tokenizer_json=True,
    ),
    Layout(
        "chinese-macbert-base",
        **{**_WHOLE_WORDS, "words": "##鲁 ##迅 abc cafe"},
        warns="no file says whether to lower-case",
    ),
    Layout(
        "scibert_scivocab_uncased",
        words="gene test ##ed cafe",
        without=("model_type", "architectures", "layer_norm_eps"),
        heads=True,
    ),
    Layout(
        "biobert_v1.1_pubmed",
        letters="TBRCADEFGHIJKLMNOPé",
        words="The patient gene was test ##ed Bayes",
        lower_case=False,
        # The tanh approximation, under the name of the exact gelu.
        without=("model_type", "architectures", "layer_norm_eps"),
        checkpoint="model.ckpt-1000000",
        heads=True,
        warns="no file says whether to lower-case.*cased",
    ),
    Layout(
        "Bio_ClinicalBERT",
        letters="TBRCADEFGHIJKLMNOPé",
        lower_case=False,
        without=("architectures",),
        norms="old",
        heads=True,
        warns="no file says whether to lower-case.*cased",
    ),
    Layout(
        "finbert",
        config={
            "architectures": ["BertForSequenceClassification"],
            "id2label": {"0": "positive", "1": "negative", "2": "neutral"},
            "label2id": {"positive": 0, "negative": 1, "neutral": 2},
            "problem_type": "single_label_classification",
        },
        tokenizer_config={
            "do_lower_case": True,
            "model_max_length": 512,
            "special_tokens_map_file": "special_tokens_map.json",
            "full_tokenizer_file": None,
        },
        files={"special_tokens_map.json": _NAMES},
        extra={**_IDS, "classifier.weight": (3, D), "classifier.bias": (3,)},
    ),
    Layout(
        "BiomedNLP-PubMedBERT-base-uncased-abstract",
        words="brca ##1 gene patient",
        tokenizer_config={"do_lower_case": True, "model_max_length": 512},
        config={"gradient_checkpointing": False, "use_cache": True},
        heads=True,
    ),
    Layout(
        "legal-bert-base-uncased",
        config={"eos_token_ids": 0, "bos_token_id": 0, "output_past": True},
        tokenizer_config={"do_lower_case": True, "model_max_length": 512},
        files={
            "special_tokens_map.json": {
                "bos_token": "[CLS]",
                "eos_token": "[SEP]",
                **_NAMES,
            }
        },
        heads=True,
    ),
    Layout(
        "bert-base-spanish-wwm-cased",
        texts=("El niño comió PAELLA en Cádiz, ¿no?", "nin\u0303o", ""),
        letters="EPALCñóá¿",
        words="El niño com ##ió en",
        special="[MASK] [PAD] [EOS] [UNK] [CLS] [SEP]",
        lower_case=False,
        config={"pad_token_id": 1, "output_past": True},
        tokenizer_config={"do_lower_case": False, "strip_accents": False},
        files={"special_tokens_map.json": _NAMES},
        heads=True,
    ),
    Layout(
        "bert-base-dutch-cased",
        texts=("Één IJsje kost €2, zei Daniëlle.", "x", ""),
        letters="ÉIJDë€",
        words="IJs ##je kost zei",
        special="[UNK] [CLS] [SEP] [PAD] [MASK]",
        lower_case=False,
        config={"pad_token_id": 3},
        tokenizer_config=_CASED,
        tokenizer_json=True,
        norms="old",
    ),
    Layout(
        "rubert-base-cased",
        texts=("Мой Ёж пошёл домой, Йод.", "мои\u0306", ""),
        letters="МойЁжпшёлд,ЙА",
        words="Мой дом ##ой",
        lower_case=False,
        config=_LEGACY,
        tokenizer_config=_CASED,
        files={"special_tokens_map.json": _NAMES},
        heads=True,
    ),
    Layout(
        "bert-base-arabertv02",
        texts=("كتب [مستخدم] في [رابط] اليوم، كِتَابٌ", "[بريد]", ""),
        letters="كتبفياولم،ٌَِ",
        whole=("[مستخدم]", "[رابط]", "[بريد]"),
        lower_case=False,
        tokenizer_config={
            "do_lower_case": False,
            "do_basic_tokenize": True,
            "never_split": ["[بريد]", "[مستخدم]", "[رابط]"],
            "max_len": 512,
        },
        files={"special_tokens_map.json": _NAMES},
        extra=_IDS,
        heads=True,
    ),
    Layout(
        "indobert-base-p1",
        texts=("Saya pergi ke Jakarta, ya?", "x", ""),
        words="saya pergi ke jakarta",
        # 30,521 of 50,000 rows have a token.
        rows=250,
        tokenizer_config={"do_lower_case": True, "model_max_length": 512},
        warns="200 tokens.*250: the last rows of the embeddings have no token",
        extra=_IDS,
        heads=True,
    ),
    Layout(
        "muril-base-cased",
        texts=("नमस्ते दुनिया, BERT है मुझे", "BERT देना", ""),
        letters="नमस्तेदुियाहैझBERTादेनाया",
        words="नमस्ते है ##े द ##ुनिया ##ु ##झ",
        lower_case=False,
        strip_accents=False,
        tokenizer_config={
            "do_lower_case": False,
            "strip_accents": False,
            "lowercase": False,
        },
        heads=True,
    ),
    Layout(
        "kcbert-base",
        texts=(
            "안녕하세요 😀ㅋㅋㅋ 반가워요!",
            "안녕\u200d 😀 ㅋㅋㅋㅋ 워",
            "",
        ),
        letters="안녕하세요ㅋ반가워😀",
        words="##녕 ##하세요 ##요 ㅋㅋㅋ ##ㅋ ##가 ##워",
        lower_case=False,
        config={"directionality": "bidi"},
        tokenizer_config={"do_lower_case": False, "model_max_length": 300},
        heads=True,
    ),
    Layout(
        "LaBSE",
        texts=(ENGLISH, "Dober dan, 世界 Ω", ""),
        letters="TDéΩ世界",
        words="Dober dan",
        lower_case=False,
        config={"architectures": ["BertModel"]},
        tokenizer_config=modern(do_lower_case=False, max_length=256),
        prefix="",
        extra={"embeddings.position_ids": (1, 9)},
    ),
    Layout(
        "bert_uncased_L-2_H-128_A-2",
        without=("model_type", "architectures", "layer_norm_eps"),
        heads=True,
    ),
    Layout(
        "bert_model_with_one_segment",
        segments=1,
        prefix="",
        tokenizer_config=modern(),
    ),
    Layout(
        "bert_model_without_a_pooler",
        pooler=False,
        tokenizer_config=modern(tokenizer_class="PreTrainedTokenizerFast"),
        tokenizer_json=True,
    ),
    Layout(
        "ms-marco-MiniLM-L-6-v2",
        config={
            "architectures": ["BertForSequenceClassification"],
            "id2label": {"0": "LABEL_0"},
            "label2id": {"LABEL_0": 0},
            "sentence_transformers": {"activation_fn": "Identity"},
            "sbert_ce_default_activation_function": "Identity",
        },
        tokenizer_config=modern(model_max_length=512),
        tokenizer_json=True,
        extra={**_IDS, "classifier.weight": (1, D), "classifier.bias": (1,)},
    ),
    Layout(
        "bert-large-in-shards",
        tokenizer_config=modern(),
        files={"special_tokens_map.json": _NAMES},
        heads=True,
        shards=3,
    ),
)
