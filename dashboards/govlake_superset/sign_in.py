"""Signing in: password policy, throttling by user name, and what the sign-in page needs.

Failures are counted in `HOME/superset/sign_in.db`, not in memory: the workers must agree, and a
restart is no way round. A locked name gets the same answer as a wrong password.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, redirect, request
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from govlake_superset import access_log, roles
from govlake_superset.own_area import home
from superset.security import SupersetSecurityManager

LEAST_LENGTH = 12
TRIES, LOCKED_SECONDS = 5, 15 * 60
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no l/1/I, o/0/O
_COMMON = ("password", "admin", "govlake", "superset", "qwerty", "123456", "abcdef", "iloveyou")


def check_password(password: str) -> None:
    """FAB_PASSWORD_COMPLEXITY_VALIDATOR: long, of three kinds, none of the words tried first.

    Raises:
        PasswordComplexityValidationError: it is too weak; says how.
    """
    text = password or ""
    kinds = (
        any(c in string.ascii_lowercase for c in text),
        any(c in string.ascii_uppercase for c in text),
        any(c.isdigit() for c in text),
        any(not c.isalnum() for c in text),
    )
    plain = text.lower()
    if len(text) < LEAST_LENGTH or sum(kinds) < 3 or len(set(text)) < 6:
        raise PasswordComplexityValidationError(
            f"密码至少 {LEAST_LENGTH} 位，须含大写、小写、数字、符号中的三类，且不得由几个字符重复"
        )
    if any(word in plain for word in _COMMON):
        raise PasswordComplexityValidationError("密码含有常见词，请更换")


def new_password() -> str:
    """A password that keeps the policy: four groups of four, about 92 bits."""
    while True:
        text = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
        try:
            check_password(text)
        except PasswordComplexityValidationError:
            continue
        return text


class Throttle:
    """Failures to sign in, by user name; five within a quarter of an hour lock the name so long."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def _book(self) -> Iterator[sqlite3.Connection]:
        if not self._file.exists():
            self._file.touch(0o600)
        book = sqlite3.connect(self._file, timeout=20, isolation_level=None)
        try:
            book.execute("CREATE TABLE IF NOT EXISTS failures (username TEXT, at REAL)")
            yield book
        finally:
            book.close()

    def is_locked(self, username: str) -> bool:
        """Whether the name was tried too often."""
        since = time.time() - LOCKED_SECONDS
        query = "SELECT count(*) FROM failures WHERE username = ? AND at > ?"
        with self._book() as book:
            return book.execute(query, (username.lower(), since)).fetchone()[0] >= TRIES

    def failed(self, username: str) -> None:
        """Count a failure, and forget those that lock nothing any more."""
        now = time.time()
        with self._book() as book:
            book.execute("DELETE FROM failures WHERE at <= ?", (now - LOCKED_SECONDS,))
            book.execute("INSERT INTO failures VALUES (?, ?)", (username.lower(), now))

    def passed(self, username: str) -> None:
        """Forget the failures of a name."""
        with self._book() as book:
            book.execute("DELETE FROM failures WHERE username = ?", (username.lower(),))


def throttle() -> Throttle:
    """The book of this home."""
    return Throttle(home() / "superset" / "sign_in.db")


class SecurityManager(SupersetSecurityManager):
    """Superset's own, with throttling for form and API alike; every sign-in is in the register."""

    def auth_user_db(self, username: str, password: str) -> Any:
        """The user, or None: unknown, wrong password, not active, or tried too often."""
        name = username or ""
        book = throttle()
        if book.is_locked(name):
            access_log.record("sign_in_locked", self.find_user(username=name))
            return None
        user = super().auth_user_db(username, password)
        if user is None:
            book.failed(name)
            access_log.record("sign_in_failed", self.find_user(username=name))
        else:
            book.passed(name)
            access_log.record("sign_in", user)
        return user


# What pages ask of themselves for everyone, and viewers may not: no attempt at anything.
_ASKED_BY_PAGES = ("/colors", "/recent_activity/")

# The translation of the wheel misreads these on the first page people see.
_MENDED = {
    "Sign in": "登录",
    "Enter your login and password below:": "请输入用户名和密码",
    "Username is required": "请输入用户名",
    "Password is required": "请输入密码",
    "Passwords do not match!": "两次密码不一致！",
    "Invalid login. Please try again.": "用户名或密码不正确，或尝试次数过多，请稍后再试",
}


def prepare(app: Flask) -> None:
    """FLASK_APP_MUTATOR: a language pack for the sign-in page, and refusals in the register."""

    @app.before_request
    def language_pack() -> Response | None:
        """Superset gives its language pack to signed-in users only: the first page was English."""
        if request.path.rstrip("/") != "/superset/language_pack/zh":
            return None
        return Response(_language_pack(), mimetype="application/json")

    @app.before_request
    def own_dashboard() -> Any:
        """Superset's page of welcome lists what one made oneself: nothing, for most."""
        user = getattr(g, "user", None)
        if request.path != "/superset/welcome/" or not getattr(user, "is_authenticated", False):
            return None
        slug = None if roles.name_of(user.roles) == roles.ADMIN else roles.own_dashboard(user)
        return redirect(f"/superset/dashboard/{quote(slug)}/") if slug else None

    @app.after_request
    def note_refusal(response: Response) -> Response:
        if request.path.endswith(_ASKED_BY_PAGES):
            return response
        if response.status_code in (401, 403) and getattr(g, "user", None):
            access_log.record("refused", g.user)
        return response


def _language_pack() -> str:
    import superset

    file = Path(superset.__file__).parent / "translations" / "zh" / "LC_MESSAGES" / "messages.json"
    pack = json.loads(file.read_text(encoding="utf-8"))
    pack["locale_data"]["superset"].update({word: [zh] for word, zh in _MENDED.items()})
    return json.dumps(pack, ensure_ascii=False)
