"""Settings from the environment: parsed once, typed, and loud when wrong.

Every variable may also come from a file named by ``<NAME>_FILE`` (Docker and
Kubernetes secrets). All problems are collected and reported together, each with
the variable, what is wrong with it and how to mend it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from environ.fileaware_mapping import FileAwareMapping

MAIL_TIMEOUT_SECONDS = 30
BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Environment:
    """The configuration of one installation."""

    home: Path
    nautilus_path: Path
    database: dict[str, Any]
    redis_url: str
    embedded_redis: bool
    host: str
    port: int
    secret_key: str
    debug: bool
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    secure_cookies: bool
    mailer: dict[str, Any]
    email_from: str
    upload_limit_bytes: int
    trash_retention_days: int
    report_retention_days: int
    import_roots: list[Path]
    log_level: str


class _Variables(FileAwareMapping):
    """The process environment, where <NAME>_FILE wins; the newline that ends a secret's file is not part of it."""

    def __getitem__(self, key: str) -> str:
        return str(super().__getitem__(key)).strip()


class _Env(environ.Env):
    ENVIRON = _Variables(cache=False)


class _Problems:
    """Collects what is wrong, so that one start reports everything."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def read(self, name: str, read: Callable[[], Any], mend: str) -> Any:
        """What `read` returns; None when that is wrong, which raise_if_any() then reports."""
        try:
            return read()
        except (ImproperlyConfigured, ValueError, OSError, KeyError) as error:
            self.lines.append(f"{name}: {error or type(error).__name__}. {mend}")
            return None

    def raise_if_any(self) -> None:
        if self.lines:
            raise ImproperlyConfigured("The environment is not usable:\n  - " + "\n  - ".join(self.lines))


def read_environment() -> Environment:
    """Read and check the process environment.

    Raises:
        ImproperlyConfigured: listing every variable that is wrong and its mend.

    """
    env, problems = _Env(), _Problems()
    problems.read(
        "ENV_FILE",
        lambda: _read_env_file(os.environ.get("ENV_FILE")),
        "Name a file of NAME=value lines, or leave it empty to read none.",
    )
    home = problems.read(
        "DATACATALOG_HOME",
        lambda: _writable_directory(Path(env.str("DATACATALOG_HOME", str(BASE_DIR / "var")))),
        "Point it at a directory that this user may write.",
    )
    home = home or BASE_DIR / "var"
    values = {
        **_read_data(env, problems, home),
        **_read_services(env, problems, home),
        **_read_web(env, problems),
    }
    problems.raise_if_any()
    return Environment(home=home, embedded_redis="REDIS_URL" not in env.ENVIRON, **values)


def _read_data(env: _Env, problems: _Problems, home: Path) -> dict[str, Any]:
    """Where data comes from, and how much of it."""
    return {
        "nautilus_path": problems.read(
            "NAUTILUS_PATH",
            lambda: _readable_directory(env.str("NAUTILUS_PATH", "")) or home / "demo",
            "Point it at the directory that holds catalog/, or unset it for the demo store.",
        ),
        "import_roots": problems.read(
            "IMPORT_ROOTS",
            lambda: [_readable_directory(path) for path in env.list("IMPORT_ROOTS", default=[])],
            "List directories that exist, separated by commas.",
        ),
        "upload_limit_bytes": problems.read(
            "UPLOAD_LIMIT_MB",
            lambda: _positive(env.int("UPLOAD_LIMIT_MB", 2048)) * 1024**2,
            "Give a whole number of mebibytes above 0.",
        ),
        "trash_retention_days": problems.read(
            "TRASH_RETENTION_DAYS",
            lambda: _not_negative(env.int("TRASH_RETENTION_DAYS", 30)),
            "Give a whole number of days; 0 keeps replaced files for ever.",
        ),
        "report_retention_days": problems.read(
            "REPORT_RETENTION_DAYS",
            lambda: _not_negative(env.int("REPORT_RETENTION_DAYS", 400)),
            "Give a whole number of days; 0 keeps scheduled reports for ever.",
        ),
    }


def _read_services(env: _Env, problems: _Problems, home: Path) -> dict[str, Any]:
    """What the desk leans on: its key, the database, the broker, mail, the log."""
    return {
        "secret_key": problems.read(
            "SECRET_KEY",
            lambda: _secret_key(env.str("SECRET_KEY", ""), home),
            "Give at least 32 characters, or unset it to have one generated under DATACATALOG_HOME.",
        ),
        "database": problems.read(
            "DATABASE_URL",
            lambda: _database(env, home),
            "Use postgres://user:password@host:5432/name, or unset it for SQLite.",
        ),
        "redis_url": problems.read(
            "REDIS_URL",
            lambda: _redis_url(env.str("REDIS_URL", "redis://127.0.0.1:6379/0")),
            "Use redis://host:6379/0 (or rediss://), or unset it: `make run` starts a Redis of its own.",
        ),
        "mailer": problems.read(
            "EMAIL_URL",
            lambda: _mailer(env.email_url("EMAIL_URL", "consolemail://")),
            "Use smtp://user:password@host:25 or smtp+tls://….",
        ),
        "email_from": problems.read(
            "EMAIL_FROM",
            lambda: _sender(env.str("EMAIL_FROM", "data-desk@localhost")),
            "Give one address: desk@example.com, or Data desk <desk@example.com>.",
        ),
        "log_level": problems.read(
            "LOG_LEVEL", lambda: _log_level(env.str("LOG_LEVEL", "INFO")), "Use DEBUG, INFO, WARNING or ERROR."
        ),
    }


def _read_web(env: _Env, problems: _Problems) -> dict[str, Any]:
    """Where pages are served, and to whom."""
    return {
        "host": problems.read(
            "HOST", lambda: _host(env.str("HOST", "127.0.0.1")), "Give an address to listen on, without a port."
        ),
        "port": problems.read(
            "PORT", lambda: _port(env.int("PORT", 8000)), "Give a free TCP port between 1 and 65535, such as 8000."
        ),
        "debug": problems.read("DEBUG", lambda: _boolean(env.str("DEBUG", "off")), "Use on or off."),
        "secure_cookies": problems.read(
            "SECURE_COOKIES", lambda: _boolean(env.str("SECURE_COOKIES", "off")), "Use on (behind TLS) or off."
        ),
        "allowed_hosts": problems.read(
            "ALLOWED_HOSTS",
            lambda: [_host(text) for text in env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])],
            "List host names without scheme or port, separated by commas: desk.example.com,localhost.",
        ),
        "csrf_trusted_origins": problems.read(
            "CSRF_TRUSTED_ORIGINS",
            lambda: [_origin(text) for text in env.list("CSRF_TRUSTED_ORIGINS", default=[])],
            "List origins with their scheme, separated by commas: https://desk.example.com.",
        ),
    }


def _writable_directory(path: Path) -> Path:
    path = path.expanduser().resolve()
    for directory in (path, path / "tmp", path / "uploads", path / "exports"):
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    probe = path / f".write-probe-{secrets.token_hex(4)}"
    probe.touch()
    probe.unlink()
    return path


def _secret_key(given: str, home: Path) -> str:
    if given:
        if len(given) < 32:
            raise ValueError(f"only {len(given)} characters long")
        return given
    path = home / "secret-key"
    if not path.exists():
        # Complete before it gets its name, and the first of several processes wins.
        draft = home / f".secret-key-{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def _database(env: _Env, home: Path) -> dict[str, Any]:
    if "DATABASE_URL" not in env.ENVIRON:
        config: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(home / "datacatalog.sqlite3")}
    elif (scheme := urlsplit(env.str("DATABASE_URL")).scheme) in {"postgres", "postgresql", "sqlite"}:
        config = env.db_url("DATABASE_URL")
    else:
        raise ValueError(f"{scheme!r} is not a database that the desk supports")
    if config["ENGINE"].endswith("sqlite3"):
        # Several processes write: WAL, and a write lock taken at BEGIN instead of midway.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    else:
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "pool": {"min_size": 0, "max_size": 8}}
    return config


def _mailer(config: dict[str, Any]) -> dict[str, Any]:
    """One entry of Django's MAILERS from what django-environ makes of an address."""
    names = {
        "EMAIL_HOST": "host",
        "EMAIL_PORT": "port",
        "EMAIL_HOST_USER": "username",
        "EMAIL_HOST_PASSWORD": "password",
        "EMAIL_USE_TLS": "use_tls",
        "EMAIL_USE_SSL": "use_ssl",
    }
    options = {option: config[name] for name, option in names.items() if config.get(name)}
    if options:
        options["timeout"] = MAIL_TIMEOUT_SECONDS  # a server that hangs must not hold a worker
    return {"BACKEND": config["EMAIL_BACKEND"], "OPTIONS": options}


