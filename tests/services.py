"""Do the PostgreSQL and the Redis of DATABASE_URL and REDIS_URL answer? `make test-services` asks first."""

import os
import sys
from urllib.parse import urlsplit

import psycopg
import redis


def database_problem(url: str) -> str | None:
    """Why the server cannot host a test database; None when it can."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        return f"DATABASE_URL: the suite needs PostgreSQL here, not {parts.scheme or 'nothing'}."
    where = f"{parts.hostname}:{parts.port or 5432}"
    try:
        # The test run makes a database of its own; this one exists on every server.
        with psycopg.connect(parts._replace(path="/postgres").geturl(), connect_timeout=5) as connection:
            role = connection.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.Error as error:
        return f"DATABASE_URL: PostgreSQL at {where} does not answer ({' '.join(str(error).split())})."
    return None if role and role[0] else f"DATABASE_URL: the user at {where} may not create databases."


def redis_problem(url: str) -> str | None:
    """Why the server cannot be used; None when it can."""
    try:
        redis.Redis.from_url(url, socket_connect_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        return f"REDIS_URL: Redis at {urlsplit(url).hostname}:{urlsplit(url).port or 6379} does not answer ({error})."
    return None


def main() -> int:
    """0 when both answer; else 1, with what is wrong on stderr."""
    problems = [database_problem(os.environ["DATABASE_URL"]), redis_problem(os.environ["REDIS_URL"])]
    found = [problem for problem in problems if problem]
    if found:
        lines = [*found, "Start them, or say where they are: DATABASE_URL=… REDIS_URL=… make test-services"]
        sys.stderr.write("\n".join(lines) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
