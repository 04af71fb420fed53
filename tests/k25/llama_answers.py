"""llama.cpp in a process of its own: `python llama_answers.py MODEL`, requests in, replies out.

Each line of the input is a JSON object with `path` and `body`, each line of the output the reply.
Attention is computed in f32, from a cache in f32, so that only the model itself is compared.
"""

import json
import os
import socket
import sys
from http.client import HTTPConnection
from tempfile import TemporaryDirectory
from typing import Any

import xllamacpp

TOKENS = 1024


class _Local(HTTPConnection):
    """HTTP over a Unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def _params(model: str, address: str) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_parallel, params.n_ctx = 1, TOKENS
    params.n_batch = params.n_ubatch = 64
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib, params.ui, params.verbosity = 0, False, -1
    params.hostnames = [address]
    return params


def main(model: str) -> None:
    """Answers all requests, then ends with the library's threads, whatever they are doing."""
    with TemporaryDirectory() as folder:
        address = f"{folder}/llama.sock"
        server = xllamacpp.Server(_params(model, address))
        for line in sys.stdin:
            request = json.loads(line)
            link = _Local(address)
            link.request("POST", request["path"], json.dumps(request["body"]))
            print(json.dumps(json.loads(link.getresponse().read())), flush=True)
            link.close()
    assert server is not None
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
