"""A trivial HTTP server in a process of its own, for benchmarks: it takes every request, counts, and answers 202.

Its processor time is not the client's, so what a client spends can be measured apart.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/vnd.api+json\r\nContent-Length: %d\r\n\r\n%b"
_BODY = b'{"data":{"id":"J"}}'
_REPLY = _ACCEPTED % (len(_BODY), _BODY)
_JOB = b'{"data":{"id":"J","attributes":{"status":"complete","failed_count":0}}}'
_JOB_REPLY = _ACCEPTED % (len(_JOB), _JOB)
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class _Counting(asyncio.Protocol):
    """Answers each request as soon as the whole of it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.got = b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self.got, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.got) < whole:
                return
            # What is asked for is how an import job goes: it is done.
            self.transport.write(_JOB_REPLY if self.got.startswith(b"GET ") else _REPLY)
            self.got = self.got[whole:]


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Counting, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 -- how the parent learns the port
    await server.serve_forever()


@contextmanager
def counting_server() -> Iterator[str]:
    """Serve on a free port of loopback until the end of the block; gives the address."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 -- this very file
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve())
