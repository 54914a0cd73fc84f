"""Settings from the environment: parsed once, typed, and loud when wrong.

Every variable may also come from a file named by ``<NAME>_FILE`` (Docker and
Kubernetes secrets). All problems are collected and reported together, each with
the variable, what is wrong with it and how to mend it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Environment:
    """The configuration of one installation."""

    home: Path
    nautilus_path: Path
    database: dict[str, Any]
    redis_url: str
    secret_key: str
    debug: bool
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    secure_cookies: bool
    email: dict[str, Any]
    upload_limit_bytes: int
    import_roots: list[Path]
    log_level: str


class _Problems:
    """Collects what is wrong, so that one start reports everything."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def read[T](self, name: str, read: Callable[[], T], fallback: T, mend: str) -> T:
        try:
            return read()
        except (ImproperlyConfigured, ValueError, OSError, KeyError) as error:
            self.lines.append(f"{name}: {error or type(error).__name__}. {mend}")
            return fallback

    def raise_if_any(self) -> None:
        if self.lines:
            raise ImproperlyConfigured("The environment is not usable:\n  - " + "\n  - ".join(self.lines))


def read_environment() -> Environment:
    """Read and check the process environment.

    Raises:
        ImproperlyConfigured: listing every variable that is wrong and its mend.

    """
    env = environ.FileAwareEnv()
    problems = _Problems()
    home = problems.read(
        "DATACATALOG_HOME",
        lambda: _writable_directory(Path(env.str("DATACATALOG_HOME", str(BASE_DIR / "var")))),
        BASE_DIR / "var",
        "Point it at a directory that this user may write.",
    )
    secret_key = problems.read(
        "SECRET_KEY",
        lambda: _secret_key(env.str("SECRET_KEY", ""), home),
        "",
        "Give at least 32 characters, or unset it to have one generated under DATACATALOG_HOME.",
    )
    database = problems.read(
        "DATABASE_URL",
        lambda: _database(env, home),
        {},
        "Use postgres://user:password@host:5432/name, or unset it for SQLite.",
    )
    redis_url = problems.read(
        "REDIS_URL",
        lambda: _redis_url(env.str("REDIS_URL", "redis://127.0.0.1:6379/0")),
        "",
        "Use redis://host:6379/0 (or rediss://), or unset it: `make run` starts a Redis of its own.",
    )
    debug = problems.read("DEBUG", lambda: _boolean(env.str("DEBUG", "off")), False, "Use on or off.")
    upload_limit = problems.read(
        "UPLOAD_LIMIT_MB",
        lambda: _positive(env.int("UPLOAD_LIMIT_MB", 2048)) * 1024**2,
        0,
        "Give a whole number of mebibytes above 0.",
    )
    email = problems.read(
        "EMAIL_URL",
        lambda: env.email_url("EMAIL_URL", "consolemail://"),
        {},
        "Use smtp://user:password@host:25 or smtp+tls://….",
    )
    secure_cookies = problems.read(
        "SECURE_COOKIES", lambda: _boolean(env.str("SECURE_COOKIES", "off")), False, "Use on (behind TLS) or off."
    )
    log_level = problems.read(
        "LOG_LEVEL", lambda: _log_level(env.str("LOG_LEVEL", "INFO")), "INFO", "Use DEBUG, INFO, WARNING or ERROR."
    )
    problems.raise_if_any()
    default_nautilus = home / "demo"
    return Environment(
        home=home,
        nautilus_path=Path(env.str("NAUTILUS_PATH", str(default_nautilus))).expanduser().resolve(),
        database=database,
        redis_url=redis_url,
        secret_key=secret_key,
        debug=debug,
        allowed_hosts=env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"]),
        csrf_trusted_origins=env.list("CSRF_TRUSTED_ORIGINS", default=[]),
        secure_cookies=secure_cookies,
        email=email,
        upload_limit_bytes=upload_limit,
        import_roots=[Path(p).expanduser().resolve() for p in env.list("IMPORT_ROOTS", default=[])],
        log_level=log_level,
    )


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
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text().strip()


def _database(env: environ.FileAwareEnv, home: Path) -> dict[str, Any]:
    config = env.db_url("DATABASE_URL", default=f"sqlite:///{home / 'datacatalog.sqlite3'}")
    if config["ENGINE"].endswith("sqlite3"):
        # Several processes write: WAL, and a write lock taken at BEGIN instead of midway.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    elif config["ENGINE"].endswith("postgresql"):
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "pool": {"min_size": 0, "max_size": 8}}
    else:
        raise ValueError(f"{config['ENGINE'] or 'this address'} is not supported")
    return config


def _redis_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError("not a Redis address")
    return url


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


def _log_level(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError(f"{text!r} is no log level")
    return text.upper()
