#!/usr/bin/env python3
"""Makes wordpiece-golden.json with the reference tokenizers (pip: tokenizers; made with 0.23.3).

    python3 wordpiece_golden.py path/to/minilm/tokenizer.json > wordpiece-golden.json

"minilm": ids of awkward texts with the real vocabulary (the test needs the model and is skipped without it).
"small": the same and further texts for eleven settings over a vocabulary small enough to stand in the file.
Every Unicode scalar, alone and between letters, was compared the same way; that takes minutes and stays out of here.
"""
import json
import random
import sys

from tokenizers import Tokenizer

WORDS = [
    "[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "[mask]", "[MASK", "MASK]", "hello", "World", "##ing", "un", "aff", "able",
    "été", "naïve", "İstanbul", "straße", "ẞ", "ΣΣ", "ὈΔΥΣΣΕΎΣ", "ffiﬃ", "ǅ", "\u200d", "\u200b", "\ufeff", "\u00ad", " ", "  ",
    "\n", "\t", "\r\n", "\x00", "\x0b", "\x1f", "\x7f", "\x85", "\ufffd", "\ue000", "\u3000", "\u00a0", "\u2028", "👨‍👩‍👧", "🇩🇪", "👍🏽",
    "❤️", "1️⃣", "don't", "U.S.A.", "3.14", "$5", "a_b", "x" * 99, "x" * 100, "x" * 101, "é" * 100, "e\u0301" * 101, "中文字", "日本語です",
    "ガギグ", "ﾊﾟ", "한국어", "각", "\u1100\u1161\u11a8", "ภาษาไทย", "हिन्दी", "বাংলা", "தமிழ்", "עִבְרִית", "العَرَبِيَّة", "؟", "。", "、", "—", "…", "“q”", "№",
    "²", "½", "Å", "\u212b", "A\u030a", "\u0344", "q\u0323\u0307", "q\u0307\u0323", "\u1e9b\u0323", "\U0001d165\U0001d16d", "\U0001d16d\U0001d165",
    "\u302e\u08d4", "\U0001e000\u302e", "\u1b44\U0001e94a", "\u166d", "\U000111c9", "\u1734", "\u1885", "\ua9bd", "\U0001171e", "\u061d",
    "\u0890", "\U00011938", "\U0002b820", "\U0002b920", "\u9fff", "\U00020000", "\uf900", "\U0002f800", "\u2e43", "\u2e5d", "\u0897", "\U0010ffff",
]
FIXED = [
    "", " ", "\n\t ", "a", "A", "hello world", "Hello, World!", "[CLS] hello [SEP]", "[CLS][SEP][MASK]", "x[MASK]y", "[[MASK]]",
    "[MASK] [MASK]", "the [mask] token", "[ MASK ]", "[UNK][PAD]", "unaffable", "unaffableunaffable", "x" * 5000, "a b " * 300, "." * 50,
    "a.b,c;d:e", "C++ and C#", "foo_bar-baz/qux", "https://example.org/a?b=c&d=%20#e", "<p class=\"x\">&amp;</p>", "¿Qué?", "déjà vu",
    "Crème Brûlée", "ÀÈÌÒÙ àèìòù", "Ǆ ǅ ǆ", "İIıi", "ﬁﬂﬀ", "Ⅷ ⅷ", "１２３ＡＢＣ", "Ω Ω K", "ὈΔΥΣΣΕΎΣ ὀδυσσεύς", "Привет, мир! Ёлка", "Україна їжак",
    "中文and English混合", "日本語のテキスト", "ﾊﾝｶｸ ｶﾅ", "한국어 텍스트", "🙂", "a🙂b", "🙂🙂", "👩🏾‍💻 codes", "\u0301", "a\u0301\u0301\u0301", "\u0301a", "e\u0301\u200de\u0301",
    "\x00\x00", "a\x00b", "\x01\x02a\x03", "tab\tsep", "\u2028line\u2029", "zero\u200bwidth", "soft\u00adhyphen", "\ufeffbom", "nb\u00a0sp", "\ufffd",
]


