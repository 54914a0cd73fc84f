"""The Redis that `make run` brings along when REDIS_URL names none.

A real `redis-server` when one is on PATH, else fakeredis' server in this process.
It listens on loopback only, asks for a password (fakeredis takes any) and keeps
nothing on disk: jobs live in the database, and the reaper rings again for those
whose message was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
from urllib.parse import urlsplit


def choose_address() -> str:
    """A Redis URL on a free loopback port, with a password of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"redis://:{secrets.token_urlsafe(24)}@127.0.0.1:{port}/0"


async def wait_until_it_answers(url: str) -> None:
    """Return once the server at the URL answers a PING, be it to ask for the password."""
    parts = urlsplit(url)
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(b"PING\r\n")
            answer = await reader.readline()
            writer.close()
            if answer:
                return
        await asyncio.sleep(0.03)


def serve(url: str) -> None:
    """Serve at the URL until a signal ends the process."""
    parts = urlsplit(url)
    if parts.port is None:
        raise ValueError("the address of an embedded Redis needs a port")
    if program := find_server():
        _become(program, parts.port, parts.password or "")
    _serve_fake(parts.port)


def find_server() -> str | None:
    """A `redis-server` that really runs: a wrapper on PATH may have nothing behind it."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return program


def _become(program: str, port: int, password: str) -> None:
    """Replace this process by the server; its settings come by a pipe, so no other user sees the password."""
    settings = (
        f"bind 127.0.0.1\nport {port}\n"
        f'requirepass "{password}"\n'
        'save ""\nappendonly no\nmaxmemory-policy noeviction\nloglevel warning\n'
    )
    read_end, write_end = os.pipe()
    os.write(write_end, settings.encode())
    os.close(write_end)
    os.dup2(read_end, 0)
    os.execv(program, [program, "-"])  # noqa: S606


def _serve_fake(port: int) -> None:
    from fakeredis import TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", port))
    # Nagle's algorithm costs 44 ms for every call otherwise.
    server.RequestHandlerClass.disable_nagle_algorithm = True  # type: ignore[attr-defined]
    server.daemon_threads = True
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    if "REDIS_URL" not in os.environ:
        sys.exit("embedded Redis: REDIS_URL says where to serve; the supervisor sets it")
    serve(os.environ["REDIS_URL"])
