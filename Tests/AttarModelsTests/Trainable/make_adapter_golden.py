#!/usr/bin/env python3
"""Makes Fixtures/adapters and Fixtures/adapters.json: adapters that PEFT wrote for the tiny decoders, and what PyTorch
computes with them in double precision.

Run once: python3 make_adapter_golden.py  (pip: torch, transformers 5.24, peft 0.21).
Each adapter is random in both matrices: with B zero, as it begins, A would have no gradient.
"""
import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
BETA = 0.3
# Prompts and continuations, of which the second is preferred to the third; lengths differ, one is a single token.
PAIRS = [
    ([5, 9, 200], [17, 40, 41, 300], [7, 7]),
    ([64], [65, 66], [90, 91, 92, 93, 94, 95]),
    ([12, 280, 33, 4, 100, 101, 102], [103], [104, 2]),
]
ADAPTERS = {
    "llama": dict(r=4, lora_alpha=6, target_modules="all-linear"),
    "qwen2": dict(r=3, lora_alpha=5, use_rslora=True, target_modules=["q_proj", "v_proj", "layers.1.mlp.down_proj"]),
}


def adapted(name):
    torch.manual_seed(3)
    base = AutoModelForCausalLM.from_pretrained(HERE / "../Decoders/Fixtures" / name, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **ADAPTERS[name]))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.2 * torch.randn(parameter.shape))
    folder = HERE / "Fixtures/adapters" / name
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "tiny " + name  # not the path of whoever ran this
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    return model.double().eval()


def log_probabilities(model, prompt, continuation):
    logits = model(torch.tensor([prompt + continuation])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1).gather(1, torch.tensor(continuation)[:, None])[:, 0]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    prefix = "base_model.model."
    return {
        name.removeprefix(prefix).replace(".default", ""): parameter.grad.flatten().tolist()
        for name, parameter in model.named_parameters() if parameter.requires_grad}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def golden(model):
    chosen = [log_probabilities(model, prompt, good) for prompt, good, _ in PAIRS]
    likelihood = -torch.cat(chosen).mean()
    result = {
        "logProbabilities": [row.tolist() for row in chosen],
        "supervised": {"loss": likelihood.item(), "gradients": gradients(model, likelihood)}}
    with torch.no_grad(), model.disable_adapter():
        reference = torch.stack([
            log_probabilities(model, prompt, good).sum() - log_probabilities(model, prompt, bad).sum()
            for prompt, good, bad in PAIRS])
    policy = torch.stack([
        log_probabilities(model, prompt, good).sum() - log_probabilities(model, prompt, bad).sum()
        for prompt, good, bad in PAIRS])
    preference = -torch.nn.functional.logsigmoid(BETA * (policy - reference)).mean()
    result["preference"] = {"loss": preference.item(), "gradients": gradients(model, preference)}
    return rounded(result)


result = {"beta": BETA, "pairs": [dict(zip(("prompt", "chosen", "rejected"), pair)) for pair in PAIRS]}
result["adapters"] = {name: golden(adapted(name)) for name in ADAPTERS}
(HERE / "Fixtures/adapters.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
