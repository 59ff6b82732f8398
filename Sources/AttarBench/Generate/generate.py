"""llama.cpp for `attar bench generate`: reading a prompt, and single tokens behind it."""
import ctypes

import numpy as np

from worker import case, serve

_model = None


def load(model, threads, positions):
    global _model
    import llama_cpp

    _model = llama_cpp.Llama(
        model, n_ctx=positions, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
    return {"version": "llama-cpp-python " + llama_cpp.__version__}


def prepare(prefill, decode, prompt, following):
    """Registers both cases; answers with the log-probabilities after the prompt."""

    def read():
        _model.reset()
        _model.eval(prompt)

    def step():
        # What stands behind the prompt is forgotten by the first evaluation.
        _model.n_tokens = len(prompt)
        for token in following:
            _model.eval([token])

    read()
    scores = logits()
    case(prefill, read)
    case(decode, step)
    return {"logProbabilities": (scores - np.logaddexp.reduce(scores)).tolist()}


def logits():
    import llama_cpp

    pointer = llama_cpp.llama_get_logits_ith(_model.ctx, -1)
    return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), (_model.n_vocab(),)).astype(float)


serve(load=load, prepare=prepare)