def _sender(text: str) -> str:
    try:
        validate_email(parseaddr(text)[1])
    except ValidationError:
        raise ValueError(f"{text!r} is no e-mail address") from None
    return text


def _redis_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError("not a Redis address")
    return url


def _read_env_file(name: str | None) -> None:
    """Fill what the environment does not set from .env beside manage.py, or from the file that ENV_FILE names."""
    path = Path(name) if name else BASE_DIR / ".env"
    if name or (name is None and path.exists()):
        path.read_bytes()  # read_env only logs when it cannot
        environ.Env.read_env(path)


def _readable_directory(given: str) -> Path | None:
    if not given:
        return None
    path = Path(given).expanduser().resolve()
    if not path.is_dir():
        raise ValueError(f"{path} is not a directory")
    os.scandir(path).close()
    return path


def _host(text: str) -> str:
    if not text or "/" in text or (":" in text and not text.startswith("[")):
        raise ValueError(f"{text!r} is not a host name or address")
    return text


def _port(number: int) -> int:
    if not 1 <= number <= 65535:
        raise ValueError(f"{number} is not a port")
    return number


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
        raise ValueError(f"{text!r} is not an origin")
    return text


def _boolean(text: str) -> bool:
    values = {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}
    try:
        return values[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither on nor off") from None


def _positive(number: int) -> int:
    if number <= 0:
        raise ValueError(f"{number} is not above 0")
    return number


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is below 0")
    return number


def _log_level(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError(f"{text!r} is no log level")
    return text.upper()
