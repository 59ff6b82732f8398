#!/usr/bin/env python3
"""Writes GGUFGolden.swift: blocks of every quantised type with random content, and the numbers that the `gguf` package
of llama.cpp reads in them, as bits. Run once, in an environment with `pip install gguf`; no part of the product.

    make_golden.py > GGUFGolden.swift
    make_golden.py --model FILE      prints, by type: tensors, elements and the SHA-256 of all the numbers of its tensors
"""
import collections, hashlib, sys
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFReader
from gguf.quants import dequantize

# Where the half-precision numbers of a block stand.
HALVES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
# A usual scale, a negative one, a subnormal one.
SCALES = [0.0123, -1.7, 3e-6]


def golden():
    random = np.random.default_rng(20)
    print("/// Made by make_golden.py with the `gguf` package; do not edit.")
    print("enum GGUFGolden {")
    print("    /// Type, blocks, and the bits of the numbers in them; all in hexadecimal.")
    print("    static let blocks: [(type: UInt32, blocks: String, numbers: String)] = [")
    for type, places in HALVES.items():
        elements, size = GGML_QUANT_SIZES[type]
        count = 3 if elements == 32 else 1
        blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
        for index in range(count):
            for place in places:
                half = np.float16(SCALES[(index + place) % 3] * random.uniform(0.5, 1.5))
                blocks[index, place:place + 2] = np.frombuffer(half.tobytes(), np.uint8)
        numbers = dequantize(blocks.reshape(1, -1), type).reshape(-1).astype("<f4")
        print("        (")
        print(f"            {int(type)},  // {type.name}")
        print(literal(blocks.tobytes().hex()) + ",")
        print(literal("".join(f"{bits:08x}" for bits in numbers.view(np.uint32))))
        print("        ),")
    print("    ]\n}")


def literal(text):
    lines = [text[at:at + 96] for at in range(0, len(text), 96)]
    return '            """\n' + "".join(f"            {line}\\\n" for line in lines[:-1]) + f'            {lines[-1]}\n            """'


def model(path):
    digests, sums = collections.defaultdict(hashlib.sha256), collections.Counter()
    tensors = collections.Counter()
    for tensor in sorted(GGUFReader(path).tensors, key=lambda tensor: tensor.name):
        name = tensor.tensor_type.name
        rows = tensor.data.reshape(-1, tensor.data.shape[-1])
        for start in range(0, len(rows), 8192):
            numbers = dequantize(rows[start:start + 8192], tensor.tensor_type)
            digests[name].update(np.ascontiguousarray(numbers, "<f4").tobytes())
            sums[name] += numbers.size
        tensors[name] += 1
    for name in sorted(digests):
        print(name, tensors[name], sums[name], digests[name].hexdigest())


if sys.argv[1:2] == ["--model"]:
    model(sys.argv[2])
else:
    golden()
