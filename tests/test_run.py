"""`make run` as a user has it: real processes from start to end, and what happens when something is wrong."""

import http.cookiejar
import os
import signal
import socket
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.running import Desk, cpu_seconds, descendants, free_port, is_running, wait_for

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk on an empty store, not started yet."""
    (tmp_path / "nautilus" / "catalog").mkdir(parents=True)
    desk = Desk(tmp_path / "home", {"NAUTILUS_PATH": str(tmp_path / "nautilus")})
    yield desk
    if desk.process is not None and desk.process.poll() is None:
        desk.process.kill()
        desk.process.wait()


def refused(desk: Desk) -> tuple[int, str]:
    """Exit code and console of a desk that is expected not to start."""
    return desk.launch().wait(timeout=60), desk.console


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def log_in(desk: Desk, user: str, password: str) -> str:
    """Log in by the form; the address that the browser ends at."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{desk.url}/login/", timeout=20).close()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = urllib.parse.urlencode({"username": user, "password": password, "csrfmiddlewaretoken": token})
    with opener.open(f"{desk.url}/login/", form.encode(), timeout=20) as answer:
        return str(answer.url)


def test_a_busy_port_is_named_with_a_way_out(desk: Desk) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", desk.port))
        holder.listen()
        code, console = refused(desk)

    assert code == 1
    assert f"Cannot listen on 127.0.0.1 port {desk.port}" in console
    assert f"PORT={desk.port + 1} make run" in console


def test_a_wrong_environment_is_refused_before_anything_starts(desk: Desk) -> None:
    desk.environment |= {"DEBUG": "perhaps", "REDIS_URL": "nonsense"}

    code, console = refused(desk)

    assert code == 2
    assert "- DEBUG: " in console
    assert "- REDIS_URL: " in console
    assert "Traceback" not in console
    assert not (desk.home / "logs").exists()


def test_a_home_that_cannot_be_written_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    desk.environment["DATACATALOG_HOME"] = str(tmp_path / "file" / "home")

    code, console = refused(desk)

    assert code == 2
    assert "- DATACATALOG_HOME: " in console
    assert "Traceback" not in console


def test_a_redis_that_does_not_answer_is_named_with_a_way_out(desk: Desk) -> None:
    port = free_port()
    desk.environment["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"

    code, console = refused(desk)

    assert code == 1
    assert f"Redis at redis://127.0.0.1:{port}/0 does not answer" in console
    assert "unset REDIS_URL" in console


@needs_proc
def test_a_desk_starts_serves_ends_and_starts_again(desk: Desk) -> None:
    desk.start()
    assert desk.process is not None
    below = descendants(desk.process.pid)

    assert get(f"{desk.url}/login/") == 200
    assert set(desk.users) == {"trader", "analyst", "admin"}
    for user, password in desk.users.items():
        assert log_in(desk, user, password) == f"{desk.url}/"
        assert f"{user:<10} {password}" in desk.console
    assert (desk.home / "demo-users.txt").stat().st_mode & 0o777 == 0o600
    wait_for(lambda: "No feed sources are configured yet" in desk.console, 20, "the start of the feeds")
    for name in ("web", "worker-interactive", "worker-heavy", "beat"):
        assert is_running(desk.process_of(name))

    assert desk.stop(signal.SIGINT) == 0
    assert [pid for pid in below if is_running(pid)] == []
    assert "Everything is stopped." in desk.console
    assert "Traceback" not in desk.console

    users = desk.users
    desk.start()
    # Processor time: the clock would measure what else this machine does.
    assert cpu_seconds(desk.process.pid) < 10
    assert desk.users == users
    assert get(f"{desk.url}/login/") == 200
    assert desk.stop(signal.SIGTERM) == 0


@needs_proc
def test_a_dead_process_is_named_and_ends_the_desk(desk: Desk) -> None:
    desk.start()
    assert desk.process is not None
    below = descendants(desk.process.pid)

    os.kill(desk.process_of("beat"), signal.SIGKILL)

    assert desk.process.wait(timeout=40) == 1
    assert "beat was killed by SIGKILL" in desk.console
    assert [pid for pid in below if is_running(pid)] == []


@needs_proc
def test_nothing_survives_a_killed_supervisor(desk: Desk) -> None:
    desk.start()
    assert desk.process is not None
    below = descendants(desk.process.pid)
    assert len(below) >= 6

    desk.process.kill()
    desk.process.wait()

    wait_for(lambda: not any(map(is_running, below)), 10, "the end of the children")


@needs_proc
def test_a_second_desk_on_the_same_home_is_refused_and_the_first_goes_on(desk: Desk) -> None:
    desk.start()
    assert desk.process is not None
    second = Desk(desk.home, desk.environment)
    second.launch()
    assert second.process is not None

    assert second.process.wait(timeout=60) == 1
    assert f"Another desk (process {desk.process.pid}) already runs" in second.console
    assert get(f"{desk.url}/login/") == 200
    assert desk.stop() == 0


@needs_proc
def test_ctrl_c_during_the_preparation_ends_it(desk: Desk) -> None:
    process = desk.launch()
    wait_for((desk.home / "logs" / "prepare.log").exists, 30, "the begin of the preparation")
    below = descendants(process.pid)

    assert desk.stop() == 0
    assert [pid for pid in below if is_running(pid)] == []


@needs_proc
def test_a_desk_without_a_redis_server_uses_its_stand_in(desk: Desk, tmp_path: Path) -> None:
    # Only what the Procfile needs: sh, env and nice, but no redis-server.
    (tmp_path / "bin").mkdir()
    for program in ("sh", "env", "nice"):
        (tmp_path / "bin" / program).symlink_to(Path("/usr/bin") / program)
    desk.environment["PATH"] = str(tmp_path / "bin")

    desk.start()

    assert is_running(desk.process_of("datacatalog.embedded_redis"))
    assert get(f"{desk.url}/login/") == 200
    assert desk.stop() == 0


@pytest.mark.services
@needs_proc
def test_a_desk_runs_on_postgresql_and_a_redis_of_others(desk: Desk) -> None:
    servers = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    name = f"desk_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(servers._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        try:
            desk.environment["DATABASE_URL"] = servers._replace(path=f"/{name}").geturl()
            desk.environment["REDIS_URL"] = os.environ["REDIS_URL"]
            desk.start()
            assert log_in(desk, "trader", desk.users["trader"]) == f"{desk.url}/"
            assert not (desk.home / "datacatalog.sqlite3").exists()
            assert not (desk.home / "logs" / "redis.log").exists()
            assert desk.stop() == 0
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]
