"""Training steps of peers for `attar bench train`: token ids and target vectors in; forward, backward, AdamW."""
import numpy as np

from worker import case, serve

_model = None


def load(engine, variant, model, threads, rate):
    global _model
    import contextlib
    import torch
    import transformers

    torch.set_num_threads(threads)
    network = transformers.AutoModel.from_pretrained(
        model, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, add_pooling_layer=False).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01, fused=True)
    bf16 = variant == "bf16"
    autocast = (lambda: torch.autocast("cpu", torch.bfloat16)) if bf16 else contextlib.nullcontext

    def loss_of(ids, targets):
        with autocast():
            states = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return ((states.float().mean(1) - targets) ** 2).sum(1).mean()

    def step(ids, targets):
        loss_of(ids, targets).backward()
        optimizer.step()
        optimizer.zero_grad()

    def facts(ids, targets):
        loss = loss_of(ids, targets)
        loss.backward()
        squares = sum(p.grad.double().pow(2).sum() for p in network.parameters() if p.grad is not None)
        optimizer.zero_grad()
        return {"loss": float(loss), "gradientNorm": float(squares.sqrt())}

    _model = step, facts
    return {"version": f"{torch.__version__} (transformers {transformers.__version__})"}


def prepare(case_name, ids, targets):
    """Registers a step; answers with the loss and the length of its gradient before the first one."""
    import torch

    step, facts = _model
    ids, targets = torch.tensor(ids), torch.from_numpy(np.asarray(targets, dtype=np.float32))
    case(case_name, lambda: step(ids, targets))
    return facts(ids, targets)


serve(load=load, prepare=prepare)
