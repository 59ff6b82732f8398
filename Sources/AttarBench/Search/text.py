"""Text search engines for `attar bench text`: one thread, terms as Attar's analyzer made them, BM25 with the same k1, b."""
import importlib.util
import json
import os
import shutil
import tempfile
import time

from worker import case, serve

K1, B = 1.2, 0.75
_engine = None


class Tantivy:
    """Frequencies, with positions only for phrases; one segment; its k1 and b are fixed at 1.2 and 0.75. Counting is
    off."""

    def __init__(self, documents, groups, positions):
        import tantivy
        self.tantivy, self.documents = tantivy, documents
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("terms", tokenizer_name="whitespace", index_option="position" if positions else "freq")
        self.schema = schema.build()
        self.build()
        index = tantivy.Index.open(self.folder)
        self.searcher = index.searcher()
        self.queries = {name: [self.query(**query) for query in queries] for name, queries in groups.items()}
        self.nothing = self.query(should=["\u2603"])
        self.version = tantivy.__version__
        self.notes = [f"tantivy's index has {self.searcher.num_segments} segment(s), "
                      f"{folder_bytes(self.folder) / len(documents):.1f} bytes a document."]

    def query(self, must=(), should=(), mustNot=(), phrase=()):
        kind, occur = self.tantivy.Query, self.tantivy.Occur
        if phrase:
            return kind.phrase_query(self.schema, "terms", list(phrase))
        clauses = [(occur.Must, must), (occur.Should, should), (occur.MustNot, mustNot)]
        term = lambda text: kind.term_query(self.schema, "terms", text, index_option="freq")
        return kind.boolean_query([(occurrence, term(text)) for occurrence, terms in clauses for text in terms])

    def build(self):
        self.folder = fresh_folder("tantivy")
        index = self.tantivy.Index(self.schema, path=self.folder)
        writer = index.writer(heap_size=1_000_000_000, num_threads=1)
        for text in self.documents:
            writer.add_document(self.tantivy.Document(terms=text))
        writer.commit()
        writer.wait_merging_threads()

    def search(self, name):
        return [self.searcher.search(query, 10, count=False).hits for query in self.queries[name]]

    def call(self):
        self.searcher.search(self.nothing, 10, count=False).hits

    def answers(self, name):
        # Its scores have Robertson's constant factor, which Lucene dropped.
        return [[(address.doc, score / (K1 + 1)) for score, address in hits] for hits in self.search(name)]

    def matches(self, name):
        return [self.searcher.search(query, 1, count=True).count for query in self.queries[name]]


class Pisa:
    """Through pyterrier-pisa's extension alone, so that no Java is needed: lists packed by SIMD-BP128, blocks of 64 for
    block maxima, exact scores; all queries in one call."""

    ALGORITHM = "block_max_maxscore"

    def __init__(self, documents, groups, positions):
        import numpy
        queries = bags(groups)
        self.numpy = numpy
        package = importlib.util.find_spec("pyterrier_pisa").submodule_search_locations[0]
        name = next(name for name in os.listdir(package) if name.startswith("_pisathon") and name.endswith(".so"))
        spec = importlib.util.spec_from_file_location("pyterrier_pisa._pisathon", f"{package}/{name}")
        self.pisa = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.pisa)
        from importlib.metadata import version
        self.version = version("pyterrier-pisa")
        self.folder = fresh_folder("pisa")
        self.write(documents)
        self.context = self.pisa.RetrievalContext()
        self.pisa.prepare_index(self.context, self.folder, "block_simdbp", "bm25", "", bm25_k1=K1, bm25_b=B, quantize=0,
                                stop_fname="")
        self.queries = [(number, {term: float(terms.count(term)) for term in terms})
                        for number, terms in enumerate(queries)]
        self.nothing = [(0, {"\u2603": 1.0})]
        size = 10 * len(queries)
        self.found = [numpy.empty(size, dtype=kind) for kind in ("int32", object, "int32", "float32")]
        files = sum(os.path.getsize(f"{self.folder}/{name}") for name in os.listdir(self.folder)
                    if name.endswith(".block_simdbp") or ".bmw." in name or name.endswith("lex"))
        self.notes = [f"PISA runs {self.ALGORITHM}, {files / len(documents):.1f} bytes a document."]

    def write(self, documents):
        """The uncompressed lists that PISA compresses: see its documentation, "binary collection"."""
        numpy = self.numpy
        lists, lengths = {}, []
        for number, text in enumerate(documents):
            terms = text.split()
            lengths.append(len(terms))
            for term in set(terms):
                lists.setdefault(term, []).append((number, terms.count(term)))
        counted = lambda values: numpy.array([len(values), *values], dtype=numpy.uint32).tobytes()
        with open(f"{self.folder}/inv.docs", "wb") as docs, open(f"{self.folder}/inv.freqs", "wb") as frequencies, \
                open(f"{self.folder}/fwd.terms", "w") as names:
            docs.write(numpy.array([1, len(documents)], dtype=numpy.uint32).tobytes())
            for term in sorted(lists):
                names.write(term + "\n")
                docs.write(counted([number for number, _ in lists[term]]))
                frequencies.write(counted([frequency for _, frequency in lists[term]]))
        with open(f"{self.folder}/inv.sizes", "wb") as sizes:
            sizes.write(counted(lengths))
        with open(f"{self.folder}/fwd.documents", "w") as names:
            names.write("".join(f"{number}\n" for number in range(len(documents))))
        self.pisa.build_binlex(f"{self.folder}/fwd.documents", f"{self.folder}/fwd.doclex")
        self.pisa.build_binlex(f"{self.folder}/fwd.terms", f"{self.folder}/fwd.termlex")

    def retrieve(self, queries):
        numbers, names, ranks, scores = self.found
        return self.pisa.retrieve(self.context, self.ALGORITHM, queries, k=10, threads=1, query_weighted=0,
                                  pretokenised=True, result_qidxs=numbers, result_docnos=names, result_ranks=ranks,
                                  result_scores=scores)

    def search(self, name):
        self.retrieve(self.queries)

    def call(self):
        self.retrieve(self.nothing)

    def answers(self, name):
        count = self.retrieve(self.queries)
        numbers, names, _, scores = self.found
        answers = [[] for _ in self.queries]
        for place in range(count):
            answers[numbers[place]].append((int(names[place]), float(scores[place])))
        return answers


