"""MaxSim for `attar bench multivector`: one query, documents of equal length, by NumPy or PyTorch."""
import time

import numpy
from worker import case, serve


def _numpy(documents, query, tokens):
    def work():
        products = documents @ query.T
        return products.reshape(-1, tokens, len(query)).max(1).sum(1)

    return numpy.__version__, work


def _pytorch(documents, query, tokens, precision):
    import torch

    torch.set_num_threads(1)
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    stored, turned = torch.from_numpy(documents).to(kind), torch.from_numpy(query).to(kind).T.contiguous()

    def work():
        with torch.inference_mode():
            products = stored @ turned
            return products.reshape(-1, tokens, turned.shape[1]).amax(1).float().sum(1)

    return torch.__version__, work


def load(documents, query, tokens, engine):
    """Reads both files; a case of one repetition over all documents."""
    name, precision = engine.split(" ")
    vectors, asked = numpy.load(documents), numpy.load(query)
    if name == "numpy":
        version, work = _numpy(vectors, asked, tokens)
    else:
        version, work = _pytorch(vectors, asked, tokens, precision)
    case("max_sim", work, clock=time.process_time)
    return {"version": version}


serve(load=load)
