"""Wrong configuration is refused at once, with the variable and its mend."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from datacatalog.env import read_environment

VARIABLES = [
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DATACATALOG_HOME",
    "DEBUG",
    "EMAIL_URL",
    "EMAIL_FROM",
    "REPORT_RETENTION_DAYS",
    "ENV_FILE",
    "HOST",
    "IMPORT_ROOTS",
    "LOG_LEVEL",
    "NAUTILUS_PATH",
    "PORT",
    "REDIS_URL",
    "SECRET_KEY",
    "SECURE_COOKIES",
    "TRASH_RETENTION_DAYS",
    "UPLOAD_LIMIT_MB",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, and no other variable of the surroundings."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setenv("ENV_FILE", "")
    monkeypatch.setenv("DATACATALOG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def refusal() -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()
    return str(caught.value)


def test_nothing_set_gives_a_desk_for_one_machine(home: Path) -> None:
    environment = read_environment()

    assert environment.home == home
    assert environment.nautilus_path == home / "demo"
    assert environment.database["ENGINE"] == "django.db.backends.sqlite3"
    assert environment.database["NAME"] == str(home / "datacatalog.sqlite3")
    assert (environment.host, environment.port) == ("127.0.0.1", 8000)
    assert environment.embedded_redis
    assert not environment.debug


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("ALLOWED_HOSTS", "https://desk.example.com", "host names without scheme"),
        ("ALLOWED_HOSTS", "desk.example.com:8000", "host names without scheme or port"),
        ("CSRF_TRUSTED_ORIGINS", "desk.example.com", "with their scheme"),
        ("DATABASE_URL", "mysql://user@host/name", "postgres://"),
        ("DATABASE_URL", "nonsense", "postgres://"),
        ("DATABASE_URL", "", "postgres://"),
        ("DEBUG", "perhaps", "on or off"),
        ("EMAIL_URL", "ftp://host", "smtp://"),
        ("EMAIL_FROM", "nobody", "one address"),
        ("REPORT_RETENTION_DAYS", "-1", "whole number of days"),
        ("ENV_FILE", "/nowhere/at/all", "Name a file"),
        ("HOST", "127.0.0.1:80", "without a port"),
        ("IMPORT_ROOTS", "/nowhere/at/all", "directories that exist"),
        ("LOG_LEVEL", "LOUD", "WARNING"),
        ("NAUTILUS_PATH", "/nowhere/at/all", "directory that holds catalog/"),
        ("PORT", "0", "between 1 and 65535"),
        ("PORT", "eighty", "between 1 and 65535"),
        ("REDIS_URL", "http://host", "redis://"),
        ("REDIS_URL", "", "redis://"),
        ("SECRET_KEY", "too short", "32 characters"),
        ("SECURE_COOKIES", "2", "on (behind TLS) or off"),
        ("TRASH_RETENTION_DAYS", "-1", "below 0"),
        ("TRASH_RETENTION_DAYS", "a month", "whole number of days"),
        ("UPLOAD_LIMIT_MB", "0", "above 0"),
        ("UPLOAD_LIMIT_MB", "2 GB", "whole number"),
    ],
)
def test_a_wrong_value_is_refused_with_its_mend(
    name: str, value: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    lines = refusal().splitlines()[1:]

    assert len(lines) == 1
    assert lines[0].startswith(f"  - {name}: ")
    assert mend in lines[0]


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DATACATALOG_HOME", str(tmp_path / "file" / "home"))

    assert "Point it at a directory that this user may write." in refusal()


def test_all_problems_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "DEBUG", "REDIS_URL", "LOG_LEVEL"):
        monkeypatch.setenv(name, "wrong")

    text = refusal()

    assert [name for name in VARIABLES if f"  - {name}: " in text] == ["DEBUG", "LOG_LEVEL", "PORT", "REDIS_URL"]


def test_the_password_of_a_database_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@host/name")

    assert "hunter2" not in refusal()


def test_a_value_from_a_file_wins_and_loses_its_newline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgres://user:s3cret@db:5433/desk\n")
    (tmp_path / "key").write_text("k" * 40 + "\n")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////elsewhere")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    environment = read_environment()

    assert environment.database["NAME"] == "desk"
    assert environment.database["PASSWORD"] == "s3cret"
    assert environment.database["PORT"] == 5433
    assert environment.secret_key == "k" * 40


def test_mail_goes_to_the_console_or_to_the_named_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_environment().mailer == {"BACKEND": "django.core.mail.backends.console.EmailBackend", "OPTIONS": {}}

    monkeypatch.setenv("EMAIL_URL", "smtp+tls://desk:p%40ss@mail.example.com:587")
    assert read_environment().mailer == {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": "mail.example.com",
            "port": 587,
            "username": "desk",
            "password": "p@ss",
            "use_tls": True,
            "timeout": 30,
        },
    }


def test_a_missing_file_of_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", "/nowhere/at/all")

    assert "  - SECRET_KEY: " in refusal()


def test_a_given_redis_replaces_the_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "rediss://:secret@redis.example.com:6380/1")

    environment = read_environment()

    assert not environment.embedded_redis
    assert environment.redis_url == "rediss://:secret@redis.example.com:6380/1"


def test_an_env_file_fills_only_what_is_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "desk.env").write_text("PORT=8123\nLOG_LEVEL=ERROR\n")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "desk.env"))
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("PORT", "unset by the next line, and by the end of the test")
    monkeypatch.delenv("PORT")

    environment = read_environment()

    assert (environment.port, environment.log_level) == (8123, "DEBUG")


def test_the_generated_key_is_private_long_and_kept(home: Path) -> None:
    first = read_environment().secret_key

    assert len(first) >= 50
    assert read_environment().secret_key == first
    assert (home / "secret-key").stat().st_mode & 0o777 == 0o600
    assert not list(home.glob(".secret-key*"))
