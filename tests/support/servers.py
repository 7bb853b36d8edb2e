"""Servers on loopback for tests: one that records requests, one that answers with any bytes at all."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """One request as the server read it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Recording(NamedTuple):
    """A running server: its address, what it saw, and how many connections were made to it."""

    url: str
    seen: list[Seen]
    connections: list[Any]


Reply = tuple[int, dict[str, str], bytes]
ACCEPTED: Reply = (202, {}, b"")


@contextmanager
def recording_server(answer: Callable[[Seen], Reply] = lambda _: ACCEPTED) -> Iterator[Recording]:
    """Serve `answer` on a free port, keeping connections alive, until the end of the block."""
    seen: list[Seen] = []
    connections: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            connections.append(self.client_address)
            super().setup()

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client may be gone before its reply
                super().handle()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            one = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            seen.append(one)
            status, headers, content = answer(one)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 -- the names that http.server asks for

        def log_message(self, *_: Any) -> None:
            """Stay quiet: what was served is in `seen`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Recording(f"http://127.0.0.1:{server.server_address[1]}", seen, connections)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def raw_server(
    serve: Callable[[socket.socket, threading.Event], None], *, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Hand each connection, its request read, to `serve`, with an event that is set at the end of the block.

    With `tls` the connection is secured first.
    """
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            secure = connection if tls is None else tls.wrap_socket(connection, server_side=True)
            with closing(secure):
                _read_request(secure)
                serve(secure, over)

    def accept() -> None:
        with suppress(OSError):  # closing the listener ends the loop
            while True:
                connection, _ = listener.accept()
                if over.is_set():
                    connection.close()
                    return
                threads.append(threading.Thread(target=one, args=(connection,)))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        with suppress(OSError), closing(socket.create_connection(listener.getsockname(), timeout=5)):
            pass  # wakes `accept`
        for thread in threads:
            thread.join()
        listener.close()


def _read_request(connection: socket.socket) -> None:
    """Read one request whole: closing over unread bytes would reset the connection under the reply."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        if not piece:
            return
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)


def free_port() -> int:
    """Return a port of this machine that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
