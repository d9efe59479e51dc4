"""Superset's settings, read in `.venv-superset` through SUPERSET_CONFIG_PATH.

Standard library and Superset only: nothing of the platform's environment is there.
Site settings and anything that differs between installations do not belong here.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from govlake_superset import access_log, own_area, panel_sql, sign_in

_SUPERSET = Path(os.environ.get("GOVLAKE_HOME") or "data").resolve() / "superset"


def _secret_key(path):
    """Read the key, made on first use. A link appears whole, so workers that race agree on one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_name(f".{path.name}-{os.getpid()}.part")
        part.touch(0o600)
        part.write_text(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    if path.stat().st_mode & 0o077:
        raise SystemExit(f"{path} can be read by others: run chmod 600 on it")
    return path.read_text()


def _derived(purpose):
    """Derive a key of its own for a purpose whose default is printed in Superset's source."""
    return hmac.new(SECRET_KEY.encode(), purpose.encode(), hashlib.sha256).hexdigest()


SECRET_KEY = _secret_key(_SUPERSET / "secret_key")
GUEST_TOKEN_JWT_SECRET = _derived("guest token")
GLOBAL_ASYNC_QUERIES_JWT_SECRET = _derived("async queries")

DATA_DIR = str(_SUPERSET)
SQLALCHEMY_DATABASE_URI = os.environ.get("GOVLAKE_SUPERSET_DB") or (
    f"sqlite:///{_SUPERSET}/superset.db?check_same_thread=false"
)
if SQLALCHEMY_DATABASE_URI.startswith("sqlite"):
    SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}  # workers wait for each other
SQLALCHEMY_EXAMPLES_URI = SQLALCHEMY_DATABASE_URI

# First wall: the serving file of the user's own area, whatever a connection says.
DB_CONNECTION_MUTATOR = own_area.open_own_area
DB_SQLA_URI_VALIDATOR = own_area.refuse_other_databases
panel_sql.listen()
# Second wall: roles of dashboards, and row rules, which call own_area().
JINJA_CONTEXT_ADDONS = {
    "own_area": own_area.own_area,
    "area_at_first": panel_sql.area_at_first,
}
FEATURE_FLAGS = {
    "DASHBOARD_RBAC": True,
    "ENABLE_TEMPLATE_PROCESSING": True,
    "AG_GRID_TABLE_ENABLED": True,
    "ALERT_REPORTS": False,
    "ALLOW_ADHOC_SUBQUERY": False,
    "DRILL_BY": False,
    "DYNAMIC_PLUGINS": False,
    "EMBEDDABLE_CHARTS": False,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_SUPERSET_META_DB": False,
    "GLOBAL_ASYNC_QUERIES": False,
    "SSH_TUNNELING": False,
    "THUMBNAILS": False,
}
FAB_API_SWAGGER_UI = False
ENABLE_CORS = False
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False
ALLOWED_EXTENSIONS = set()  # no uploads
CSV_EXTENSIONS = EXCEL_EXTENSIONS = COLUMNAR_EXTENSIONS = set()

# A cached answer would outlive the generation it was read from, and no API can drop it.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
RESULTS_BACKEND = None
SQLLAB_TIMEOUT = 30
SQL_MAX_ROW = 50_000

FAB_PASSWORD_COMPLEXITY_ENABLED = True
RATELIMIT_ENABLED = True  # by address, per worker; by user name: govlake_superset/sign_in.py
RATELIMIT_APPLICATION = "100 per second"
RATELIMIT_STORAGE_URI = "memory://"
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "20 per minute"
PERMANENT_SESSION_LIFETIME = timedelta(hours=2)  # since the last request; a wall screen asks often
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
_TLS = os.environ.get("GOVLAKE_SUPERSET_TLS") == "1"  # ended by a proxy in front, which we believe
ENABLE_PROXY_FIX = SESSION_COOKIE_SECURE = _TLS
PROXY_FIX_CONFIG = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 1, "x_prefix": 0}


FAB_PASSWORD_COMPLEXITY_VALIDATOR = sign_in.check_password
CUSTOM_SECURITY_MANAGER = sign_in.SecurityManager
FLASK_APP_MUTATOR = sign_in.prepare
EVENT_LOGGER = access_log.AccessLogger()

APP_NAME = "govlake 城市治理"
_LOGO = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 132 24'%3E"
    "%3Crect x='2' y='12' width='5' height='10' fill='%2336cfc9'/%3E"
    "%3Crect x='9' y='7' width='5' height='15' fill='%2340a9ff'/%3E"
    "%3Crect x='16' y='2' width='5' height='20' fill='%239254de'/%3E"
    "%3Ctext x='28' y='18' font-family='sans-serif' font-size='16' fill='%23e6f7ff'%3E"
    "govlake%3C/text%3E%3C/svg%3E"
)
THEME_DEFAULT = {
    "token": {
        "brandAppName": APP_NAME,
        "brandLogoAlt": "govlake",
        "brandLogoUrl": _LOGO,
        "brandLogoHref": "/",
        "brandLogoHeight": "24px",
        "brandLogoMargin": "18px 0",
        "colorPrimary": "#2aa7c9",
        "colorLink": "#40c4e8",
        "fontUrls": [],
        "fontFamily": "'Noto Sans CJK SC', 'Noto Sans SC', 'Microsoft YaHei', 'PingFang SC', "
        "sans-serif",
    },
    "algorithm": "dark",
}
THEME_DARK = None
ENABLE_UI_THEME_ADMINISTRATION = False

BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {  # without the default locale in it, every page is blank
    "zh": {"flag": "cn", "name": "简体中文"},
    "en": {"flag": "us", "name": "English"},
}

# What panels are drawn with (`_shared/templates`) beyond plain HTML: no scripts, forms, images.
HTML_SANITIZATION = True
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {
    "tagNames": [
        "svg",
        "g",
        "path",
        "text",
        "tspan",
        "title",
        "rect",
        "circle",
        "line",
        "polyline",
        "polygon",
    ],
    "attributes": {
        "*": ["className", "title"],
        "span": ["style"],
        "div": ["style"],
        "svg": ["viewBox", "preserveAspectRatio"],
        "path": ["d"],
        "rect": ["x", "y", "width", "height"],
        "circle": ["cx", "cy", "r"],
        "text": ["x", "y", "dy", "textAnchor"],
    },
}

# The page may speak to this server only: no telemetry pixel, no map tiles, no fonts from outside.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "frame-ancestors": ["'self'"],
        "form-action": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        # Handlebars compiles our templates; 'strict-dynamic' still bars any other script.
        "script-src": ["'self'", "'unsafe-eval'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": _TLS,
}
