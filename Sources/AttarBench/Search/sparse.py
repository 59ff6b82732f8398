"""Search over sparse vectors for `attar bench sparse`: one thread, the same matrices for all."""
import struct
import tempfile
import time

import numpy
from worker import case, serve

DEPTH = 10
_engine = None


def read(path):
    """Width, starts, columns and values: SciPy's .npz, or i64 rows, columns, entries, i64 starts, i32 columns, f32
    values."""
    if path.endswith(".npz"):
        with numpy.load(path) as arrays:
            width, starts = int(arrays["shape"][1]), arrays["indptr"].astype("<i8")
            return width, starts, arrays["indices"].astype("<i4"), arrays["data"].astype("<f4")
    with open(path, "rb") as file:
        rows, width, entries = struct.unpack("<qqq", file.read(24))
        starts = numpy.fromfile(file, "<i8", rows + 1)
        return width, starts, numpy.fromfile(file, "<i4", entries), numpy.fromfile(file, "<f4", entries)


def rows(starts, columns, values):
    return [(columns[a:b], values[a:b]) for a, b in zip(starts, starts[1:])]


class Exhaustive:
    """Adds up the columns of a query over all documents, then selects: exact."""

    version = numpy.__version__

    def __init__(self, documents, queries, **_):
        width, starts, columns, values = documents
        self.count = len(starts) - 1
        order = numpy.argsort(columns, kind="stable")
        self.documents = numpy.repeat(numpy.arange(self.count, dtype=numpy.int32), numpy.diff(starts))[order]
        self.values = values[order]
        self.starts = numpy.searchsorted(columns[order], numpy.arange(width + 1))
        self.queries = queries

    def find(self, query):
        scores = numpy.zeros(self.count, dtype=numpy.float32)
        for column, weight in zip(*query):
            part = slice(self.starts[column], self.starts[column + 1])
            scores[self.documents[part]] += weight * self.values[part]
        best = numpy.argpartition(scores, -DEPTH)[-DEPTH:]
        best = best[numpy.argsort(-scores[best], kind="stable")]
        return [(int(number), float(scores[number])) for number in best if scores[number] > 0]

    def search(self):
        return [self.find(query) for query in self.queries]


class Seismic:
    """Built with its defaults, weights as 16-bit floats; no graph of neighbours."""

    index = None

    def __init__(self, documents, queries, query_cut, heap_factor):
        import seismic
        from importlib.metadata import version
        self.version = version("pyseismic-lsr")
        self.settings = query_cut, heap_factor
        width, starts, columns, values = documents
        if Seismic.index is None:
            with tempfile.NamedTemporaryFile(suffix=".bin") as file:
                file.write(struct.pack("<I", len(starts) - 1))
                for row_columns, row_values in rows(starts, columns, values):
                    file.write(struct.pack("<I", len(row_columns)))
                    file.write(row_columns.astype("<u4").tobytes() + row_values.tobytes())
                file.flush()
                Seismic.index = seismic.SeismicIndexRaw.build(file.name)
        # It stops at columns that no document has.
        widest = columns.max()
        self.queries = [tuple(numpy.ascontiguousarray(part[query[0] <= widest]) for part in query) for query in queries]

    def search(self):
        cut, factor = self.settings
        return [[(number, score) for score, number in self.index.search(*query, DEPTH, cut, factor, 0, True)]
                for query in self.queries]


def load(peer, documents, queries, settings):
    """Indexes the documents of a file and takes the queries of another; a case for each of the settings."""
    global _engine
    _engine = {}
    vectors = read(documents)
    asked = rows(*read(queries)[1:])
    for name, values in settings.items():
        engine = {"numpy": Exhaustive, "seismic": Seismic}[peer](vectors, asked, **values)
        _engine[name] = engine
        case(name, engine.search, clock=time.process_time)
    return {"version": engine.version}


def answers(name):
    """Numbers and scores of the ten best documents of each query."""
    return {"answers": [{"ordinals": [number for number, _ in hits], "scores": [score for _, score in hits]}
                        for hits in _engine[name].search()]}


serve(load=load, answers=answers)
