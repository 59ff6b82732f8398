"""Writes operations.json beside this file: results and gradients of PyTorch for the operations of the tape.

    pip install torch && python make_golden.py

Inputs are drawn in single precision; PyTorch computes in double precision. `slope` is the gradient by the result. The
last case also records how far PyTorch's own single precision is from its double precision.
"""

import json
import math
import os

import torch
import torch.nn.functional as F

torch.manual_seed(20260101)
cases = []


def numbers(tensor):
    # Nine significant digits identify a float; gradients need no more than single precision to compare with.
    return [float(f"{value:.9g}") for value in tensor.detach().double().flatten().tolist()]


def draw(*shape, scale=1.0, offset=0.0):
    return (torch.randn(*shape) * scale + offset).float()


def case(name, inputs, compute, **facts):
    doubles = [x.double().requires_grad_() for x in inputs]
    result = compute(*doubles)
    slope = torch.randn(result.shape).float()
    (result * slope).sum().backward()
    cases.append({
        "name": name,
        "inputs": [{"shape": list(x.shape), "values": numbers(x)} for x in inputs],
        "slope": numbers(slope),
        "result": numbers(result),
        "gradients": [numbers(x.grad) for x in doubles],
        **facts,
    })
    return slope


def attention(q, k, v, heads, shared=None, causal=False, bias=None):
    """q [tokens, heads · dim], k and v [tokens, shared · dim]."""
    shared = shared or heads
    def split(x, count):
        return x.view(x.shape[0], count, -1).transpose(0, 1).unsqueeze(0)
    mask = bias
    if causal:
        forbidden = torch.ones(q.shape[0], k.shape[0], dtype=torch.bool).triu(1)
        mask = torch.zeros(q.shape[0], k.shape[0], dtype=q.dtype).masked_fill(forbidden, -math.inf)
        mask = mask if bias is None else mask + bias
    y = F.scaled_dot_product_attention(split(q, heads), split(k, shared), split(v, shared), attn_mask=mask,
                                       enable_gqa=shared != heads)
    return y[0].transpose(0, 1).reshape(q.shape[0], -1)


