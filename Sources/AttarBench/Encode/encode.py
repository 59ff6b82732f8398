"""Encoders of peers for `attar bench encode`: token ids in, vectors out (pooled and normalised)."""
import os

import numpy as np

from worker import case, serve

_encode = None


def load(engine, variant, model, threads, pooling, normalize, cache):
    global _encode
    build = {"onnxruntime": onnxruntime_encoder, "pytorch": pytorch_encoder}[engine]
    _encode, version = build(variant, model, threads, pooling, normalize, cache)
    return {"version": version}


def prepare(case_name, ids):
    """Registers a batch of token ids, all of one length; answers with its vectors."""
    batch = np.asarray(ids, dtype=np.int64)
    case(case_name, lambda: _encode(batch))
    return {"vectors": _encode(batch).tolist()}


def pytorch_encoder(variant, model, threads, pooling, normalize, cache):
    import contextlib
    import torch
    import transformers

    torch.set_num_threads(threads)
    network = transformers.AutoModel.from_pretrained(model).eval()
    autocast = torch.autocast("cpu", torch.bfloat16) if variant == "bf16" else contextlib.nullcontext()

    def encode(batch):
        with torch.inference_mode(), autocast:
            ids = torch.from_numpy(batch)
            states = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            vectors = states[:, 0] if pooling == "cls" else states.float().mean(1)
            if normalize:
                vectors = torch.nn.functional.normalize(vectors.float(), dim=1)
            return vectors.float().numpy()

    return encode, f"{torch.__version__} (transformers {transformers.__version__})"


def onnxruntime_encoder(variant, model, threads, pooling, normalize, cache):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    path = exported(model, cache) if variant == "fp32" else quantized(model, cache)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {value.name for value in session.get_inputs()}

    def encode(batch):
        inputs = {"input_ids": batch, "attention_mask": np.ones_like(batch), "token_type_ids": np.zeros_like(batch)}
        states = session.run(None, {name: value for name, value in inputs.items() if name in names})[0]
        vectors = states[:, 0] if pooling == "cls" else states.mean(1)
        if normalize:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    return encode, onnxruntime.__version__


def exported(model, cache):
    """The model as ONNX in fp32, with batch and length left open; exported once."""
    path = os.path.join(cache, "model.onnx")
    if os.path.exists(path):
        return path
    import torch
    import transformers

    class States(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            return self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    network = transformers.AutoModel.from_pretrained(model, attn_implementation="eager").eval()
    ids = torch.ones(2, 8, dtype=torch.int64)
    open_axes = {0: "batch", 1: "length"}
    os.makedirs(cache, exist_ok=True)
    torch.onnx.export(
        States(network), (ids, torch.ones_like(ids)), path + ".part", input_names=["input_ids", "attention_mask"],
        output_names=["states"], dynamic_axes={name: open_axes for name in ("input_ids", "attention_mask", "states")},
        opset_version=17, dynamo=False)
    os.replace(path + ".part", path)
    return path


def quantized(model, cache):
    """The model in int8: a scale a weight matrix, activations as they come; made once."""
    path = os.path.join(cache, "model-int8.onnx")
    if os.path.exists(path):
        return path
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(exported(model, cache), path + ".part", weight_type=QuantType.QInt8)
    os.replace(path + ".part", path)
    return path


serve(load=load, prepare=prepare)
