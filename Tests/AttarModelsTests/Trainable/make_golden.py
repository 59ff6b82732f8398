"""Makes Fixtures/minilm_step.json: one training step of MiniLM-L6 in PyTorch, in double and in single precision.

Run once: python make_golden.py ~/.cache/attar/models/minilm  (torch, safetensors; no transformers).
The encoder is written out here, so that the golden numbers depend on nothing but elementary operations.
"""
import json
import math
import os
import struct
import sys

import torch

LENGTHS = [3, 32, 9, 17, 1, 24, 40, 12]


def load(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[start:end]), dtype=torch.float32)
        weights[name.removeprefix("bert.")] = flat.reshape(entry["shape"])
    return weights


def pseudo_random(count, seed):
    """Numbers in [-1, 1) by a 64-bit linear congruential generator (Knuth's MMIX); the Swift test has the same."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers.append((state >> 40) / 2**23 - 1)
    return numbers


def batch():
    numbers = iter(pseudo_random(sum(LENGTHS), 1))
    return [[int((next(numbers) + 1) / 2 * 28000) + 1000 for _ in range(length)] for length in LENGTHS]


def encode(w, ids, heads=12, layers=6):
    def norm(x, name):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], 1e-12)

    def linear(x, name):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(layers):
        p = f"encoder.layer.{layer}."
        q, k, v = (
            linear(x, p + "attention.self." + n).reshape(len(ids), heads, -1).transpose(0, 1)
            for n in ("query", "key", "value")
        )
        attention = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), dim=-1) @ v
        mixed = linear(attention.transpose(0, 1).reshape(len(ids), -1), p + "attention.output.dense")
        x = norm(mixed + x, p + "attention.output.LayerNorm")
        between = torch.nn.functional.gelu(linear(x, p + "intermediate.dense"))
        x = norm(linear(between, p + "output.dense") + x, p + "output.LayerNorm")
    return x


def places(shape):
    """Some elements of a tensor, the same in the Swift test; of the word table, elements of met rows."""
    count = math.prod(shape)
    return sorted({0, count // 3, count // 2 + 1 if count > 2 else 0, count - 1})


def step(weights, dtype, scale):
    w = {name: value.to(dtype).clone() for name, value in weights.items()}
    for name in w:
        if "self.query" in name or "self.key" in name:
            w[name] = w[name] * scale
    for value in w.values():
        value.requires_grad_(True)
    texts = batch()
    vectors = torch.stack([encode(w, torch.tensor(text)).mean(0) for text in texts])
    targets = torch.tensor(pseudo_random(vectors.numel(), 2), dtype=torch.float64).to(torch.float32).to(dtype)
    loss = ((vectors - targets.reshape(vectors.shape) * 0.25) ** 2).sum() / len(texts)
    loss.backward()
    gradients = {n: v.grad for n, v in w.items() if v.grad is not None}
    result = {"loss": loss.item(), "vector": vectors[1, :8].tolist(), "tensors": {}}
    result["norm"] = math.sqrt(sum((g.double() ** 2).sum().item() for g in gradients.values()))
    first = texts[0][0]
    for name, gradient in sorted(gradients.items()):
        flat = gradient.reshape(-1)
        spots = [first * 384 + i for i in (0, 100, 383)] if "word_embeddings" in name else places(gradient.shape)
        result["tensors"][name] = {
            "norm": gradient.double().norm().item(),
            "places": spots,
            "values": [flat[i].item() for i in spots],
        }
    return result


def main():
    torch.set_num_threads(1)
    weights = load(sys.argv[1])
    golden = {"lengths": LENGTHS, "torch": torch.__version__}
    # "saturated": query and key weights four times as large, so that logits are sixteen times as large and most
    # attention is to one token.
    for name, scale in (("plain", 1), ("saturated", 4)):
        golden[name] = {"double": step(weights, torch.float64, scale), "float": step(weights, torch.float32, scale)}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Fixtures", "minilm_step.json")
    with open(path, "w") as file:
        json.dump(golden, file, indent=0)
        file.write("\n")


main()
