#!/usr/bin/env python3
"""Makes subword-golden.json with the reference tokenizers (pip: tokenizers, made with 0.23.3; sentencepiece 0.2.3).

    python3 subword_golden.py > subword-golden.json

Small Unigram and byte-level BPE vocabularies, trained on the texts of wordpiece_golden.py, and the ids of awkward texts
for each setting of normalizers, pre-tokenizers and post-processors. Every Unicode scalar, XQuAD, Tatoeba and source
code were compared the same way; that takes minutes and stays out of here.
"""
import copy
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from wordpiece_golden import FIXED, WORDS

MORE = [
    "▁", "▁▁", "'s", "'S", "'ſ", "'LL", "I'll've", "12345", "٣٤", "½¾", "\r\n\r\n", "\n\n  x", "   x", "\t\tfoo", "é\u0301", "ﷺ", "㍿", "ℌ",
    "<unk>", "<s>", "</s>", "<mask>", "  <mask> ", "ǆ", "a\u0327\u0301", "क्षि", "👩‍👩‍👧‍👦", "\u0e33", "!!!\n", "... \r\n x", "\u088f", "ab  cd",
    "if x:\n        return 1234567\n", "<|endoftext|>", "a<|endoftext|>b",
]
# Rules in the way of SentencePiece's nmt_nfkc; the long ones begin like short ones.
RULES = [
    "\t|\x20", "\n|\x20", "\r|\x20", "\r\n|\x20", "\u3000|\x20", "\u200b|", "\x01|", "½|1⁄2", "e\u0301|\u00e9", "e\u0301\u0301|\u00e9",
    "ﬃ|ffi", "ﬁ|fi", "ﾊ|ハ", "ﾊ\uff9f|パ", "\u212b|\u00c5", "１|1", "A|a", "a\u0300|\u00e0",
]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def texts():
    generator = random.Random(5)
    found = [text for text in FIXED if len(text) < 100] + MORE
    words = [word for word in WORDS if len(word) < 20] + MORE
    while len(found) < 200:
        found.append(generator.choice(["", " ", "a", "  "]).join(generator.choice(words) for _ in range(generator.randint(2, 6))))
    # A word that is too long to be scanned pair by pair.
    return found + ["abcd" * 60, "ab" * 30 + "é" * 30]


def charsmap():
    """The compiled rules, taken from a throw-away model: field 3 of the model, and in it field 2."""
    import sentencepiece

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows = []
        for rule in RULES:
            source, target = rule.split("|")
            rows.append(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target))
        (folder / "rules.tsv").write_text("\n".join(rows) + "\n")
        (folder / "text").write_text("\n".join("hello world and more of the same text %d" % i for i in range(200)))
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "text"), model_prefix=str(folder / "m"), vocab_size=50, hard_vocab_limit=False,
            normalization_rule_tsv=str(folder / "rules.tsv"), minloglevel=2)
        model = (folder / "m.model").read_bytes()
    import base64

    return base64.b64encode(field(field(model, 3), 2)).decode()


def field(data, wanted):
    """The last length-delimited field of this number in a protocol buffer."""
    found, position = b"", 0

    def number():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        key = number()
        if key & 7 == 0:
            number()
        elif key & 7 == 2:
            size = number()
            if key >> 3 == wanted:
                found = data[position:position + size]
            position += size
        else:
            position += {1: 8, 5: 4}[key & 7]
    return found


