"""The answers of docs/sql.md: `python -m tests.sql_page` writes them anew from the demo district.

Not here: the test that runs the queries (`test_sql_page.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from warehouse.home import Home
from warehouse.serving import serving_file

PAGE = Path(__file__).parent.parent / "docs" / "sql.md"
DEMO = ("--seed", "1", "--days", "30", "--scale", "0.01", "--as-of", "2026-11-20T00:00:00+08:00")
_QUERY = re.compile(r"```sql\n(?P<sql>.*?)```\n(?P<answer>(?:\n?\|[^\n]*\n)*)", re.DOTALL)


def queries(page: str) -> list[tuple[str, str]]:
    """Every query of the page with the table below it, if there is one."""
    return [(found["sql"], found["answer"].strip()) for found in _QUERY.finditer(page)]


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """What a query gives, as a Markdown table."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description or []]
    lines = [names, ["---"] * len(names), *([_cell(v) for v in row] for row in result.fetchall())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def renewed(page: str, file: Path) -> str:
    """The page with the answers of a serving file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return _QUERY.sub(
            lambda found: f"```sql\n{found['sql']}```\n\n{answer(connection, found['sql'])}\n", page
        )


def main(home: Path | None) -> None:
    """Write the page anew from a home, or from the demo district built in a temporary place."""
    with tempfile.TemporaryDirectory(prefix="govlake-answers-") as place:
        root = home or Path(place)
        if home is None:
            govlake = [sys.executable, "-m", "pipelines"]
            subprocess.run([*govlake, "demo", "--home", place, *DEMO], check=True)
            subprocess.run([*govlake, "run", "--home", place], check=True)
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(renewed(page, serving_file(Home(root).serving)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None)
