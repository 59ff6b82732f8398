#!/usr/bin/env python3
"""Makes the Fixtures beside it with the reference implementations (pip: torch, transformers 5.24, tokenizers, gguf, accelerate).

    python3 make_golden.py tiny                # tiny models with random weights, and what transformers computes with them
    python3 make_golden.py real NAME FILE      # greedy texts and chat prompts of a real GGUF file: real-NAME.json

A tiny Llama (positions scaled as in Llama 3.1) and a tiny Qwen2 as Hugging Face folders, and the same Llama as GGUF in
Q8_0, which transformers reads too: its numbers there are those of the file, dequantised.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).parent / "Fixtures"
TEXTS = ["the rose oil", "A petal of steam, 2024!", "  dawn\n\nclouds", "é漢字 😀"]
PROMPTS = [
    "What is the capital of France?", "Write a short poem about the sea.", "Explain photosynthesis to a child.",
    "def fibonacci(n):", "The quick brown fox", "List three uses of vinegar.",
    "Translate to German: Good morning, my friend.", "1, 2, 3, 5, 8, 13,", "Once upon a time in a small village",
    "Summarise: Gravity pulls objects toward each other.", "How do I reverse a list in Python?",
    "Who wrote Pride and Prejudice?", "The three branches of government are", "Give me a recipe for pancakes.",
    "Query: rotate logs on Linux\nPassage:", "Ünïcödé tëxt with emoji 😀 and 漢字", "What happens when ice melts?",
    "SELECT name FROM users WHERE", "Name a famous painting and its painter.", "Why is the sky blue?"]
CHATS = [
    [{"role": "user", "content": "Hello"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "  Hi\n"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b\n"}, {"role": "user", "content": "\nc"}]]


def tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    found.train_from_iterator(TEXTS + ["the oil of the rose is distilled from petals in steam"] * 3, trainer)
    return found


def noisy(model):
    """Weights large enough that positions and heads matter, and norms and biases that are not what they begin with."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight += torch.randn(weight.shape, generator=generator) * (0.25 if weight.dim() == 2 else 0.2)
    return model.eval()


def golden(model, tokenizer):
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        with torch.no_grad():
            out = model(torch.tensor([ids]), output_hidden_states=True)
            new = model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, eos_token_id=None,
                                 pad_token_id=0)[0][len(ids):]
        cases.append({
            "text": text, "ids": ids, "greedy": new.tolist(),
            "logProbabilities": out.logits[0].log_softmax(-1).flatten().tolist(),
            "states": [state[0].flatten().tolist() for state in out.hidden_states]})
    return rounded(cases)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def tiny():
    bpe = tokenizer()
    shape = dict(vocab_size=bpe.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                 num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, bos_token_id=None,
                 eos_token_id=2, pad_token_id=0)
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 16, "rope_theta": 10000.0}
    torch.manual_seed(0)
    models = {
        "llama": LlamaForCausalLM(LlamaConfig(**shape, rope_parameters=scaling, tie_word_embeddings=False)),
        "qwen2": Qwen2ForCausalLM(Qwen2Config(**shape, rope_parameters={"rope_type": "default", "rope_theta": 1e4}, tie_word_embeddings=True)),
        "plain": LlamaForCausalLM(LlamaConfig(**shape, rope_parameters={"rope_type": "default", "rope_theta": 1e4}, tie_word_embeddings=True))}
    result = {}
    for name, model in models.items():
        noisy(model)
        if name == "plain":
            write_gguf(model, bpe, HERE / "tiny.gguf")
            model = AutoModelForCausalLM.from_pretrained(HERE, gguf_file="tiny.gguf", dtype=torch.float32).eval()
            name = "gguf"
        else:
            model.save_pretrained(HERE / name)
            (HERE / name / "generation_config.json").unlink(missing_ok=True)
            bpe.save(str(HERE / name / "tokenizer.json"))
        result[name] = golden(model, bpe)
    (HERE / "tiny.json").write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_gguf(model, bpe, path):
    import gguf

    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    vocabulary = sorted(bpe.get_vocab().items(), key=lambda item: item[1])
    special = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token, _ in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in json.loads(bpe.to_str())["model"]["merges"]])
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}
    parts = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
             "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
    for layer in range(config.num_hidden_layers):
        names |= {f"model.layers.{layer}.{old}": f"blk.{layer}.{new}" for old, new in parts.items()}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        values, target = tensor.numpy(), names[name.removesuffix(".weight")] + ".weight"
        heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
        for part, count in heads.items():
            if part + "." in target:  # as llama.cpp's converter
                values = values.reshape(count, 2, len(values) // count // 2, -1).swapaxes(1, 2).reshape(values.shape)
        values = np.ascontiguousarray(values, dtype=np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0 if values.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(target, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def real(name, path):
    path = pathlib.Path(path)
    bpe = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    cases = []
    for prompt in PROMPTS:
        for is_chat in (False, True):
            text = prompt
            if is_chat:
                text = bpe.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
            ids = bpe(text, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                whole = model.generate(torch.tensor([ids]), max_new_tokens=64, do_sample=False)[0]
                scores = model(whole[None]).logits[0].log_softmax(-1)
            new = whole[len(ids):].tolist()
            likely = [scores[len(ids) - 1 + place, token].item() for place, token in enumerate(new[:16])]
            cases.append({"prompt": prompt, "chat": is_chat, "ids": ids, "greedy": new, "logProbabilities": rounded(likely),
                          "text": bpe.decode(new, skip_special_tokens=True)})
    chats = [{"messages": chat, "text": bpe.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)} for chat in CHATS]
    (HERE / f"real-{name}.json").write_text(
        json.dumps({"cases": cases, "chats": chats}, ensure_ascii=False, separators=(",", ":")) + "\n")


if sys.argv[1] == "tiny":
    tiny()
else:
    real(*sys.argv[2:4])
