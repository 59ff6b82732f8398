/// Another engine that the same work is measured with.
public enum Peer: String, CaseIterable, Codable, Sendable {
    /// ONNX Runtime, over a model that PyTorch exports once.
    case onnxruntime
    /// PyTorch with Hugging Face transformers.
    case pytorch
    /// llama.cpp, through its Python binding.
    case llamaCpp = "llama.cpp"
    /// Hugging Face tokenizers.
    case tokenizers
    /// hnswlib, the reference implementation of HNSW.
    case hnswlib
    /// FAISS.
    case faiss
    /// USearch.
    case usearch
    /// Tantivy, through its Python binding.
    case tantivy
    /// PISA, through the extension of pyterrier-pisa.
    case pisa
    /// BM25S.
    case bm25s
    /// Seismic: approximate search over learned sparse vectors.
    case seismic
    /// An exhaustive search over sparse vectors, by NumPy.
    case numpy

    /// What `pip` installs for it.
    public var requirements: [String] {
        switch self {
        case .onnxruntime: ["numpy", "onnx", "onnxruntime", "torch", "transformers"]
        case .pytorch: ["numpy", "torch", "transformers"]
        case .llamaCpp: ["llama-cpp-python", "numpy"]
        case .tokenizers: ["tokenizers"]
        case .hnswlib: ["hnswlib", "numpy"]
        case .faiss: ["faiss-cpu", "numpy"]
        case .usearch: ["numpy", "usearch"]
        case .tantivy: ["tantivy"]
        case .pisa: ["numpy", "pyterrier-pisa"]
        case .bm25s: ["bm25s", "numpy"]
        case .seismic: ["numpy", "pyseismic-lsr"]
        case .numpy: ["numpy"]
        }
    }

    /// How much that is on disk, about.
    public var installedSize: String {
        switch self {
        case .onnxruntime: "1.1 GB with the CPU build of PyTorch, 6 GB with the one for GPUs"
        case .pytorch: "1 GB with the CPU build of PyTorch, 6 GB with the one for GPUs"
        case .llamaCpp: "200 MB; it may be compiled on the spot"
        case .tokenizers: "60 MB"
        case .hnswlib: "80 MB; it is compiled on the spot, for this processor"
        case .faiss: "180 MB"
        case .usearch: "90 MB"
        case .tantivy: "20 MB"
        case .pisa: "300 MB, most of it what pyterrier needs"
        case .bm25s: "80 MB"
        case .seismic: "60 MB"
        case .numpy: "50 MB"
        }
    }
}
