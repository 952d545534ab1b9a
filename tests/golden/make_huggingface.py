"""Creates the golden files of Hugging Face `transformers` in this folder.

They are created only once: every later change must reproduce these numbers. The
script needs an environment with `torch` and `transformers` (5.23 was used):

    python tests/golden/make_huggingface.py

Writes huggingface/, a BertForPreTraining as `save_pretrained` writes it, with
the tokenizer of a vocabulary, and in expected.npz inputs and its answers.
"""

from pathlib import Path

# The type checker lacks both, which are not installed.
# pyright: reportMissingImports=false
import numpy as np
import torch
import transformers

FOLDER = Path(__file__).parent / "huggingface"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "the a cat dog sat ran on mat , . ##s ##ting 猫 un ##real".split()


def main() -> None:
    generator = np.random.default_rng(20_261_122)
    config = transformers.BertConfig(
        vocab_size=len(SPECIAL + WORDS),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        hidden_act="gelu_new",
        max_position_embeddings=10,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.2,
        attention_probs_dropout_prob=0.3,
    )
    model = transformers.BertForPreTraining(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            numbers = 0.5 * generator.normal(size=tuple(weight.shape))
            numbers += "LayerNorm.weight" in name
            weight.copy_(torch.from_numpy(numbers))
    model.save_pretrained(FOLDER)
    vocabulary = FOLDER / "vocab.txt"
    vocabulary.write_text("\n".join(SPECIAL + WORDS) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizer(
        str(vocabulary), do_lower_case=True, model_max_length=10
    )
    tokenizer.save_pretrained(FOLDER)
    mask = np.arange(7)[None] < np.array([[7], [3], [1]])
    inputs = {
        "input_ids": generator.integers(0, config.vocab_size, mask.shape),
        "token_type_ids": generator.integers(0, 2, mask.shape),
        "attention_mask": mask.astype("int64"),
    }
    tensors = {name: torch.from_numpy(a) for name, a in inputs.items()}
    with torch.no_grad():
        answers = model(**tensors, output_hidden_states=True)
        encoded = model.bert(**tensors)
    np.savez_compressed(
        FOLDER / "expected.npz",
        token_ids=inputs["input_ids"].astype("int32"),
        segment_ids=inputs["token_type_ids"].astype("int32"),
        padding_mask=mask,
        layers=np.stack([x.numpy() for x in answers.hidden_states]),
        pooled=encoded.pooler_output.numpy(),
        # At every position.
        masked_lm=answers.prediction_logits.numpy(),
        # Class 0 is "follows".
        next_sentence=answers.seq_relationship_logits.numpy(),
    )


if __name__ == "__main__":
    main()
