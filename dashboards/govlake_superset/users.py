"""People who sign in: created, changed, deactivated by list; passwords made here, stored hashed.

What people may see hangs on the area written for them (`own_area.write_areas`), so it is written
before the role is given and taken away with it.
"""

from __future__ import annotations

from typing import Any

from flask_appbuilder.exceptions import PasswordComplexityValidationError
from govlake_superset import own_area, roles, sign_in
from werkzeug.security import generate_password_hash

FIRST = "admin"
MAIL = "govlake.invalid"
"""Superset wants a mail address of everyone; `.invalid` never receives any."""


def put(security_manager: Any, user: dict[str, Any]) -> str | None:
    """Create a user or bring one to the state given; an existing password stays.

    Args:
        security_manager: Superset's, inside its application context.
        user: `username`, `display_name`, `role`, `area_code` (null: none), perhaps `password`.

    Returns:
        The password where the user is new, else None.

    Raises:
        SystemExit: Superset refused it; its log says why.
    """
    name = user["username"]
    granted = roles.superset_roles(security_manager, user["role"])
    known = security_manager.find_user(name)
    set_area(known.username if known else name, user.get("area_code"))
    if known is None:
        password = user.get("password") or sign_in.new_password()
        sign_in.check_password(password)
        made = security_manager.add_user(
            name, user["display_name"], "", f"{name}@{MAIL}", granted, password
        )
        if not made:
            raise SystemExit(f"user {name} could not be created; Superset's log says why")
        return password
    known.first_name, known.last_name = user["display_name"], ""
    known.roles, known.active = granted, True
    security_manager.update_user(known)
    return None


def set_area(username: str, code: str | None) -> None:
    """Write down whose file a user opens; None: nobody's."""
    now = own_area.areas()
    now.pop(username.lower(), None)
    if code:
        now[username.lower()] = code
    own_area.write_areas(now)


def prune(security_manager: Any, keep: set[str]) -> tuple[list[str], list[str]]:
    """Deactivate everyone who is not to stay; the last administrator stays.

    Returns:
        Names deactivated, and names that stay only because nobody else could administer.
    """
    people = [one for one in security_manager.get_all_users() if one.active]
    leaving = [one for one in people if one.username.lower() not in keep]
    staying = [one for one in people if one.username.lower() in keep]
    spared = []
    if not any(_is_admin(one) for one in staying):
        spared = [one for one in leaving if _is_admin(one)][:1]
    gone = [one for one in leaving if one not in spared]
    for one in gone:
        set_area(one.username, None)
        one.active = False
        security_manager.update_user(one)
    return sorted(one.username for one in gone), [one.username for one in spared]


def reset_password(security_manager: Any, username: str, password: str | None = None) -> str | None:
    """A new password for a user, also lifting a lock; None: there is no such user."""
    known = security_manager.find_user(username)
    if known is None:
        return None
    fresh = password or sign_in.new_password()
    sign_in.check_password(fresh)
    known.password = generate_password_hash(fresh)
    security_manager.update_user(known)
    sign_in.throttle().passed(known.username)
    return fresh


def listed(security_manager: Any) -> list[dict[str, Any]]:
    """Everyone, in order of name."""
    there = own_area.areas()
    return [
        {
            "username": one.username,
            "display_name": f"{one.first_name} {one.last_name}".strip(),
            "role": roles.name_of(one.roles),
            "area_code": there.get(one.username.lower()),
            "active": bool(one.active),
            "last_sign_in": one.last_login.isoformat(" ", "minutes") if one.last_login else None,
        }
        for one in sorted(security_manager.get_all_users(), key=lambda u: u.username)
    ]


def answer(security_manager: Any, request: dict[str, Any]) -> dict[str, Any]:
    """One request of `govlake users`, as JSON in and out."""
    try:
        match request["do"]:
            case "import":
                made = [(u["username"], put(security_manager, u)) for u in request["users"]]
                keep = {u["username"].lower() for u in request["users"]}
                gone, spared = prune(security_manager, keep) if request.get("prune") else ([], [])
                logins = {name: password for name, password in made if password}
                return {"logins": logins, "deactivated": gone, "spared": spared}
            case "list":
                return {"users": listed(security_manager)}
            case "reset":
                name = request["username"]
                fresh = reset_password(security_manager, name, request.get("password"))
                return {"logins": {name: fresh}} if fresh else {"error": f"no user {name}"}
            case other:
                return {"error": f"nobody here can {other}"}
    except PasswordComplexityValidationError as error:
        return {"error": str(error)}


def _is_admin(user: Any) -> bool:
    return any(role.name == roles.SUPERSET_ADMIN for role in user.roles)
