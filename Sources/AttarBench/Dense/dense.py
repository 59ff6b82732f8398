"""hnswlib, FAISS and USearch for `attar bench dense`: graphs of inner products over the vectors of a NumPy file."""
import os
import tempfile
import time

from worker import case, serve

_search = None
_queries = None


def _hnswlib(vectors, links, candidates):
    import hnswlib

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.set_num_threads(1)
    index.init_index(max_elements=len(vectors), ef_construction=candidates, M=links, random_seed=1)
    index.add_items(vectors, num_threads=1)

    def search(queries, k, ef):
        index.set_ef(ef)
        return index.knn_query(queries, k=k, num_threads=1)[0]

    return hnswlib.__version__ if hasattr(hnswlib, "__version__") else "0.8", search, index.save_index


def _faiss(vectors, links, candidates):
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexHNSWFlat(vectors.shape[1], links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = candidates
    index.add(vectors)

    def search(queries, k, ef):
        index.hnsw.efSearch = ef
        return index.search(queries, k)[1]

    return faiss.__version__, search, lambda path: faiss.write_index(index, path)


def _usearch(vectors, links, candidates):
    import numpy
    import usearch
    from usearch.index import Index

    index = Index(
        ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=links, expansion_add=candidates)
    index.add(numpy.arange(len(vectors)), vectors, threads=1)

    def search(queries, k, ef):
        index.expansion_search = ef
        return index.search(queries, k, threads=1).keys

    return usearch.__version__, search, index.save


def load(engine, vectors, queries, links, candidates):
    """Builds a graph; answers with the engine's version, the seconds, and the bytes of the saved index."""
    global _search, _queries
    import numpy

    _queries = numpy.load(queries)
    rows = numpy.load(vectors)
    start = time.process_time()
    version, _search, save = {"hnswlib": _hnswlib, "faiss": _faiss, "usearch": _usearch}[engine](
        rows, links, candidates)
    seconds = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index")
        save(path)
        size = os.path.getsize(path)
    return {"version": version, "seconds": seconds, "bytes": size}


def prepare(case_name, k, ef):
    """Registers a search of all queries; answers with what it finds."""
    case(case_name, lambda: _search(_queries, k, ef))
    return {"ordinals": [[int(row) for row in rows] for rows in _search(_queries, k, ef)]}


serve(load=load, prepare=prepare)
