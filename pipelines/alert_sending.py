"""Sending messages: to a webhook by POST, to a mail server by SMTP.

Not here: which messages, and what becomes of those not taken (`alert_book.py`).
"""

from __future__ import annotations

import http.client
import json
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipelines.alert_book import Message
from pipelines.alert_settings import AlertSettingsError, Channel, Mail, Webhook
from schemas.city_time import CITY_TZ

PATIENCE_S = 10
MOST_BYTES = 1800
"""Of the text of one sending: 企业微信 takes 2,048 bytes."""
ACT_ZH = {"problem": "告警", "still": "仍未恢复", "recovered": "已恢复", "test": "测试"}
SEVERITY_ZH = {"note": "提示", "warning": "警告", "error": "严重"}
_MOST_ANSWER = 65_536


class NotSent(Exception):
    """A channel took nothing; the message holds no address, password or answer text."""


def send(channel: Channel, site: str, messages: Sequence[Message]) -> None:
    """Send messages together, all or none.

    Args:
        channel: Where to.
        site: Whose they are.
        messages: At least one; as many as `portions` allows.

    Raises:
        NotSent: it cannot be reached, or refuses them.
    """
    try:
        if isinstance(channel, Webhook):
            _post(channel, site, messages)
        else:
            _mail(channel, site, messages)
    except AlertSettingsError as error:
        raise NotSent(str(error)) from None
    except (OSError, URLError, http.client.HTTPException, smtplib.SMTPException) as error:
        raise NotSent(_reason(error)) from None


def portions(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages in portions that one sending can hold, in order."""
    portion: list[Message] = []
    size = 0
    for one in messages:
        bytes_ = len(line(one).encode()) + 1
        if portion and size + bytes_ > MOST_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += bytes_
    if portion:
        yield portion


def line(one: Message) -> str:
    """A message as people read it."""
    clock = datetime.fromisoformat(one.since).astimezone(CITY_TZ)
    since = f"（自 {clock:%Y-%m-%d %H:%M}）" if one.act in ("still", "recovered") else ""
    detail = f" {one.detail}" if one.detail and one.act != "recovered" else ""
    return f"【{ACT_ZH[one.act]}·{SEVERITY_ZH[one.severity]}】{one.zh}{since}{detail}"


def subject(site: str, messages: Sequence[Message]) -> str:
    """What a sending is about, in one line."""
    counts = [(zh, sum(one.act == act for one in messages)) for act, zh in ACT_ZH.items()]
    return f"[{site}] " + "，".join(f"{zh} {count} 条" for zh, count in counts if count)


def _post(channel: Webhook, site: str, messages: Sequence[Message]) -> None:
    body = json.dumps(_body(channel, site, messages), ensure_ascii=False).encode()
    request = Request(
        channel.address(), data=body, method="POST",
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "govlake"},
    )  # fmt: skip
    try:
        with build_opener(_NoRedirects()).open(request, timeout=PATIENCE_S) as answer:
            said = answer.read(_MOST_ANSWER)
    except HTTPError as error:
        error.close()  # it is the answer itself, and holds the connection
        raise
    if channel.form != "json":
        _check_robot(said)


def _body(channel: Webhook, site: str, messages: Sequence[Message]) -> dict[str, Any]:
    text = "\n".join([subject(site, messages), *map(line, messages)])
    if channel.form == "feishu":
        return {"msg_type": "text", "content": {"text": text}}
    if channel.form in ("wecom", "dingtalk"):
        return {"msgtype": "text", "text": {"content": text}}
    names = ("id", "act", "key", "severity", "zh", "detail", "since", "made_at")
    alerts = [{name: getattr(one, name) for name in names} for one in messages]
    return {"site": site, "text": text, "alerts": alerts}


def _check_robot(said: bytes) -> None:
    """Group robots answer 200 to what they refuse, with a code that is not 0."""
    try:
        answer = json.loads(said)
        code = answer.get("errcode", answer.get("code"))
    except (ValueError, AttributeError):
        raise NotSent("the robot's answer is not readable") from None
    if code != 0:
        raise NotSent(f"the robot refused it (code {code if isinstance(code, int) else '?'})")


class _NoRedirects(HTTPRedirectHandler):
    """A redirected POST becomes a GET without a body: taken by nobody, answered with 200."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse it."""
        return


def _mail(channel: Mail, site: str, messages: Sequence[Message]) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"] = subject(site, messages), channel.sender
    mail["To"], mail["Date"] = ", ".join(channel.to), formatdate()
    mail["Message-ID"] = make_msgid(domain="govlake")
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note need answer
    mail.set_content("\n".join(map(line, messages)) + "\n", charset="utf-8")
    trust = None
    if channel.encryption != "none":
        trust = ssl.create_default_context(cafile=channel.ca_file)
    if channel.encryption == "tls":
        server = smtplib.SMTP_SSL(channel.host, channel.port, timeout=PATIENCE_S, context=trust)
    else:
        server = smtplib.SMTP(channel.host, channel.port, timeout=PATIENCE_S)
    with server:
        if channel.encryption == "starttls":
            server.starttls(context=trust)
        if channel.user:
            server.login(channel.user, channel.password())
        refused = server.send_message(mail)
    if len(refused) >= len(channel.to):  # some took it: sending again would tell those twice
        raise NotSent("the mail server refused every recipient")


def _reason(error: Exception) -> str:
    """Why, without addresses or what the server wrote: both may hold keys."""
    if isinstance(error, HTTPError):
        return f"answered {error.code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}"
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({inner.verify_message})"
    words = inner.strerror if isinstance(inner, OSError) and inner.strerror else ""
    return f"{type(inner).__name__}{f': {words}' if words else ''}"
