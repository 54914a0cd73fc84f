"""Daphne, with bodies bounded: `python -m datacatalog.server` takes Daphne's own options.

Daphne takes in a whole body before the application runs, has Twisted parse it as a form, and
puts all of it into the application's queue, everything in memory: one large POST, from
anybody, could end the process. Here a body that is too large, or large and from a stranger,
is refused when its headers have arrived; others wait on disk and are read as the application
asks for them.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any

from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from django.conf import settings
from twisted.internet import reactor

from datacatalog import body_limit

CHUNK_BYTES = 256 * 1024
IN_MEMORY_BYTES = 100_000
# A connection that is closed while its peer still sends loses the answer on the way.
LINGER_SECONDS = 2.0
KNOWN_TIMEOUT_SECONDS = 10.0

_database_threads = ThreadPoolExecutor(2, thread_name_prefix="known")


class BodyQueue(asyncio.Queue[dict[str, Any]]):
    """The application's messages: first the body, read from its file piece by piece, then what Daphne puts."""

    def __init__(self, body: IO[bytes]) -> None:
        """Take a body that has wholly arrived."""
        super().__init__()
        self._body: IO[bytes] | None = body

    def put_nowait(self, item: dict[str, Any]) -> None:
        """Take a message; those that carry the body are made here."""
        if item["type"] != "http.request":
            super().put_nowait(item)

    async def get(self) -> dict[str, Any]:
        """Return the next message."""
        if self._body is None or self._body.closed:
            return await super().get()
        chunk = self._body.read(CHUNK_BYTES)
        more = len(chunk) == CHUNK_BYTES
        if not more:
            self._body = None
        return {"type": "http.request", "body": chunk, "more_body": more}


class _TakenBody(io.BytesIO):
    """Stands in for a body that the queue reads; closing it closes that."""

    def __init__(self, body: IO[bytes]) -> None:
        super().__init__()
        self._taken = body

    def close(self) -> None:
        self._taken.close()
        super().close()


class BoundedRequest(WebRequest):
    """A request that refuses its body by its headers, or when it grows too large."""

    _refused = False
    _limit = _received = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Django parses forms; Twisted would do it too, in memory, and stop the event loop meanwhile.
        super().__init__(*args, **kwargs, parsePOSTFormSubmission=False)

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """All headers are here: refuse, or choose where the body is kept. None is a length that is not announced."""
        path = self._requested_path()
        self._limit = body_limit.limit_for(path)
        self.content: IO[bytes] = io.BytesIO()
        if length is not None and length > self._limit:
            self._refuse(413, body_limit.too_large(self._limit))
        elif self._may_be_large(length) and not self._is_known():
            self._refuse(401, "Log in before you upload a file.")
        if not self._refused and (length is None or length > IN_MEMORY_BYTES):
            self.content = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - closed by Twisted

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep a piece of the body, unless there is too much of it."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > self._limit:
            self._refuse(413, body_limit.too_large(self._limit))
            return
        super().handleContentChunk(data)

    def process(self) -> Any:
        """Run the application, unless the request was refused."""
        return None if self._refused else super().process()

    def take_body(self) -> IO[bytes]:
        """Hand the body over to the application's queue."""
        body, self.content = self.content, _TakenBody(self.content)
        return body

    def _requested_path(self) -> str:
        path: bytes = self.channel._path
        return path.partition(b"?")[0].decode("latin-1")

    def _may_be_large(self, length: int | None) -> bool:
        small = body_limit.small_limit()
        return self._limit > small and (length is None or length > small)

    def _is_known(self) -> bool:
        headers = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        return _database_threads.submit(body_limit.is_known, headers).result(KNOWN_TIMEOUT_SECONDS)

    def _refuse(self, status: int, detail: str) -> None:
        self._refused = True
        self.requestHeaders.removeHeader("Expect")  # else Twisted would ask for the body all the same
        self.channel.transport.write(body_limit.refusal(self._requested_path(), status, detail))
        reactor.callLater(LINGER_SECONDS, self.channel.transport.loseConnection)  # type: ignore[arg-type] # a stub's slip


class BoundedFactory(HTTPFactory):
    """Makes the connections' requests bounded ones."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """Return the protocol of a new connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol


class BoundedServer(Server):
    """Daphne's server, whose applications read their bodies at their own pace."""

    @property
    def http_factory(self) -> HTTPFactory:
        """What makes the protocols of HTTP connections."""
        return self._http_factory

    @http_factory.setter
    def http_factory(self, factory: HTTPFactory) -> None:
        self._http_factory = BoundedFactory(factory.server)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[dict[str, Any]] | None:
        """Run the application for a connection; return the queue of what it receives."""
        if scope["type"] != "http":
            plain: asyncio.Queue[dict[str, Any]] | None = super().create_application(protocol, scope)
            return plain
        queue = BodyQueue(protocol.take_body())
        scope.setdefault("asgi", {"version": "3.0"})
        instance = self.application(scope=scope, receive=queue.get, send=partial(self.handle_reply, protocol))
        if protocol not in self.connections:
            return None
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(instance)
        return queue


class CommandLine(CommandLineInterface):
    """Daphne's command line, for the bounded server."""

    server_class = BoundedServer


if __name__ == "__main__":
    CommandLine.entrypoint()
