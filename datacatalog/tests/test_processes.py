"""Child processes of the supervisor, with real ones."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from datacatalog.processes import Child, read_procfile
from tests.running import is_running, wait_for

PYTHON = sys.executable


def run_child(
    directory: Path, command: str, act: Callable[[Child], Coroutine] | None = None
) -> tuple[Child, int, list[str]]:
    """Run a command as a child; the child, its code and what it wrote to the console."""
    console: list[str] = []

    async def main() -> tuple[Child, int]:
        child = Child("job", directory / "job.log", console.append)
        await child.start(command, dict(os.environ), directory)
        if act is not None:
            await act(child)
        return child, await child.ended()

    child, code = asyncio.run(main())
    return child, code, console


def test_lines_reach_console_log_and_tail(tmp_path: Path) -> None:
    child, code, console = run_child(tmp_path, "printf 'one\\ntwo\\nno newline at the end'")

    assert code == 0
    assert console == list(child.tail) == ["one", "two", "no newline at the end"]
    assert (tmp_path / "job.log").read_text() == "one\ntwo\nno newline at the end\n"


def test_a_line_longer_than_any_buffer_is_one_line(tmp_path: Path) -> None:
    _, _, console = run_child(tmp_path, f"{PYTHON} -c 'print(\"x\" * 3_000_000)'")

    assert [len(line) for line in console] == [3_000_000]


def test_bytes_that_are_no_text_stop_nothing(tmp_path: Path) -> None:
    _, code, console = run_child(tmp_path, "printf '\\377\\nafter\\n'")

    assert (code, console) == (0, ["\ufffd", "after"])


def test_the_log_of_the_last_start_is_kept(tmp_path: Path) -> None:
    run_child(tmp_path, "echo first")
    run_child(tmp_path, "echo second")
    run_child(tmp_path, "echo third")

    assert (tmp_path / "job.log").read_text() == "third\n"
    assert (tmp_path / "job.log.1").read_text() == "second\n"


def test_an_end_is_described_with_its_code_and_last_lines(tmp_path: Path) -> None:
    child, code, _ = run_child(tmp_path, "sh -c 'for n in $(seq 40); do echo line $n; done; exit 7'")

    text = child.describe_end(code)

    assert text.startswith("job ended with exit code 7. Its last lines:")
    assert text.endswith("line 40")
    assert "line 25\n" not in text


def test_a_signal_reaches_the_program_itself(tmp_path: Path) -> None:
    async def terminate(child: Child) -> None:
        child.signal(signal.SIGTERM)

    child, code, _ = run_child(tmp_path, "sleep 60", terminate)

    assert code == -signal.SIGTERM
    assert child.describe_end(code) == "job was killed by SIGTERM. It wrote nothing."


def test_killing_the_group_ends_what_the_child_started(tmp_path: Path) -> None:
    async def kill(child: Child) -> None:
        while not child.tail:
            await asyncio.sleep(0.01)
        child.kill_group()

    child, code, _ = run_child(tmp_path, "sh -c 'sleep 60 & echo $!; wait'", kill)

    assert code == -signal.SIGKILL
    wait_for(lambda: not is_running(int(child.tail[0])), 5, "the end of the grandchild")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel kills orphans on Linux only")
def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, pathlib\n"
        "from datacatalog.processes import Child\n"
        "async def main():\n"
        f"    child = Child('job', pathlib.Path({str(tmp_path / 'job.log')!r}), lambda line: None)\n"
        f"    await child.start('sh -c \"echo $$ > pid; exec sleep 60\"', dict(os.environ), {str(tmp_path)!r})\n"
        f"    while not os.path.exists({str(tmp_path / 'pid')!r}): await asyncio.sleep(0.01)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    code = asyncio.run(_run(program))

    assert code == -signal.SIGKILL
    wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())), 5, "the end of the child")


async def _run(program: str) -> int:
    process = await asyncio.create_subprocess_exec(PYTHON, "-c", program)
    return await process.wait()


def test_a_procfile_gives_commands_in_order(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# comment\n\nweb: serve -p ${PORT:-8000}\nworker-a: work: hard\n")

    assert list(read_procfile(tmp_path / "Procfile").items()) == [
        ("web", "serve -p ${PORT:-8000}"),
        ("worker-a", "work: hard"),
    ]


def test_a_line_that_is_no_command_is_refused_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: serve\nnonsense\n")

    with pytest.raises(ValueError, match="Procfile, line 2"):
        read_procfile(tmp_path / "Procfile")
