"""Who may do what. A role starts from nothing; each permission is here because a page needs it.

Data are not granted by role: dashboards by `DASHBOARD_RBAC`, rows by the user's own file.
"""

from __future__ import annotations

from typing import Any

LEADER, STREET, COMMUNITY = "区领导", "街道", "社区"
ANALYST, ADMIN = "分析员", "管理员"
ROLES = (LEADER, STREET, COMMUNITY, ANALYST, ADMIN)
SUPERSET_ADMIN = "Admin"
"""Superset and its pages know the administrator by this name only; 管理员 carries it along."""

_VIEW = {
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_dashboard", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_write", "DashboardPermalinkRestApi"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_time_range", "Api"),
    ("can_read", "CssTemplate"),
    ("can_read", "Theme"),
    ("can_read", "CurrentUserRestApi"),
    ("can_write", "CurrentUserRestApi"),  # one's own name and password
    ("can_read", "SecurityRestApi"),
    ("can_language_pack", "Superset"),
    ("can_log", "Superset"),
    ("can_read", "user"),  # the page for it
    ("menu_access", "Dashboards"),
}
_SQL = {
    ("can_sqllab", "Superset"),
    ("can_sqllab_history", "Superset"),
    ("can_read", "SQLLab"),
    ("can_execute_sql_query", "SQLLab"),
    ("can_get_results", "SQLLab"),
    ("can_format_sql", "SQLLab"),
    ("can_export_csv", "SQLLab"),  # rows of one's own file, which hold what may be published
    ("can_csv", "Superset"),
    ("can_read", "Database"),
    ("can_read", "Query"),
    ("can_read", "SavedQuery"),
    ("can_write", "SavedQuery"),
    ("can_activate", "TabStateView"),
    ("can_get", "TabStateView"),
    ("can_post", "TabStateView"),
    ("can_put", "TabStateView"),
    ("can_delete", "TabStateView"),
    ("can_delete_query", "TabStateView"),
    ("can_migrate_query", "TabStateView"),
    ("can_post", "TableSchemaView"),
    ("can_expanded", "TableSchemaView"),
    ("can_delete", "TableSchemaView"),
    ("menu_access", "SQL Lab"),
    ("menu_access", "SQL Editor"),
    ("menu_access", "Saved Queries"),
    ("menu_access", "Query Search"),
}
PERMISSIONS = {LEADER: _VIEW, STREET: _VIEW, COMMUNITY: _VIEW, ANALYST: _VIEW | _SQL, ADMIN: set()}


def make_roles(security_manager: Any, database: Any | None) -> None:
    """Give every role exactly its permissions; those given by hand are taken away again.

    Args:
        security_manager: Superset's, inside its application context.
        database: The one connection there is, for SQL Lab; None before it was imported.

    Raises:
        SystemExit: Superset knows no such permission any more.
    """
    wanted = dict(PERMISSIONS)
    if database is not None:
        security_manager.add_permission_view_menu("database_access", database.perm)
        wanted[ANALYST] = wanted[ANALYST] | {("database_access", database.perm)}
    missing = set()
    for name, pairs in wanted.items():
        role = security_manager.add_role(name)
        found = {pair: security_manager.find_permission_view_menu(*pair) for pair in pairs}
        missing |= {f"{pair[0]} on {pair[1]}" for pair, there in found.items() if there is None}
        role.permissions = [there for there in found.values() if there is not None]
    if missing:
        raise SystemExit(f"Superset has no such permissions: {', '.join(sorted(missing))}")


def superset_roles(security_manager: Any, name: str) -> list[Any]:
    """Superset's roles of one of ours."""
    names = (SUPERSET_ADMIN, name) if name == ADMIN else (name,)
    return [security_manager.find_role(one) for one in names]


def own_dashboard(user: Any) -> str | None:
    """Slug or number of the dashboard a user starts at: the one that names fewest roles with his.

    Tiers nest: the district's dashboard names one role, those below it also the roles above.
    """
    from superset.extensions import db
    from superset.models.dashboard import Dashboard

    held = {role.id for role in user.roles}
    named = [
        (len(one.roles), one.slug or str(one.id))
        for one in db.session.query(Dashboard).all()
        if one.published and held & {role.id for role in one.roles}
    ]
    return min(named)[1] if named else None


def name_of(roles: Any) -> str:
    """Which of ours a user has; the strongest where someone gave several by hand."""
    held = {role.name for role in roles}
    if SUPERSET_ADMIN in held:
        return ADMIN
    return next((name for name in ROLES if name in held), "")
