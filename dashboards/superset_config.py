"""Superset's settings, read in `.venv-superset` through SUPERSET_CONFIG_PATH.

Standard library only: nothing of the platform's environment can be imported here.
Site settings and anything that differs between installations do not belong here.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

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
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_SUPERSET}/superset.db?check_same_thread=false"
SQLALCHEMY_EXAMPLES_URI = SQLALCHEMY_DATABASE_URI

# A cached answer would outlive the generation it was read from, and no API can drop it.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {  # without the default locale in it, every page is blank
    "zh": {"flag": "cn", "name": "简体中文"},
    "en": {"flag": "us", "name": "English"},
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
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,  # set by a site that ends TLS in front of it
}
