"""Which attempt of a task may send: the driver knows, and a task asks it before each call to Klaviyo.

Spark starts a task anew when it loses an executor, but the lost one may still run.  The driver gives each task attempt
a number that is larger than that of every attempt before; the largest that asked is the one that may send.  An attempt
that cannot reach the driver may not.
"""

import contextlib
import os
import secrets
import socket
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener

import orjson
from attrs import field, frozen
from pyspark import TaskContext
from pyspark.sql import SparkSession

from klavier.errors import UsageError

_SECONDS = 10.0
"""How long a task waits for the driver's answer, which takes less than a millisecond as a rule."""


@frozen
class Ticket:
    """Where the driver is asked, and about which job of how many partitions."""

    host: str
    port: int
    key: bytes = field(repr=False)
    job: str
    partitions: int


class Coordinator:
    """Answers the tasks of this driver; one for each process."""

    def __init__(self, host: str, bind: str) -> None:
        self._host = host
        self._key = secrets.token_bytes(32)
        self._listener = Listener((bind, 0), backlog=64, authkey=self._key)
        self._newest: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._open: set[Connection] = set()
        threading.Thread(target=self._accept, name="klavier-coordinator", daemon=True).start()

    def ticket(self, partitions: int) -> Ticket:
        """Return what the tasks of a new job need to ask."""
        port = int(self._listener.address[1])
        return Ticket(self._host, port, self._key, secrets.token_hex(8), partitions)

    def close(self) -> None:
        """End all connections: no attempt may send any more."""
        with self._lock:
            self._closed = True
            for connection in self._open:
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):  # the caller does not know the key, or is gone
                continue
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: Connection) -> None:
        """Answer one attempt until it ends: each message asks whether it is still the newest."""
        try:
            job, partition, attempt = orjson.loads(connection.recv_bytes(1000))
            with self._lock:
                newest = self._newest[job, partition] = max(attempt, self._newest.get((job, partition), -1))
            while True:
                connection.send_bytes(b"1" if newest == attempt else b"0")
                connection.recv_bytes(10)
                with self._lock:
                    newest = self._newest[job, partition]
        except (EOFError, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


_ONLY: list[Coordinator] = []
_LOCK = threading.Lock()


def coordinator(session: SparkSession) -> Coordinator:
    """Return the coordinator of this process, which is started at the first call."""
    with _LOCK:
        if not _ONLY:
            host = str(session.conf.get("spark.driver.host", "127.0.0.1"))
            _ONLY.append(Coordinator(host, str(session.conf.get("spark.driver.bindAddress", host))))
        return _ONLY[0]


class Fence:
    """One attempt's right to send, which ends when a newer attempt of the same partition begins."""

    def __init__(self, ticket: Ticket, partition: int, attempt: int) -> None:
        if partition >= ticket.partitions:
            raise UsageError(
                f"the rows are in more than {ticket.partitions} partition(s), each of which would use its share of "
                "Klaviyo's rate limits; pass them through klavier_spark.for_stream(df, ...) with the same share"
            )
        self._lock = threading.Lock()
        self._connection: Connection | None = Client((ticket.host, ticket.port), authkey=ticket.key)
        self._connection.send_bytes(orjson.dumps([ticket.job, partition, attempt]))
        self._may_send = self._read()

    def may_send(self) -> bool:
        """Ask the driver; False once a newer attempt began, and where the driver does not answer."""
        with self._lock:
            if self._may_send:
                try:
                    if self._connection is not None:
                        self._connection.send_bytes(b"?")
                    self._may_send = self._read()
                except OSError:
                    self._may_send = False
            return self._may_send

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._may_send = None, False

    def _read(self) -> bool:
        try:
            connection = self._connection
            return connection is not None and connection.poll(_SECONDS) and connection.recv_bytes(10) == b"1"
        except (EOFError, OSError):
            return False


def fence_of_task(ticket: Ticket) -> Fence:
    """Return the fence of the task that this runs in."""
    task = TaskContext.get()
    if task is None:
        raise UsageError("klavier_spark delivers in tasks of Spark only")
    return Fence(ticket, task.partitionId(), task.taskAttemptId())
