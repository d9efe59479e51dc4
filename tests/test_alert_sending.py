"""Sending alerts to real servers on the loopback; settings that are refused."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from receivers import Post, Web, mail_server, web_server
from typer.testing import CliRunner

from pipelines.alert_book import Message
from pipelines.alert_sending import MOST_BYTES, NotSent, line, portions, send
from pipelines.alert_settings import AlertSettingsError, Mail, Webhook, parsed
from pipelines.cli import app
from warehouse.home import Home

WHEN = "2026-11-20T01:00:00+00:00"


def message(number: int = 1, act: Any = "problem", zh: str = "作业“刷新”运行失败") -> Message:
    return Message(str(number), "c", act, "run/refresh", "error", zh, "详见 Dagster", WHEN, WHEN)


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A certificate of 127.0.0.1 that only its own file vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


def mail_to(post: Post, **others: Any) -> Mail:
    return Mail("mail", "127.0.0.1", "lake@city", ("a@city", "b@city"), post.port, **others)


def test_a_webhook_gets_text_and_facts() -> None:
    with web_server() as web:
        send(Webhook("w", url=web.url), "示范区", [message(), message(2, "recovered")])
    (body,) = web.posted
    assert (body["site"], web.alerts) == (
        "示范区",
        [("problem", "run/refresh"), ("recovered", "run/refresh")],
    )
    assert body["text"].splitlines() == [
        "[示范区] 告警 1 条，已恢复 1 条",
        "【告警·严重】作业“刷新”运行失败 详见 Dagster",
        "【已恢复·严重】作业“刷新”运行失败（自 2026-11-20 09:00）",
    ]


@pytest.mark.parametrize(
    ("form", "where"), [("wecom", "text"), ("dingtalk", "text"), ("feishu", "content")]
)
def test_group_robots_get_their_form_and_their_refusals_are_seen(form: Any, where: str) -> None:
    with web_server() as web:
        robot = Webhook("w", form, url=web.url)
        send(robot, "s", [message()])
        assert "作业" in next(iter(web.posted[0][where].values()))
        for said in (
            b'{"errcode": 9, "errmsg": "SECRET"}',
            b'{"code": 9499}',
            b"<html>",
            b"[]",
        ):
            web.answer = said
            with pytest.raises(NotSent) as refused:
                send(robot, "s", [message()])
            assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_refuses_or_redirects_took_nothing(status: int) -> None:
    with web_server() as web:
        web.status = status
        with pytest.raises(NotSent, match=str(status)) as refused:
            send(Webhook("w", url=web.url), "s", [message()])
    assert "SECRET" not in str(refused.value)
    with pytest.raises(NotSent, match="refused"):  # nobody listens any more
        send(Webhook("w", url=web.url), "s", [message()])


def test_a_mail_reaches_everybody_readable() -> None:
    with mail_server() as post:
        send(mail_to(post), "示范区", [message()])
    (mail,) = post.mails
    assert mail["Subject"] == "[示范区] 告警 1 条"
    assert (mail["To"], mail["From"]) == ("a@city, b@city", "lake@city")
    assert mail.get_content().strip() == line(message())
    assert post.was_encrypted == [False]


def test_one_unknown_recipient_is_no_failure_but_all_are() -> None:
    with mail_server() as post:
        post.refused = {"a@city"}
        send(mail_to(post), "s", [message()])
        post.refused = {"@city"}
        with pytest.raises(NotSent):
            send(mail_to(post), "s", [message()])
        post.refused, post.refuses_data = set(), True
        with pytest.raises(NotSent, match="451"):
            send(mail_to(post), "s", [message()])
        assert len(post.mails) == 1


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_login_goes_over_a_trusted_connection_only(
    encryption: Any, own_authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, file = own_authority
    with mail_server(tls, from_the_start=encryption == "tls") as post:
        known = mail_to(post, encryption=encryption, user="lake", ca_file=str(file))
        with pytest.raises(NotSent, match="GOVLAKE_SMTP_PASSWORD"):
            send(known, "s", [message()])
        monkeypatch.setenv("GOVLAKE_SMTP_PASSWORD", "wrong")
        with pytest.raises(NotSent, match="535"):
            send(known, "s", [message()])
        monkeypatch.setenv("GOVLAKE_SMTP_PASSWORD", "right")
        send(known, "s", [message()])
        assert (post.logins, post.was_encrypted) == ([":lake:wrong", ":lake:right"], [True])
        with pytest.raises(NotSent, match="not trusted"):
            send(mail_to(post, encryption=encryption, user="lake"), "s", [message()])
        assert len(post.logins) == 2


def test_portions_keep_order_and_fit() -> None:
    many = [message(n, zh="超" * (n * 7 % 300 + 1)) for n in range(60)]
    found = list(portions(many))
    assert [one for portion in found for one in portion] == many
    for portion in found:
        assert sum(len(line(one).encode()) + 1 for one in portion) <= MOST_BYTES
    assert list(portions([])) == []


WEB = {"name": "w", "url": "http://a/b"}
MAIL = {"name": "m", "host": "h", "from": "a@b", "to": ["c@d"]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "the file"),
        ({"webhooks": []}, "at least one"),
        ({"webhooks": [WEB, WEB]}, "name of its own"),
        ({"webhooks": WEB}, "a list"),
        ({"webhooks": [WEB | {"url": "file:///etc/passwd"}]}, "http"),
        ({"webhooks": [WEB | {"url_variable": "X"}]}, "either"),
        ({"webhooks": [WEB | {"form": "fax"}]}, "form"),
        ({"webhooks": [WEB], "least": "bad"}, "least"),
        ({"webhooks": [WEB], "repeat_hours": -1}, "repeat_hours"),
        ({"webhooks": [WEB], "repeat_hours": True}, "repeat_hours"),
        ({"webhooks": [WEB], "site": "a\nb"}, "site"),
        ({"mails": [MAIL | {"password": "HIDDEN"}]}, "environment"),
        ({"mails": [MAIL | {"user": "u", "encryption": "none"}]}, "in clear"),
        ({"mails": [MAIL | {"to": []}]}, "to"),
        ({"mails": [MAIL | {"from": "a@b\nBcc: c@d"}]}, "from"),
        ({"mails": [MAIL | {"to": ["c@d\nBcc: c@d"]}]}, "to"),
        ({"mails": [MAIL | {"port": 70000}]}, "port"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(document: Any, said: str) -> None:
    with pytest.raises(AlertSettingsError, match=said) as refused:
        parsed(document)
    assert "HIDDEN" not in str(refused.value)


def test_a_mail_is_encrypted_unless_the_site_says_no() -> None:
    (mail,) = parsed({"mails": [MAIL]}).channels
    assert isinstance(mail, Mail)
    assert (mail.encryption, mail.port, mail.to) == ("starttls", 587, ("c@d",))


def test_the_command_tests_every_channel(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["alerts", *words, "--home", str(home.root)])
        return done.exit_code, done.output

    assert "nobody is told" in asked("list")[1]
    home.config.mkdir()
    with web_server() as web, mail_server() as post:
        monkeypatch.setenv("HOOK", web.url)
        (home.config / "alerts.yaml").write_text(
            "webhooks: [{name: hook, url_variable: HOOK}]\n"
            f"mails: [{{name: post, host: 127.0.0.1, port: {post.port}, encryption: none, "
            "from: a@b, to: c@d}]\n"
        )
        assert asked("test") == (0, "hook: sent\npost: sent\n")
        assert (_acts(web), len(post.mails)) == (["test"], 1)
        web.status = 500
        code, said = asked("test")
        assert (code, "hook: not sent: answered 500" in said, "SECRET" in said) == (1, True, False)
    assert "hook: never used" in asked("list")[1]


def _acts(web: Web) -> list[str]:
    return [act for act, _ in web.alerts]
