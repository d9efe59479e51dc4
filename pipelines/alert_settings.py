"""`HOME/config/alerts.yaml`: whom to tell, how, of what, and how often again.

Not here: passwords and keys in addresses. Those come from environment variables the file names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

import yaml

from warehouse.home import Home, HomeError

FILE = "alerts.yaml"
NOT_SET_UP = f"no config/{FILE}: nobody is told (docs/operations.md, Alerts)"
Severity = Literal["note", "warning", "error"]
Form = Literal["json", "wecom", "dingtalk", "feishu"]
Encryption = Literal["none", "starttls", "tls"]
SEVERITIES = get_args(Severity)
"""From the least to the gravest."""


class AlertSettingsError(HomeError):
    """The settings cannot be used; the message names the key, never a value."""


@dataclass(frozen=True)
class Webhook:
    """An address messages are posted to.

    Attributes:
        name: What `govlake alerts` calls it.
        form: `json` is our own; the others are those of 企业微信, 钉钉 and 飞书 group robots.
        url: Of it; None: `url_variable` names the environment variable that holds it, for
            addresses with a key in them.
        url_variable: See `url`.
    """

    name: str
    form: Form = "json"
    url: str | None = None
    url_variable: str | None = None

    def address(self) -> str:
        """The address.

        Raises:
            AlertSettingsError: the variable is not set, or holds no http(s) address.
        """
        return _web_address(self.url or _variable(self.url_variable or ""), self.name)


@dataclass(frozen=True)
class Mail:
    """A mail server and who writes to whom.

    Attributes:
        name: What `govlake alerts` calls it.
        host: Of the server.
        sender: `from`.
        to: Addresses it goes to.
        port: 25, 587 (starttls) or 465 (tls) where none is given.
        encryption: A login is never sent without one.
        user: Login, if the server asks for one.
        password_variable: Environment variable with its password.
        ca_file: Certificates to trust instead of the machine's: the city's own authority.
    """

    name: str
    host: str
    sender: str
    to: tuple[str, ...]
    port: int
    encryption: Encryption = "none"
    user: str | None = None
    password_variable: str = "GOVLAKE_SMTP_PASSWORD"
    ca_file: str | None = None

    def password(self) -> str:
        """The password.

        Raises:
            AlertSettingsError: the variable is not set.
        """
        return _variable(self.password_variable)


Channel = Webhook | Mail


@dataclass(frozen=True)
class AlertSettings:
    """Everything of the file.

    Attributes:
        channels: Whom to tell.
        site: Stands in front of every message.
        least: Nothing milder is told.
        repeat_hours: What lasts is told again after so many hours; 0: never.
    """

    channels: tuple[Channel, ...]
    site: str = "govlake"
    least: Severity = "warning"
    repeat_hours: float = 24.0

    def is_told(self, severity: Severity) -> bool:
        """Whether something of this severity is told."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.least)


def settings_of(home: Home) -> AlertSettings | None:
    """The settings of a home; None where it has none.

    Raises:
        AlertSettingsError: they cannot be used.
    """
    path = home.config / FILE
    if not path.exists():
        return None
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # its text is not quoted: somebody may have put a password there
        raise AlertSettingsError(
            f"config/{FILE}: not readable as YAML in UTF-8 ({type(error).__name__})"
        ) from None
    return parsed(document)


def parsed(document: Any) -> AlertSettings:
    """Settings from the document of the file.

    Raises:
        AlertSettingsError: a key is unknown, missing or of the wrong kind.
    """
    own = _mapping(document, "the file", ("site", "least", "repeat_hours", "webhooks", "mails"))
    channels = (
        *(_webhook(one) for one in _list(own.get("webhooks"), "webhooks")),
        *(_mail(one) for one in _list(own.get("mails"), "mails")),
    )
    names = [one.name for one in channels]
    if not channels or len(set(names)) < len(names):
        raise _wrong("webhooks, mails", "at least one, each with a name of its own")
    hours = own.get("repeat_hours", 24.0)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= 8760:
        raise _wrong("repeat_hours", "a number of hours, 0 to 8760")
    return AlertSettings(
        channels, _text(own, "site", "govlake"),
        cast(Severity, _one_of(own, "least", SEVERITIES, "warning")), float(hours),
    )  # fmt: skip


def _webhook(document: Any) -> Webhook:
    own = _mapping(document, "a webhook", ("name", "form", "url", "url_variable"))
    name = _text(own, "name")
    if ("url" in own) == ("url_variable" in own):
        raise _wrong(f"{name}.url", "either url or url_variable")
    if "url" in own:
        _web_address(_text(own, "url"), name)
    form = cast(Form, _one_of(own, "form", get_args(Form), "json"))
    return Webhook(name, form, own.get("url"), own.get("url_variable"))


def _mail(document: Any) -> Mail:
    keys = ("name", "host", "port", "from", "to", "encryption", "user", "password_variable",
            "ca_file")  # fmt: skip
    own = _mapping(document, "a mail", keys)
    name, host = _text(own, "name"), _text(own, "host")
    encryption = cast(Encryption, _one_of(own, "encryption", get_args(Encryption), "starttls"))
    port = own.get("port", {"none": 25, "starttls": 587, "tls": 465}[encryption])
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise _wrong(f"{name}.port", "a port number")
    to = [own["to"]] if isinstance(own.get("to"), str) else own.get("to")
    addresses = [*(to if isinstance(to, list) else []), _text(own, "from")]
    if len(addresses) < 2 or not all(_is_address(one) for one in addresses):
        raise _wrong(f"{name}.to", "mail addresses, as in from")
    user = _text(own, "user") if "user" in own else None
    if user and encryption == "none":
        raise _wrong(f"{name}.encryption", "starttls or tls: a login is not sent in clear")
    return Mail(
        name, host, _text(own, "from"), tuple(addresses[:-1]), port, encryption, user,
        _text(own, "password_variable", "GOVLAKE_SMTP_PASSWORD"),
        _text(own, "ca_file") if "ca_file" in own else None,
    )  # fmt: skip


def _mapping(document: Any, what: str, known: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(document, dict) or not document:
        raise _wrong(what, "keys and values")
    if unknown := sorted(str(key) for key in document if key not in known):
        hint = "; passwords come from the environment" if "password" in unknown else ""
        raise _wrong(what, f"only {', '.join(known)}, not {', '.join(unknown)}{hint}")
    return document


def _list(value: Any, key: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise _wrong(key, "a list")
    return value or []


def _text(own: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = own.get(key, default)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _wrong(key, "a text of one line")
    return value.strip()


def _one_of(own: Mapping[str, Any], key: str, known: Iterable[str], default: str) -> str:
    value = own.get(key, default)
    if value not in known:
        raise _wrong(key, f"one of {', '.join(known)}")
    return value


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and " " not in value and "@" in value[1:]


def _web_address(url: str, name: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(f"{name}.url", "an http or https address")
    return url.strip()


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise AlertSettingsError(f"config/{FILE}: the environment variable {name} is not set")
    return value


def _wrong(key: str, expected: str) -> AlertSettingsError:
    return AlertSettingsError(f"config/{FILE}: {key}: expected {expected}")
