"""llama.cpp's library called from Python: node-llama-cpp's prebuilt libllama, without node.

The structs of llama.h are passed as opaque bytes, so that no header is needed: of each only the
fields that are named here are set, and what is known of their neighbours is checked first.
"""
import ctypes
import json
import os
import struct
from pathlib import Path

PACKAGE = Path(os.environ.get("PEERS", "/tmp/peers")) / "llama/node_modules"
BINARIES = PACKAGE / "@node-llama-cpp/linux-x64/bins/linux-x64"


class Opaque(ctypes.Structure):
    """A struct passed by value whose fields are llama.cpp's own business; larger than any of them."""
    _fields_ = [("bytes", ctypes.c_ubyte * 512)]

    def changed(self, change):
        raw = bytearray(bytes(self.bytes))
        change(raw)
        return Opaque((ctypes.c_ubyte * 512)(*raw))


def version():
    node = json.loads((PACKAGE / "node-llama-cpp/package.json").read_text())["version"]
    release = json.loads((BINARIES / "_nlcBuildMetadata.json").read_text())["buildOptions"]["llamaCpp"]["release"]
    return f"llama.cpp {release} (npm node-llama-cpp {node})"


here = os.getcwd()
os.chdir(BINARIES)  # the libraries for processors are looked for here
ggml_base = ctypes.CDLL(str(BINARIES / "libggml-base.so"), mode=ctypes.RTLD_GLOBAL)
ggml = ctypes.CDLL(str(next(BINARIES.glob("libggml.v*.so"))), mode=ctypes.RTLD_GLOBAL)
llama = ctypes.CDLL(str(next(BINARIES.glob("libllama.v*.so"))), mode=ctypes.RTLD_GLOBAL)
for name in ("llama_model_default_params", "llama_context_default_params", "llama_model_quantize_default_params",
             "llama_batch_get_one"):
    getattr(llama, name).restype = Opaque
for name in ("llama_model_load_from_file", "llama_init_from_model", "llama_get_memory", "llama_model_get_vocab"):
    getattr(llama, name).restype = ctypes.c_void_p
for name in ("llama_get_logits_ith", "llama_get_embeddings_seq"):
    getattr(llama, name).restype = ctypes.POINTER(ctypes.c_float)
_silence = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
ggml_base.ggml_log_set(_silence, None)
llama.llama_log_set(_silence, None)
ggml.ggml_backend_load_all_from_path(str(BINARIES).encode())
llama.llama_backend_init()
os.chdir(here)


def quantise(source, target, file_type):
    """Writes another type of a GGUF file; file_type is llama.h's llama_ftype."""
    def choose(raw):
        threads, kind = struct.unpack_from("<2i", raw, 0)
        assert threads >= 0 and 0 < kind < 64, "llama_model_quantize_params has changed"
        struct.pack_into("<2i", raw, 0, 1, file_type)
    parameters = llama.llama_model_quantize_default_params().changed(choose)
    # By pointer here, in contrast to the others.
    return llama.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(parameters)) == 0


class Model:
    """A model with one context: tokens in, logits out."""

    def __init__(self, file, positions, threads=2, kv="f32", flash="off", pooling=None):
        self.model = ctypes.c_void_p(llama.llama_model_load_from_file(os.fsencode(file), llama.llama_model_default_params()))
        assert self.model, f"llama.cpp cannot load {file}"
        self.words = ctypes.c_void_p(llama.llama_model_get_vocab(self.model))
        self.vocab = llama.llama_vocab_n_tokens(self.words)
        self.width = llama.llama_model_n_embd(self.model)

        def choose(raw):
            # n_ctx, n_batch, n_ubatch; then n_seq_max and the threads, which have a function of their own.
            struct.pack_into("<3I", raw, 0, positions, 512, 512)
            # The two cache types are the only neighbouring pair of 1 (GGML_TYPE_F16), behind two null pointers.
            pairs = [at for at in range(24, 200, 4) if struct.unpack_from("<2I", raw, at) == (1, 1)
                     and struct.unpack_from("<2Q", raw, at - 16) == (0, 0)]
            assert len(pairs) == 1, "llama_context_params has changed"
            kind = {"f32": 0, "f16": 1}[kv]
            struct.pack_into("<2I", raw, pairs[0], kind, kind)
            # Behind the threads: kinds of rope scaling, pooling, attention and flash attention, all -1.
            kinds = raw.find(b"\xff" * 16, 0, 64)
            assert kinds >= 0, "llama_context_params has changed"
            if pooling is not None:
                struct.pack_into("<i", raw, kinds + 4, {"none": 0, "mean": 1, "cls": 2, "last": 3}[pooling])
            struct.pack_into("<i", raw, kinds + 12, {"auto": -1, "off": 0, "on": 1}[flash])

        parameters = llama.llama_context_default_params().changed(choose)
        self.context = ctypes.c_void_p(llama.llama_init_from_model(self.model, parameters))
        assert self.context, "no context"
        llama.llama_set_n_threads(self.context, threads, threads)
        self.memory = ctypes.c_void_p(llama.llama_get_memory(self.context))

    def feed(self, tokens):
        for at in range(0, len(tokens), 512):
            part = tokens[at:at + 512]
            array = (ctypes.c_int32 * len(part))(*part)
            assert llama.llama_decode(self.context, llama.llama_batch_get_one(array, len(part))) == 0

    def logits(self):
        """After the last token, until the next is fed."""
        import numpy
        return numpy.ctypeslib.as_array(llama.llama_get_logits_ith(self.context, -1), (self.vocab,))

    def all_logits(self, tokens):
        """Of every one of up to 512 tokens, which are a text of their own: [tokens, vocabulary]."""
        import numpy
        self.forget()
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        wanted = (ctypes.c_int8 * len(tokens))(*[1] * len(tokens))
        # llama_batch is {i32 n_tokens; six pointers, the last of them to which logits are wanted}.
        batch = llama.llama_batch_get_one(array, len(tokens)).changed(
            lambda raw: struct.pack_into("<Q", raw, 48, ctypes.addressof(wanted)))
        assert llama.llama_decode(self.context, batch) == 0
        return numpy.stack([numpy.ctypeslib.as_array(llama.llama_get_logits_ith(self.context, i), (self.vocab,)).copy()
                            for i in range(len(tokens))])

    def tokens(self, text, special):
        """Of a text, with the one that begins it where the vocabulary wants one."""
        raw = text.encode()
        room = (ctypes.c_int32 * (len(raw) + 8))()
        count = llama.llama_tokenize(self.words, raw, len(raw), room, len(room), ctypes.c_bool(True),
                                     ctypes.c_bool(special))
        assert count >= 0
        return list(room[:count])

    def piece(self, token):
        room = ctypes.create_string_buffer(256)
        count = llama.llama_token_to_piece(self.words, token, room, len(room), 0, ctypes.c_bool(False))
        return room.raw[:max(count, 0)]

    def begin(self):
        return llama.llama_vocab_bos(self.words)

    def ends(self, token):
        return bool(llama.llama_vocab_is_eog(self.words, token) & 1)

    def forget(self):
        llama.llama_memory_clear(self.memory, ctypes.c_bool(True))

    def embedding(self, tokens):
        """Of a text by an encoder whose pooling was named."""
        import numpy
        llama.llama_set_embeddings(self.context, ctypes.c_bool(True))
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        assert llama.llama_encode(self.context, llama.llama_batch_get_one(array, len(tokens))) == 0
        return numpy.ctypeslib.as_array(llama.llama_get_embeddings_seq(self.context, 0), (self.width,)).copy()