def base_models(lines):
    unigram = Tokenizer(models.Unigram())
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.train_from_iterator(lines * 3, trainers.UnigramTrainer(
        vocab_size=420, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], unk_token="<unk>", show_progress=False))
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.train_from_iterator(lines * 3, trainers.BpeTrainer(
        vocab_size=560, special_tokens=["<|endoftext|>", "<s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    found = {name: json.loads(t.to_str())["model"] for name, t in (("unigram", unigram), ("bpe", bpe))}
    found["unigram"]["vocab"] = [[piece, round(score, 3)] for piece, score in found["unigram"]["vocab"]]
    return found


def settings(base, rules):
    pieces = {piece: i for i, (piece, _) in enumerate(base["unigram"]["vocab"])}
    pre = dict(type="Precompiled", precompiled_charsmap=rules)
    sequence = lambda *parts: dict(type="Sequence", normalizers=list(parts))
    chain = lambda *parts: dict(type="Sequence", pretokenizers=list(parts))
    meta = lambda scheme, split=True: dict(type="Metaspace", replacement="▁", prepend_scheme=scheme, split=split)
    level = lambda prefix, regex: dict(type="ByteLevel", add_prefix_space=prefix, trim_offsets=True, use_regex=regex)
    split = lambda regex, behavior="Isolated", invert=False: dict(type="Split", pattern={"Regex": regex}, behavior=behavior, invert=invert)
    digits = lambda individual: dict(type="Digits", individual_digits=individual)
    around = lambda first, last: dict(
        type="TemplateProcessing", pair=[{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        single=[{"SpecialToken": {"id": first[0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
        + [{"SpecialToken": {"id": name, "type_id": 0}} for name, _ in last],
        special_tokens={name: dict(id=name, ids=[i], tokens=[name]) for name, i in [first] + last})
    xlmr = around(("<s>", pieces["<s>"]), [("</s>", pieces["</s>"])])
    added = lambda *contents: [
        dict(id=i, content=c, single_word=False, lstrip=c == "<mask>", rstrip=False, normalized=n, special=not n) for c, i, n in contents]
    special = added(*((c, pieces[c], False) for c in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")), ("hello", 420, True))
    special[-1]["id"] = len(pieces)
    plain = [["<0x%02X>" % byte, -20.0] for byte in range(256)]
    text_end = added(("<|endoftext|>", 0, False), ("<s>", 1, False), ("  ", len(base["bpe"]["vocab"]), True))
    odd = {t: i for i, t in enumerate(t for t in base["bpe"]["vocab"] if not set(t) & set("éÃz"))}
    kept = [m for m in base["bpe"]["merges"] if all(t in odd for t in m) and "".join(m) in odd]
    yield "xlmr", "unigram", dict(normalizer=pre, pre_tokenizer=chain(dict(type="WhitespaceSplit"), dict(type="Metaspace", replacement="▁", add_prefix_space=True)), post_processor=xlmr, added_tokens=special), {}
    yield "e5", "unigram", dict(normalizer=dict(type="NFKC"), pre_tokenizer=meta("always"), post_processor=xlmr), {}
    yield "mbart", "unigram", dict(normalizer=sequence(pre, dict(type="Replace", pattern={"Regex": " {2,}"}, content=" "), dict(type="Strip", strip_left=False, strip_right=True)), pre_tokenizer=meta("first", False), added_tokens=special), {}
    yield "strip", "unigram", dict(normalizer=sequence(dict(type="NFD"), dict(type="Strip", strip_left=True, strip_right=True), dict(type="Lowercase")), pre_tokenizer=meta("first"), added_tokens=special), {}
    yield "split first", "unigram", dict(normalizer=dict(type="NFC"), pre_tokenizer=chain(dict(type="WhitespaceSplit"), digits(False), meta("first"))), {}
    yield "byte fallback", "unigram", dict(normalizer=sequence(dict(type="Prepend", prepend="▁"), dict(type="Replace", pattern={"String": " "}, content="▁"), dict(type="NFKD"))), dict(byte_fallback=True, vocab=base["unigram"]["vocab"] + plain)
    yield "never", "unigram", dict(pre_tokenizer=chain(digits(True), meta("never"))), {}
    yield "gpt2", "bpe", dict(pre_tokenizer=level(False, True), post_processor=level(True, True), added_tokens=text_end), dict(merges=[" ".join(m) for m in base["bpe"]["merges"]])
    yield "gpt2 prefix", "bpe", dict(pre_tokenizer=level(True, True)), {}
    yield "smollm2", "bpe", dict(pre_tokenizer=chain(digits(True), level(False, True)), added_tokens=text_end), {}
    # The space that is put before every piece makes the places of all splits visible in the ids.
    yield "gpt2 pattern", "bpe", dict(pre_tokenizer=chain(split(GPT2), level(True, False))), {}
    yield "llama3 pattern", "bpe", dict(pre_tokenizer=chain(split(CL100K % "{1,3}"), level(True, False))), {}
    yield "qwen2 pattern", "bpe", dict(normalizer=dict(type="NFC"), pre_tokenizer=chain(split(CL100K % "", "Removed", True), level(True, False))), {}
    yield "llama3", "bpe", dict(pre_tokenizer=chain(split(CL100K % "{1,3}"), level(False, False)), post_processor=dict(type="Sequence", processors=[level(True, True), around(("<s>", 1), [])]), added_tokens=text_end), dict(ignore_merges=True, merges=base["bpe"]["merges"][::2])
    yield "unknown", "bpe", dict(pre_tokenizer=level(False, True)), dict(vocab=odd, merges=kept, unk_token="<s>", fuse_unk=False)
    yield "fused unknown", "bpe", dict(pre_tokenizer=level(False, True)), dict(vocab=odd, merges=kept, unk_token="<s>", fuse_unk=True)
    yield "dropped unknown", "bpe", dict(pre_tokenizer=level(False, False)), dict(vocab=odd, merges=kept)


def main():
    lines = texts()
    base = base_models([line for line in lines if "<" not in line])
    rows = []
    for name, model, parts, changes in settings(base, charsmap()):
        file = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None)
        file |= parts
        tokenizer = Tokenizer.from_str(json.dumps(file | {"model": base[model] | changes}))
        rows.append(dict(name=name, base=model, file=file, model=changes, ids=[tokenizer.encode(line).ids for line in lines]))
    json.dump(dict(texts=lines, models=base, settings=rows), sys.stdout, ensure_ascii=False, separators=(",", ":"))


main()
