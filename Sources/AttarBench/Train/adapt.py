"""Training steps of peers for `attar bench adapt`: token ids in; forward, backward and AdamW over a LoRA adapter."""
import pathlib

from worker import case, serve

_model = None


def load(engine, variant, model, adapter, threads, rate):
    global _model
    import contextlib
    import peft
    import torch
    import transformers

    torch.set_num_threads(threads)
    path = pathlib.Path(model)
    file = path if path.is_file() else next(path.glob("*.gguf"), None)
    place = {"pretrained_model_name_or_path": path} if file is None else {
        "pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    base = transformers.AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    network = peft.PeftModel.from_pretrained(base, adapter, is_trainable=True).train()
    weights = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0, fused=True)
    autocast = (lambda: torch.autocast("cpu", torch.bfloat16)) if variant == "bf16" else contextlib.nullcontext

    def loss_of(ids):
        with autocast():
            return network(input_ids=ids, labels=ids).loss

    def step(ids):
        loss_of(ids).backward()
        optimizer.step()
        optimizer.zero_grad()

    def facts(ids):
        loss = loss_of(ids)
        loss.backward()
        squares = sum(p.grad.double().pow(2).sum() for p in weights)
        optimizer.zero_grad()
        return {"loss": float(loss), "gradientNorm": float(squares.sqrt())}

    _model = step, facts
    return {"version": f"{torch.__version__} (peft {peft.__version__})"}


def prepare(case_name, ids):
    """Registers a step; answers with the loss and the length of its gradient before the first one."""
    import torch

    step, facts = _model
    ids = torch.tensor(ids)
    case(case_name, lambda: step(ids))
    return facts(ids)


serve(load=load, prepare=prepare)
