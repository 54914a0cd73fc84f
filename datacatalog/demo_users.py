"""The users of a first start: one of each group, so that nobody has to make one to look around."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

DEMO_USERS = {"trader": "Trader", "analyst": "Analyst", "admin": "Data admin"}


def passwords_file(home: Path) -> Path:
    """Where the generated passwords stay: lines of user and password, readable by this system user only."""
    return home / "demo-users.txt"


def read_demo_users(home: Path) -> dict[str, str]:
    """Passwords by user name as first generated; empty when none were."""
    path = passwords_file(home)
    return dict(line.split() for line in path.read_text().splitlines()) if path.is_file() else {}


def create_demo_users(home: Path, say: Callable[[str], object]) -> None:
    """Make one user of each group, with generated passwords kept in a file that only this user can read.

    Does nothing once there is any user.
    """
    from django.contrib.auth.models import Group, User
    from django.db import transaction

    if User.objects.exists():
        return
    say("Creating the demo users")
    passwords = {name: secrets.token_urlsafe(12) for name in DEMO_USERS}
    path = passwords_file(home)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    # Written before the users exist: a kill in between costs nothing.
    path.write_text("".join(f"{name} {password}\n" for name, password in passwords.items()))
    with transaction.atomic():
        for name, group in DEMO_USERS.items():
            is_admin = name == "admin"
            user = User.objects.create_user(name, password=passwords[name], is_staff=is_admin, is_superuser=is_admin)
            user.groups.add(Group.objects.get(name=group))
