"""FAISS for `attar bench dense --kinds ivf`: IVF,PQfs,RFlat over the vectors of a NumPy file, at its best settings."""
import time

from worker import case, serve

_indexes = {}
# Every second query chooses the setting, the others are measured.
_choosing = None
_measured = None


def load(vectors, queries, lists, subspaces):
    """Builds an index for each number of lists, of subspaces, and with or without residuals."""
    global _choosing, _measured
    import faiss
    import numpy

    faiss.omp_set_num_threads(1)
    all_queries = numpy.load(queries)
    _choosing, _measured = all_queries[0::2].copy(), all_queries[1::2].copy()
    rows = numpy.load(vectors)
    for count in lists:
        centroids = None
        for parts in subspaces:
            for suffix in ("fs", "fsr"):
                name = f"IVF{count},PQ{parts}x4{suffix},RFlat"
                index = faiss.index_factory(rows.shape[1], name, faiss.METRIC_INNER_PRODUCT)
                coarse = faiss.downcast_index(faiss.extract_index_ivf(index).quantizer)
                if centroids is not None:
                    coarse.add(centroids)
                index.train(rows)
                index.add(rows)
                if centroids is None:
                    centroids = coarse.reconstruct_n(0, count)
                _indexes[name] = index
    return {"version": faiss.__version__}


def _recall(found, truth):
    return sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth)) / max(1, sum(len(b) for b in truth))


def _search(name, factor, probes, k, queries):
    import faiss

    index = _indexes[name]
    index.k_factor = factor
    faiss.extract_index_ivf(index).nprobe = probes
    return index.search(queries, k)[1]


def _smallest(name, factor, k, recall, truth, probes):
    """The first step of the ladder that reaches a recall, which grows with the lists looked at; None when none does."""
    low, high, best = 0, len(probes), (None, 0)
    while low < high:
        middle = len(probes) - 1 if best[0] is None else (low + high) // 2
        reached = _recall(_search(name, factor, probes[middle], k, _choosing), truth)
        if reached >= recall:
            best, high = (probes[middle], reached), middle
        else:
            low = middle + 1
    return best


def prepare(case_name, k, recall, chosen_by, measured, factors, probes):
    """Registers the fastest setting that reaches a recall; answers with what it is."""
    best = None
    for name in _indexes:
        for factor in factors:
            count, _ = _smallest(name, factor, k, recall, chosen_by, probes)
            if count is None:
                continue
            seconds = []
            for _ in range(3):
                start = time.process_time()
                _search(name, factor, count, k, _choosing)
                seconds.append(time.process_time() - start)
            if best is None or min(seconds) < best[0]:
                best = (min(seconds), name, factor, count)
    if best is None:
        raise ValueError(f"no setting reaches recall {recall}")
    _, name, factor, count = best
    case(case_name, lambda: _search(name, factor, count, k, _measured))
    reached = _recall(_search(name, factor, count, k, _measured), measured)
    return {"setting": f"{name}, k_factor {factor}, nprobe {count}", "recall": reached}


serve(load=load, prepare=prepare)