def texts(seed, count):
    """The fixed texts, every word alone, and random mixtures."""
    generator = random.Random(seed)
    found = FIXED + WORDS
    while len(found) < count:
        words = [generator.choice(WORDS) for _ in range(generator.randint(2, 7))]
        found.append(generator.choice(["", " ", "a", "-"]).join(words))
    return found


def without_limits(path):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def token(identifier, content, **flags):
    base = dict(id=identifier, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    return base | flags


def settings(vocabulary):
    """Tokenizer files that differ from BERT's in one thing each."""
    specials = [token(vocabulary[name], name, special=True) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    template = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {n: {"id": n, "ids": [vocabulary[n]], "tokens": [n]} for n in ("[CLS]", "[SEP]")},
    }

    def file(name, added=(), model=None, post=template, pre={"type": "BertPreTokenizer"}, normalizer=True, **changes):
        normal = dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
        next_id = len(vocabulary)
        extra = []
        for content, flags in added:
            extra.append(token(next_id, content, **flags))
            next_id += 1
        return {
            "name": name,
            "file": {
                "version": "1.0", "truncation": None, "padding": None, "added_tokens": specials + extra,
                "normalizer": normal | changes if normalizer else None, "pre_tokenizer": pre, "post_processor": post,
                "decoder": None,
                "model": dict(
                    type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100) | (model or {}),
            },
        }

    return [
        file("uncased"),
        file("cased", lowercase=False),
        file("lowercase, accents kept", strip_accents=False),
        file("cased, accents stripped", lowercase=False, strip_accents=True),
        file("not cleaned", clean_text=False),
        file("Chinese not isolated", handle_chinese_chars=False),
        file("no normalizer", normalizer=False),
        file("no word splitting, no special tokens", pre=None, post=None),
        file("short words, no continuing prefix", model=dict(max_input_chars_per_word=4, continuing_subword_prefix="")),
        file("BertProcessing", post=dict(type="BertProcessing", sep=["[SEP]", vocabulary["[SEP]"]], cls=["[CLS]", vocabulary["[CLS]"]])),
        file("added tokens", added=[
            ("hello", dict(single_word=True)), ("World", dict(normalized=True)), ("World!", dict(normalized=True, rstrip=True)),
            ("un", dict(lstrip=True, rstrip=True)), ("été", dict(normalized=True, single_word=True)), ("中", dict(lstrip=True)),
            ("[mask]", dict(special=True, lstrip=True)), (" x", dict(rstrip=True)), ("xx", {}), ("XXX", dict(normalized=True)),
        ]),
    ]


def main():
    path = sys.argv[1]
    real = without_limits(path)
    nasty = texts(1, 320)
    # The small vocabulary: what the texts need, and single characters that they do not.
    used = {t for text in nasty for t in real.encode(text).tokens}
    used |= {chr(c) for c in range(33, 127)} | {"##" + chr(c) for c in range(97, 123)} | {"é", "##é", "Å", "σ", "##σ", "ς", "World", "##xx"}
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {name: number for number, name in enumerate(names + sorted(used - set(names)))}
    small = []
    for setting in settings(vocabulary):
        setting["file"]["model"]["vocab"] = vocabulary
        tokenizer = Tokenizer.from_str(json.dumps(setting["file"]))
        del setting["file"]["model"]["vocab"]
        setting["ids"] = [tokenizer.encode(text).ids for text in nasty]
        small.append(setting)
    truncated = {}
    for limit in (2, 3, 8):
        real.enable_truncation(limit)
        truncated[limit] = [real.encode(text).ids for text in nasty[:40]]
    real.no_truncation()
    plain = [real.encode(text, add_special_tokens=False).ids for text in nasty[:40]]
    golden = {
        "texts": nasty, "minilm": [real.encode(text).ids for text in nasty], "minilmTruncated": truncated, "minilmPlain": plain,
        "vocabulary": vocabulary, "small": small,
    }
    json.dump(golden, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
