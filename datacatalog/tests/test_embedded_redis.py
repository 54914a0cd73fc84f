"""The embedded Redis, in both of its forms, as processes of their own."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from datacatalog.embedded_redis import choose_address, find_server, wait_until_it_answers


@contextmanager
def serving(search_path: str) -> Iterator[str]:
    """The URL of an embedded Redis that finds programs on the search path only."""
    url = choose_address()
    process = subprocess.Popen(
        [sys.executable, "-m", "datacatalog.embedded_redis"],
        env={**os.environ, "REDIS_URL": url, "PATH": search_path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        asyncio.run(asyncio.wait_for(wait_until_it_answers(url), timeout=20))
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def exercise(url: str) -> None:
    client = redis.Redis.from_url(url)
    client.set("key", "value")
    assert client.get("key") == b"value"
    listener = client.pubsub()
    listener.subscribe("channel")
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    client.publish("channel", "hello")
    assert listener.get_message(timeout=5)["data"] == b"hello"


def test_the_stand_in_serves_without_nagles_delay(tmp_path: Path) -> None:
    with serving(str(tmp_path)) as url:
        exercise(url)
        client = redis.Redis.from_url(url)
        began = time.perf_counter()
        for _ in range(20):
            client.ping()
        # Nagle's algorithm with delayed acknowledgements costs 40 ms for each call.
        assert (time.perf_counter() - began) / 20 < 0.03


@pytest.mark.skipif(find_server() is None, reason="no redis-server on PATH")
def test_the_real_server_asks_for_the_password_and_writes_nothing(tmp_path: Path) -> None:
    with serving(os.environ["PATH"]) as url:
        exercise(url)
        without = url.replace(url.partition("@")[0], "redis://", 1).replace("redis://@", "redis://")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(without).ping()
        settings = redis.Redis.from_url(url).config_get("*")
        assert (settings["save"], settings["appendonly"], settings["bind"]) == ("", "no", "127.0.0.1")


def test_a_wrapper_with_nothing_behind_it_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redis-server").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{Path(shutil.which('sh') or '/bin/sh').parent}")

    assert find_server() is None
