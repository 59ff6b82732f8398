#!/usr/bin/env python3
"""Makes families/ with the reference implementation (pip: torch, made with 2.13; transformers 5.24; tokenizers 0.23).

    python3 make_families.py

Random models of some kilobytes for each family and head, and what they give for a few texts.
"""
import json
import pathlib

import torch
import transformers
from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).parent / "families"
WORDS = ["the", "rose", "oil", "water", "steam", "petal", "##s", "of", "is", "dawn", "cloud", "##y", ".", "query", ":", "?"]
TEXTS = [
    "the oil of roses", "", "steam is water . the cloudy dawn ?", "unheard words of the rose", "<pad> rose <pad> oil",
    "[PAD] rose [PAD]", " ".join(["rose oil of the cloudy dawn ."] * 60),
]
PAIRS = [
    ("the rose ?", "oil of roses"), ("", "water"), ("dawn", ""), ("query : " * 20, "steam is water . " * 20),
    ("rose", "the water is steam . " * 20), ("the water is steam . " * 20, "rose ?"),
]
SHAPE = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40, initializer_range=0.3)


def tokenizer(family, path):
    """A word-piece vocabulary with the special tokens and the post-processor of the family."""
    bert = family == "bert"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if bert else ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {token: number for number, token in enumerate(special + WORDS)}
    cls, sep = (special[2], special[3]) if bert else (special[0], special[2])

    def boundary(token, segment=0):
        return {"SpecialToken": {"id": token, "type_id": segment}}

    def text(name, segment=0):
        return {"Sequence": {"id": name, "type_id": segment}}

    template = {
        "type": "TemplateProcessing", "single": [boundary(cls), text("A"), boundary(sep)],
        "pair": [boundary(cls), text("A"), boundary(sep), text("B", 1), boundary(sep, 1)] if bert
        else [boundary(cls), text("A"), boundary(sep), boundary(sep), text("B"), boundary(sep)],
        "special_tokens": {token: {"id": token, "ids": [vocabulary[token]], "tokens": [token]} for token in (cls, sep)},
    }
    if family == "mpnet":
        template = {"type": "RobertaProcessing", "cls": [cls, vocabulary[cls]], "sep": [sep, vocabulary[sep]],
                    "trim_offsets": True, "add_prefix_space": False}
    file = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} for number, token in enumerate(special)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": template,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": special[1] if bert else special[3],
                  "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary},
    }
    (path / "tokenizer.json").write_text(json.dumps(file, indent=1))
    return Tokenizer.from_file(str(path / "tokenizer.json")), len(vocabulary)


def made(name, family, network, config, positions, **more):
    """A saved random model, its tokenizer and its folder."""
    path = FOLDER / name
    path.mkdir(parents=True, exist_ok=True)
    tokens, size = tokenizer(family, path)
    torch.manual_seed(7)
    model = network(config(vocab_size=size, max_position_embeddings=positions, **SHAPE, **more)).eval()
    # Biases begin at 0 and scales at 1; nothing would tell if they were forgotten.
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(path)
    for extra in ("generation_config.json",):
        (path / extra).unlink(missing_ok=True)
    return model, tokens


def inputs(encoding):
    ids = torch.tensor([encoding.ids])
    return dict(input_ids=ids, attention_mask=torch.ones_like(ids), token_type_ids=torch.tensor([encoding.type_ids]))


def without_segments(values):
    return {name: value for name, value in values.items() if name != "token_type_ids"}


def states(model, tokens, limit, segments):
    tokens.enable_truncation(limit)
    found = []
    for text in TEXTS:
        encoding = tokens.encode(text)
        given = inputs(encoding) if segments else without_segments(inputs(encoding))
        found.append({"text": text, "ids": encoding.ids, "states": model(**given).last_hidden_state[0].tolist()[:40]})
    return found


def masked(model, tokens, limit):
    tokens.enable_truncation(limit)
    found = []
    for text in TEXTS[:4]:
        logits = model(**without_segments(inputs(tokens.encode(text)))).logits[0]
        weights = torch.log1p(torch.relu(logits)).max(0).values
        found.append({"text": text, "logits": logits.tolist(), "weights": weights.tolist()})
    return found


def pairs(model, tokens, limit, segments):
    tokens.enable_truncation(limit)
    found = []
    for first, second in PAIRS:
        encoding = tokens.encode(first, second)
        given = inputs(encoding) if segments else without_segments(inputs(encoding))
        found.append({"first": first, "second": second, "ids": encoding.ids, "segments": encoding.type_ids,
                      "logits": model(**given).logits[0].tolist()})
    return found


@torch.inference_mode()
def main():
    t = transformers
    golden = {}
    model, tokens = made("mpnet", "mpnet", t.MPNetModel, t.MPNetConfig, 302, pad_token_id=1)
    golden["mpnet"] = {"states": states(model, tokens, 300, segments=False)}
    model, tokens = made("xlm-roberta", "roberta", t.XLMRobertaModel, t.XLMRobertaConfig, 42, pad_token_id=1, type_vocab_size=1)
    golden["xlm-roberta"] = {"states": states(model, tokens, 40, segments=False)}
    model, tokens = made("bert-masked", "bert", t.BertForMaskedLM, t.BertConfig, 40)
    golden["bert-masked"] = {"masked": masked(model, tokens, 40)}
    model, tokens = made("roberta-masked", "roberta", t.RobertaForMaskedLM, t.RobertaConfig, 42, pad_token_id=1, type_vocab_size=1)
    golden["roberta-masked"] = {"masked": masked(model, tokens, 40)}
    model, tokens = made("bert-pairs", "bert", t.BertForSequenceClassification, t.BertConfig, 40, num_labels=1)
    golden["bert-pairs"] = {"pairs": pairs(model, tokens, 40, segments=True)}
    model, tokens = made(
        "xlm-roberta-pairs", "roberta", t.XLMRobertaForSequenceClassification, t.XLMRobertaConfig, 43, num_labels=3,
        pad_token_id=1, type_vocab_size=1)
    golden["xlm-roberta-pairs"] = {"pairs": pairs(model, tokens, 41, segments=False)}
    (FOLDER / "golden.json").write_text(json.dumps(rounded(golden)))


def rounded(value):
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


main()
