"""Servers with fixed answers, for answers that the sandbox never gives."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REQUEST = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"


def make_certificate(folder: Path) -> Path:
    """Make public.pem, and return a file with this certificate for localhost and its private key."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl on this system")
    command = [*REQUEST.split(), "-keyout", "private.pem", "-out", "public.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "private.pem").read_bytes() + (folder / "public.pem").read_bytes())
    return folder / "both.pem"


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@dataclass
class Answer:
    """One answer for all requests."""

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class Listener:
    """A server and its requests: method, path and Authorization."""

    url: str
    requests: list[tuple[str, str, str | None]]


@contextmanager
def answering(answer: Answer | Callable[[str], Answer], tls: Any = None) -> Iterator[Listener]:
    requests: list[tuple[str, str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_answer(self) -> None:
            requests.append((self.command, self.path, self.headers["Authorization"]))
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            said = answer if isinstance(answer, Answer) else answer(self.path.partition("?")[0])
            if said.raw is not None:
                self.wfile.write(said.raw)
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(said.body.encode())), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body.encode())

        do_GET = do_POST = do_CONNECT = handle_one_answer  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # clients that distrust the certificate disconnect

    with Quiet(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        host = "localhost" if tls else "127.0.0.1"
        yield Listener(f"{'https' if tls else 'http'}://{host}:{server.server_port}", requests)
        server.shutdown()
        thread.join()
