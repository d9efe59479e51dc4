"""`govlake users`: who signs in to Superset, in which role and for which area.

A CSV of the whole list is the site's own record; importing it again changes nothing that stands.
Passwords are made in Superset's environment, stored there as hashes, and told once.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Sheet

from pipelines.consoles import output
from pipelines.superset import ask_superset, published_areas
from warehouse.home import Home, default_home

# role → lengths of area codes it may have; 0: none
ROLE_AREAS = {
    "区领导": (6,),
    "街道": (9,),
    "社区": (12,),
    "分析员": (6, 9, 12),
    "管理员": (0, 6, 9, 12),
}
HEADINGS = {
    "username": ("username", "用户名"),
    "display_name": ("display_name", "display name", "姓名", "显示名"),
    "role": ("role", "角色"),
    "area_code": ("area_code", "area code", "区划代码"),
}
_USERNAME = re.compile(r"[\w.@-]{2,64}")

app = typer.Typer(
    help="Users of Superset: import a list, show it, give a new password.", no_args_is_help=True
)
console = output()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]


@app.command("import")
def import_users(
    file: Annotated[
        Path, typer.Argument(help="CSV: username, display_name, role, area_code (UTF-8, GB18030).")
    ],
    home: HomeOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Deactivate users who are not in the file.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(help="Write new passwords to this file (0600) instead of the screen."),
    ] = None,
) -> None:
    """Create and change users as a CSV says; new ones get a password, told once."""
    place = _home(home)
    users = read_users(file, published_areas(place))
    out = _new_file(write)
    request = {"do": "import", "users": users, "prune": prune}
    answer = _asked(place, request, write)
    _tell(answer["logins"], out, write)
    made, gone = len(answer["logins"]), answer["deactivated"]
    console.print(f"{len(users)} users: {made} new, {len(users) - made} as in the file")
    if gone:
        console.print(f"deactivated: {', '.join(gone)}", soft_wrap=True)
    if answer["spared"]:
        console.print(
            f"{answer['spared'][0]} stays: the file names no other administrator", style="yellow"
        )


@app.command("list")
def list_users(home: HomeOption = None) -> None:
    """Who may sign in, in which role and for which area."""
    sheet = Sheet()
    for name in ("user", "name", "role", "area", "active", "last sign-in"):
        sheet.add_column(name, no_wrap=True)
    for one in ask_superset(_home(home), {"do": "list"})["users"]:
        sheet.add_row(
            one["username"], one["display_name"], one["role"], one["area_code"] or "-",
            "yes" if one["active"] else "no", one["last_sign_in"] or "-",
        )  # fmt: skip
    console.print(sheet)


@app.command("reset-password")
def reset_password(
    username: Annotated[str, typer.Argument()],
    home: HomeOption = None,
    write: Annotated[
        Path | None, typer.Option(help="Write it to this file (0600) instead of the screen.")
    ] = None,
) -> None:
    """Give a user a new password, told once, and lift a lock after failures."""
    place = _home(home)
    out = _new_file(write)
    answer = _asked(place, {"do": "reset", "username": username}, write)
    _tell(answer["logins"], out, write)


def read_users(file: Path, areas: Sequence[str]) -> list[dict[str, str | None]]:
    """Read and judge a list of users; nobody is created from a list with a fault.

    Args:
        file: CSV with a heading line, UTF-8 or GB18030.
        areas: Codes of areas that are published.

    Returns:
        One mapping a user: `username`, `display_name`, `role`, `area_code` (None: no area).

    Raises:
        ValueError: what is wrong, line by line.
    """
    rows = list(csv.reader(io.StringIO(_text(file), newline="")))
    if not rows:
        raise ValueError(f"{file} is empty")
    place = _places(rows[0], file)
    users, faults, seen = [], [], set()
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: row[i].strip() if i < len(row) else "" for name, i in place.items()}
        faults += [f"line {number}: {told}" for told in _faults(cells, set(areas), seen)]
        seen.add(cells["username"].lower())
        users.append(cells | {"area_code": cells["area_code"] or None})
    if faults:
        shown = "; ".join(faults[:20]) + (f"; and {len(faults) - 20} more" * (len(faults) > 20))
        raise ValueError(f"{file}: {shown}")
    if not users:
        raise ValueError(f"{file} names no user")
    return users


def _faults(cells: Mapping[str, str], areas: set[str], seen: set[str]) -> list[str]:
    name, role, code = cells["username"], cells["role"], cells["area_code"]
    told = []
    if not _USERNAME.fullmatch(name):
        told.append(f"user name {name!r}: 2 to 64 letters, digits, . _ @ -")
    if name.lower() in seen:
        told.append(f"user {name} is named twice")
    if not 1 <= len(cells["display_name"]) <= 64:
        told.append(f"user {name} has no display name, or one above 64 characters")
    lengths = ROLE_AREAS.get(role)
    if lengths is None:
        told.append(f"role {role!r}: choose from {'、'.join(ROLE_AREAS)}")
    elif len(code) not in lengths:
        wanted = " or ".join(str(n) if n else "none" for n in lengths)
        told.append(f"user {name}: {role} needs an area code of {wanted} digits, not {code!r}")
    elif code and code not in areas:
        told.append(f"user {name}: no serving file for area {code}")
    return told


def _places(heading: Sequence[str], file: Path) -> dict[str, int]:
    there = {cell.strip().lower(): i for i, cell in enumerate(heading)}
    found = {
        name: next((there[word] for word in words if word in there), None)
        for name, words in HEADINGS.items()
    }
    if missing := [name for name, i in found.items() if i is None]:
        raise ValueError(f"{file} has no column {', '.join(missing)}")
    return {name: i for name, i in found.items() if i is not None}


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{file} is neither UTF-8 nor GB18030")


def _new_file(path: Path | None) -> int | None:
    """Open the file for passwords before any is made: one that cannot be written loses none."""
    if path is None:
        return None
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None


def _tell(logins: Mapping[str, str], out: int | None, path: Path | None) -> None:
    if out is not None:
        with os.fdopen(out, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("username", "password"), *logins.items()])
        console.print(f"{len(logins)} new passwords in {path}; hand them out and remove it")
    elif logins:
        sheet = Sheet(title="new passwords, shown this once")
        sheet.add_column("user", no_wrap=True)
        sheet.add_column("password", no_wrap=True)
        for name, password in logins.items():
            sheet.add_row(name, password)
        console.print(sheet, highlight=False)


def _asked(place: Home, request: Mapping[str, Any], write: Path | None) -> dict[str, Any]:
    """Superset's answer; where it refuses, the file for passwords goes again."""
    try:
        answer = ask_superset(place, request)
        if error := answer.get("error"):
            raise ValueError(str(error))
    except Exception:
        if write is not None:
            write.unlink()
        raise
    return answer


def _home(path: Path | None) -> Home:
    return Home(path.resolve() if path else default_home())
