"""A Redis of the tests' own: a real one when `redis-server` is on PATH, else fakeredis over TCP."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import fakeredis
import redis

from datacatalog.embedded_redis import find_server


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """Start a server on a free loopback port, yield its address, and end it."""
    port = _free_port()
    program = find_server()
    with _real(program, port) if program else _fake(port):
        _wait_until_it_answers(port)
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def _real(program: str, port: int) -> Iterator[None]:
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def _fake(port: int) -> Iterator[None]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", port), server_type="redis")
    server.RequestHandlerClass.disable_nagle_algorithm = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(port: int) -> None:
    client = redis.Redis(port=port, retry=None)
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            client.close()
            return
