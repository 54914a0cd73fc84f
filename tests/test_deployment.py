"""Docker and `make run` run the same processes; container files keep secrets and data out of the image."""

import re
from typing import Any

import pytest
import yaml

from datacatalog.env import BASE_DIR
from datacatalog.processes import read_procfile

PROCFILE = read_procfile(BASE_DIR / "Procfile")
COMPOSE: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()


def test_compose_has_every_process_and_its_servers() -> None:
    assert set(SERVICES) == set(PROCFILE) | {"postgres", "prepare"}


@pytest.mark.parametrize("name", sorted(set(PROCFILE) - {"redis"}))
def test_a_service_runs_the_command_of_the_procfile(name: str) -> None:
    assert SERVICES[name]["command"] == ["sh", "-c", f"exec {PROCFILE[name]}".replace("$", "$$")]


def test_the_image_serves_the_web_by_default() -> None:
    command = re.search(r"^CMD (.+)$", DOCKERFILE, flags=re.MULTILINE)
    assert command is not None
    assert yaml.safe_load(command[1]) == ["sh", "-c", f"exec {PROCFILE['web']}"]


def test_the_desk_waits_for_its_preparation_and_servers() -> None:
    for name in set(PROCFILE) - {"redis"}:
        assert SERVICES[name]["depends_on"] == {
            "prepare": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
        }


def test_what_others_wait_for_and_what_serves_has_a_health_check() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == {
        "postgres",
        "redis",
        "web",
        "worker-heavy",
        "worker-interactive",
    }


def test_secrets_come_from_files_that_are_declared() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD$|SECRET_KEY$|DATABASE_URL$", name), f"{name} stands in the clear"
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_volumes_that_services_mount_are_declared() -> None:
    mounted = {volume.rpartition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    names = {re.sub(r"^\$\{[A-Z_]+:-(.+)\}$", r"\1", source) for source in mounted}
    assert names == set(COMPOSE["volumes"])


def test_only_the_web_is_published_and_only_on_loopback() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["${PUBLISH:-127.0.0.1:8000}:8000"]
    }


def test_the_image_does_not_run_as_root() -> None:
    lines = [line.split() for line in DOCKERFILE.splitlines() if line.startswith(("USER", "CMD"))]
    assert [line[0] for line in lines] == ["USER", "CMD"]
    assert lines[0][1] == "desk"


def test_data_keys_and_caches_stay_out_of_the_image() -> None:
    ignored = set((BASE_DIR / ".dockerignore").read_text().split())
    assert {".git", ".env", ".venv", "var", "secrets"} <= ignored
