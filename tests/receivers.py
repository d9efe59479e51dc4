"""A web server and a mail server on the loopback that keep what they are given, for tests."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass
class Web:
    """What was posted, and how the server answers."""

    port: int = 0
    status: int = 200
    answer: bytes = b'{"errcode": 0}'
    posted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/robot?key=SECRET-KEY"

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """Act and key of everything told in our own form."""
        return [(one["act"], one["key"]) for body in self.posted for one in body["alerts"]]


@contextmanager
def web_server() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if web.status == 200:
                web.posted.append(json.loads(body))
            self.send_response(web.status)
            if web.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(web.answer)

        def do_GET(self) -> None:  # where a redirect that is followed ends
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        web.port = port
        yield web


@dataclass
class Post:
    """Mails taken, logins seen, and what the server refuses."""

    port: int = 0
    logins: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    was_encrypted: list[bool] = field(default_factory=list)
    refuses_data: bool = False


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, from_the_start: bool = False
) -> Iterator[Post]:
    """A mail server; with `tls` it offers STARTTLS and a login after it."""
    post = Post()

    class Handler(_Smtp):
        state, certificate, is_wrapped = post, tls, from_the_start

    with _running(_Threads(("127.0.0.1", 0), Handler)) as port:
        post.port = port
        yield post


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True


class _Smtp(socketserver.StreamRequestHandler):
    """RFC 5321 as far as a client needs it that sends one mail."""

    state: ClassVar[Post]
    certificate: ClassVar[ssl.SSLContext | None]
    is_wrapped: ClassVar[bool]

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def wrap(self) -> None:
        assert self.certificate is not None
        self.rfile.close()
        self.wfile.close()
        self.connection = self.certificate.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.is_encrypted = True

    def handle(self) -> None:
        self.is_encrypted = False
        try:
            if self.is_wrapped:
                self.wrap()
            self.say("220 test ready")
            while line := self.rfile.readline():
                if not self.obey(line.decode().strip()):
                    return
        except (ssl.SSLError, ConnectionError):
            return  # the client did not trust the certificate

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def obey(self, line: str) -> bool:
        word = line.split(" ", 1)[0].upper()
        if word == "EHLO":
            offers = ["test"]
            if self.certificate:
                offers.append("AUTH PLAIN" if self.is_encrypted else "STARTTLS")
            for number, offer in enumerate(offers):
                self.say(f"250{' ' if number == len(offers) - 1 else '-'}{offer}")
        elif word == "STARTTLS":
            self.say("220 go")
            self.wrap()
        elif word == "AUTH":
            self.state.logins.append(base64.b64decode(line.split()[-1]).decode().replace("\0", ":"))
            self.say("235 in" if self.state.logins[-1].endswith(":right") else "535 wrong")
        elif word == "RCPT":
            is_refused = any(one in line for one in self.state.refused)
            self.say("550 unknown" if is_refused else "250 ok")
        elif word == "DATA" and not self.state.refuses_data:
            self.say("354 go on")
            self.take()
            self.say("250 taken")
        elif word == "QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("451 later" if word == "DATA" else "250 ok")
        return True

    def take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        parsed = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.state.mails.append(parsed)
        self.state.was_encrypted.append(self.is_encrypted)


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
