"""The shell behind `make run`: finding a Python that fits, making .venv, and saying what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from datacatalog.env import BASE_DIR

TOOLS = ("sh", "cat", "cmp", "dirname", "rm", "env", "mkdir")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of the scripts, and an otherwise empty search path in `bin`."""
    shutil.copytree(BASE_DIR / ".make", tmp_path / ".make")
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / ".constraints.txt").write_text("")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    return tmp_path


def add_program(machine: Path, name: str, script: str) -> Path:
    path = machine / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def add_python(machine: Path, name: str) -> Path:
    """The Python of this test run under another name."""
    return add_program(machine, name, f'exec {sys.executable} "$@"')


def run(machine: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", f".make/{script}", *arguments],
        cwd=machine,
        env={"PATH": str(machine / "bin"), "HOME": str(machine / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_shim_with_nothing_behind_it_is_passed_over(machine: Path) -> None:
    add_program(machine, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    fitting = add_python(machine, "python3.12")

    assert run(machine, "find-python").stdout.strip() == str(fitting)


def test_a_python_that_is_too_old_is_passed_over(machine: Path) -> None:
    add_program(machine, "python3", "exit 1  # what the probe says to 3.11")

    found = run(machine, "find-python")

    assert (found.returncode, found.stdout) == (1, "")


def test_a_version_of_pyenv_is_found_without_its_shims(machine: Path) -> None:
    directory = machine / "home" / ".pyenv" / "versions" / "3.13.9" / "bin"
    directory.mkdir(parents=True)
    add_python(machine, "python").rename(directory / "python")

    assert run(machine, "find-python").stdout.strip() == str(directory / "python")


def test_a_python_that_uv_manages_is_found(machine: Path) -> None:
    python = add_python(machine, "elsewhere")
    add_program(machine, "uv", f'[ "$1" = python ] && echo {python}; exit 0')

    assert run(machine, "find-python").stdout.strip() == str(python)


def test_a_machine_without_python_is_told_what_to_install(machine: Path) -> None:
    made = run(machine, "venv", "requirements.txt")

    assert made.returncode == 1
    assert "needs Python 3.12, 3.13 or 3.14" in made.stderr
    assert "https://docs.astral.sh/uv/" in made.stderr
    assert not (machine / ".venv").exists()


def test_an_environment_that_has_everything_is_left_alone(machine: Path) -> None:
    (machine / ".venv" / "bin").mkdir(parents=True)
    (machine / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (machine / "requirements.txt").write_text("something==1\n")
    stamp = machine / ".venv" / "requirements.txt.installed"
    stamp.write_text("something==1\nsomething==1\n")

    made = run(machine, "venv", "requirements.txt")

    assert (made.returncode, made.stderr) == (0, "")


def test_what_cannot_be_installed_leaves_no_stamp_and_says_so(machine: Path) -> None:
    (machine / ".venv" / "bin").mkdir(parents=True)
    add_program(machine, "python", 'case "$*" in *pip*) exit 1;; esac; exit 0').rename(machine / ".venv/bin/python")
    (machine / "requirements.txt").write_text("something==1\n")

    made = run(machine, "venv", "requirements.txt")

    assert made.returncode == 1
    assert "Could not install requirements.txt" in made.stderr
    assert not (machine / ".venv" / "requirements.txt.installed").exists()


def test_the_help_lists_every_command() -> None:
    command = ["make", "--no-print-directory", "help"]
    listed = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True, env=os.environ)

    names = {line.split()[0] for line in listed.stdout.splitlines()}
    assert names == {"help", "run", "test", "test-services", "lint", "bench", "truth", "peers", "lock", "clean"}
