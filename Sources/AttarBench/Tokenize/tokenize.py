"""Hugging Face tokenizers for `attar bench tokenize`."""
from worker import case, serve

_texts = {}
_tokenizer = None


def load(path):
    """Reads a tokenizer.json, and registers the reading itself as a case."""
    global _tokenizer
    import tokenizers

    def read():
        tokenizer = tokenizers.Tokenizer.from_file(path)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    _tokenizer = read()
    case("load", read)
    return {"version": tokenizers.__version__}


def prepare(case_name, texts):
    """Registers texts; answers with their ids."""
    case(case_name, lambda: _tokenizer.encode_batch_fast(texts))
    return {"ids": [encoding.ids for encoding in _tokenizer.encode_batch_fast(texts)]}


serve(load=load, prepare=prepare)