def rotated(x, heads, base=10000.0):
    """Llama's rotary positions, as Hugging Face computes them."""
    tokens, width = x.shape
    dim = width // heads
    frequencies = base ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.cat([torch.outer(torch.arange(tokens, dtype=torch.float64), frequencies)] * 2, dim=1)
    y = x.view(tokens, heads, dim)
    half = torch.cat([-y[..., dim // 2:], y[..., :dim // 2]], dim=-1)
    return (y * angles.cos()[:, None] + half * angles.sin()[:, None]).reshape(tokens, width)


a, b = draw(3, 5), draw(3, 5, offset=4.0)
case("add", [a, b], torch.add)
case("subtract", [a, b], torch.sub)
case("multiply", [a, b], torch.mul)
case("divide", [a, b], torch.div)
case("broadcast add", [draw(2, 3, 4), draw(3, 1)], torch.add)
case("broadcast multiply", [draw(4), draw(2, 3, 4)], torch.mul)
case("exp", [a], torch.exp)
case("log", [b], torch.log)
case("squareRoot", [b], torch.sqrt)
case("tanh", [a], torch.tanh)
case("sigmoid", [a], torch.sigmoid)
case("silu", [a], F.silu)
case("relu", [a], F.relu)
case("gelu", [a], F.gelu)
case("geluTanh", [a], lambda x: F.gelu(x, approximate="tanh"))
case("softmax", [a], lambda x: x.softmax(-1))
mask = torch.tensor([i % 4 != 1 for i in range(15)]).view(3, 5)
case("masked softmax", [a], lambda x: x.masked_fill(~mask, -math.inf).softmax(-1))
case("logSoftmax", [a], lambda x: x.log_softmax(-1))
case("logSumExp", [a], lambda x: x.logsumexp(-1))
case("crossEntropy", [a], lambda x: F.cross_entropy(x, torch.tensor([4, 0, 2])))
case("layerNorm", [a, draw(5), draw(5)], lambda x, g, s: F.layer_norm(x, (5,), g, s, 1e-5))
case("rmsNorm", [a, draw(5)], lambda x, g: F.rms_norm(x, (5,), g, 1e-6))
case("normalizeRows", [a], lambda x: F.normalize(x, dim=-1))
case("linear", [a, draw(4, 5), draw(4)], F.linear)
case("low rank", [a, draw(4, 5), draw(2, 5), draw(4, 2)], lambda x, w, d, u: F.linear(x, w) + 1.5 * x @ d.T @ u.T)
case("matmulNN", [a, draw(5, 4)], torch.matmul)
case("batchedMatmulNN", [draw(2, 3, 5), draw(2, 5, 4)], torch.bmm)
case("batchedMatmulNT", [draw(2, 3, 5), draw(2, 4, 5)], lambda x, y: x @ y.transpose(1, 2))
case("batchedMatmulTN", [draw(2, 5, 3), draw(2, 5, 4)], lambda x, y: x.transpose(1, 2) @ y)
case("embedding", [draw(6, 3)], lambda t: F.embedding(torch.tensor([5, 0, 5, 2]), t))
case("gather", [a], lambda x: x.gather(1, torch.tensor([[1], [1], [4]]))[:, 0])
case("scatterRows", [a], lambda x: torch.zeros(4, 5, dtype=x.dtype).index_add(0, torch.tensor([3, 0, 3]), x))
case("concatenateColumns", [a, draw(3, 2)], lambda x, y: torch.cat([x, y], 1))
case("sliceColumns", [a], lambda x: x[:, 1:4])
case("permute", [draw(2, 3, 4)], lambda x: x.permute(2, 0, 1))
case("sum", [draw(2, 3, 4)], lambda x: x.sum(1))
case("mean", [draw(2, 3, 4)], lambda x: x.mean(0))
case("maximum", [draw(2, 3, 4)], lambda x: x.amax(2))
case("select", [a, b], lambda x, y: torch.where(mask, x, y))
case("unfold", [draw(7, 2)], lambda x: x.unfold(0, 3, 2).transpose(1, 2).reshape(3, 6))


def straight_through(distances):
    soft = (-distances / 0.7).softmax(-1)
    hard = F.one_hot(distances.argmin(-1), distances.shape[-1]).to(soft.dtype)
    return hard - soft.detach() + soft


case("straightThroughNearest", [a], straight_through)
case("rotary", [draw(5, 12)], lambda x: rotated(x, 3))
case("attention", [draw(7, 36)], lambda x: attention(*x.split(12, 1), 3))
case("causal attention", [draw(7, 36)], lambda x: attention(*x.split(12, 1), 3, causal=True))
case("grouped attention", [draw(7, 16), draw(7, 8), draw(7, 8)],
     lambda q, k, v: attention(q, k, v, 4, shared=2, causal=True))
case("biased attention", [draw(7, 24), draw(2, 7, 7)], lambda x, bias: attention(*x.split(8, 1), 2, bias=bias))

# Saturated: scores of some thousands, as with ten times the weights of queries, keys and values of a real encoder. The
# rounding of such scores alone moves probabilities, whoever computes them.
saturated = draw(24, 48, scale=30.0)
slope = case("saturated attention", [saturated], lambda x: attention(*x.split(16, 1), 1))
single = saturated.clone().requires_grad_()
(attention(*single.split(16, 1), 1) * slope).sum().backward()
exact = torch.tensor(cases[-1]["gradients"][0], dtype=torch.float64).view_as(single)
cases[-1]["singlePrecisionError"] = float((single.grad.double() - exact).norm() / exact.norm())
cases[-1]["largestScore"] = float((saturated[:, :16] @ saturated[:, 16:32].T).abs().max() / 4)

case("logSigmoid", [draw(3, 5, scale=10.0)], F.logsigmoid)
classes = torch.tensor([(i * 17 % 11 - 5) / 4 for i in range(35)], dtype=torch.float64).view(7, 5)
case("logProbabilities", [draw(3, 5)],
     lambda x: (x @ classes.T).log_softmax(-1).gather(1, torch.tensor([[6], [0], [3]]))[:, 0])

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "operations.json")
with open(path, "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file, indent=None, separators=(",", ":"))
    file.write("\n")