class BM25S:
    """The `lucene` variant: the same formula as Attar's; scores are made when it indexes."""

    def __init__(self, documents, groups, positions):
        import bm25s
        self.queries = bags(groups)
        from importlib.metadata import version
        self.version = version("bm25s")
        self.index = bm25s.BM25(method="lucene", k1=K1, b=B)
        self.index.index([text.split() for text in documents], show_progress=False)
        self.notes = []

    def retrieve(self, terms):
        return self.index.retrieve([terms], k=10, show_progress=False, n_threads=0)

    def search(self, name):
        for terms in self.queries:
            self.retrieve(terms)

    def call(self):
        self.retrieve(self.queries[0][:1])

    def answers(self, name):
        found = [self.retrieve(terms) for terms in self.queries]
        return [[(int(number), float(score)) for number, score in zip(ids[0], scores[0]) if score > 0]
                for ids, scores in found]


def bags(groups):
    """The queries of engines that are asked for nothing but terms."""
    (queries,) = groups.values()
    return [query["should"] for query in queries]


def fresh_folder(name):
    path = f"{tempfile.gettempdir()}/attar-bench-{os.getpid()}-{name}"
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def folder_bytes(path):
    return sum(os.path.getsize(f"{path}/{name}") for name in os.listdir(path))


def seconds_of_a_call(engine):
    """The processor time of a call that has next to nothing to find."""
    engine.call()
    times = []
    for _ in range(200):
        start = time.process_time()
        engine.call()
        times.append(time.process_time() - start)
    return sorted(times)[len(times) // 2]


def load(peer, documents, queries, positions):
    """Indexes the documents, a line of terms each, and takes groups of queries; each is a case."""
    global _engine
    with open(documents) as lines:
        documents = [line.rstrip("\n") for line in lines]
    with open(queries) as groups:
        groups = {group["name"]: group["queries"] for group in json.load(groups)}
    _engine = {"tantivy": Tantivy, "pisa": Pisa, "bm25s": BM25S}[peer](documents, groups, positions)
    for name in groups:
        case(name, lambda name=name: _engine.search(name), clock=time.process_time)
    if peer == "tantivy":
        case("build", _engine.build, clock=time.process_time)
    return {"version": _engine.version, "notes": _engine.notes, "builds": peer == "tantivy",
            "call": seconds_of_a_call(_engine)}


def answers(name):
    """Numbers and scores of the ten best documents of each query of a group."""
    return {"answers": [{"ordinals": [number for number, _ in hits], "scores": [score for _, score in hits]}
                        for hits in _engine.answers(name)]}


def matches(name):
    """How many documents match each query of a group."""
    return {"matches": _engine.matches(name)}


def finish():
    """Removes what was written."""
    if hasattr(_engine, "folder"):
        shutil.rmtree(_engine.folder, ignore_errors=True)
    return {}


serve(load=load, answers=answers, matches=matches, finish=finish)
