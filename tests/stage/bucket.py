"""A bucket on this machine: moto's S3 server, behind a proxy that can do harm."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Fault = str | Callable[[], None]

_ANSWERS = {"503": ("SlowDown", 503), "500": ("InternalError", 500)}
_ANSWERS |= {"denied": ("AccessDenied", 403)}


class Proxy:
    """What stands between the clients and the server.

    Attributes
    ----------
    faults : dict of str to list
        By the end of a path, what goes wrong with the requests for it, one after the
        other: ``503``, ``500``, ``denied``, ``reset``, ``cut`` and ``short`` (in the
        body), or a function that is called before the request goes on. A last
        ``always`` repeats the fault before it for ever.
    asked : list of str
        Method and path of each request.
    signed : bool
        Whether a request had credentials.
    latency : float
        Seconds by which each request is held up.
    """

    def __init__(self, server: int) -> None:
        self.server = server
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.asked: list[str] = []
        self.signed = False
        self.latency = 0.0

    def fault(self, path: str) -> Fault:
        """Return what goes wrong with this request, empty for nothing."""
        for end, faults in self.faults.items():
            if path.partition("?")[0].endswith(end) and faults:
                return faults[0] if faults[1:] == ["always"] else faults.pop(0)
        return ""

    def listed(self) -> list[str]:
        """Return the queries of the requests that listed something."""
        return [one for one in self.asked if "list-type" in one]

    def got(self) -> list[str]:
        """Return the paths of the objects that were asked for."""
        gets = [one.removeprefix("GET ") for one in self.asked if one[:4] == "GET "]
        return [path for path in gets if "list-type" not in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 20  # headers and body in one go
    proxy: Proxy

    def forward(self) -> None:
        proxy = self.proxy
        if proxy.latency:
            time.sleep(proxy.latency)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        proxy.asked.append(f"{self.command} {self.path}")
        fault: Fault = ""
        if self.command == "GET":
            proxy.signed |= "Authorization" in self.headers
            fault = proxy.fault(self.path)
        if callable(fault):
            fault()
            fault = ""
        if fault in _ANSWERS:
            code, status = _ANSWERS[fault]
            said = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
            self.answer(status, {"Content-Type": "application/xml"}, said.encode())
            return
        server = http.client.HTTPConnection("127.0.0.1", proxy.server)
        try:
            server.request(self.command, self.path, body, dict(self.headers.items()))
            reply = server.getresponse()
            content = reply.read()
        finally:
            server.close()
        headers = {
            name: value
            for name, value in reply.getheaders()
            if name.lower() not in ("connection", "transfer-encoding")
        }
        self.answer(reply.status, headers, content, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815

    def answer(
        self, status: int, headers: dict[str, str], content: bytes, fault: str = ""
    ) -> None:
        half = content[: len(content) // 2]
        if self.command != "HEAD":
            size = len(half) if fault == "short" else len(content)
            headers = {**headers, "Content-Length": str(size)}
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("date", "server"):
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(half if fault else content)
        if fault in ("reset", "cut"):
            self.wfile.flush()
            self.close_connection = True
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)  # close() sends RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def finish(self) -> None:
        """Close, also what was reset."""
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, also one that was reset."""
        try:
            super().shutdown_request(request)
        except OSError:
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that were killed leave their connections."""


@contextmanager
def moto_server(folder: Path) -> Iterator[int]:
    """Yield the port of a server of moto's, a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5)
            except urllib.error.HTTPError:
                break
            except OSError:
                assert server.poll() is None, (folder / "moto.log").read_text()
                time.sleep(0.1)
            else:
                break
        yield port
    finally:
        server.kill()
        server.wait()


@contextmanager
def proxy_before(port: int) -> Iterator[tuple[Proxy, str]]:
    """Yield a proxy before a server, and its address."""
    proxy = Proxy(port)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield proxy, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def put(address: str, bucket: str, key: str = "", content: bytes = b"") -> None:
    """Make a bucket, or put an object into one."""
    path = f"{address}/{bucket}/{urllib.request.quote(key)}".rstrip("/")
    _ask(urllib.request.Request(path, content, method="PUT"))


def delete(address: str, bucket: str, key: str) -> None:
    """Take an object out of a bucket."""
    path = f"{address}/{bucket}/{urllib.request.quote(key)}"
    _ask(urllib.request.Request(path, method="DELETE"))


def get(address: str, bucket: str, key: str) -> bytes:
    """Return an object."""
    return _ask(urllib.request.Request(f"{address}/{bucket}/{key}"))


def _ask(request: urllib.request.Request) -> bytes:
    request.add_header("Content-Type", "application/octet-stream")
    # moto takes the region of the credentials, and looks at nothing else of them.
    credentials = "Credential=somebody/20260101/us-east-1/s3/aws4_request"
    request.add_header("Authorization", f"AWS4-HMAC-SHA256 {credentials}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: bytes = answer.read()
    return content


def put_tree(address: str, bucket: str, root: Path) -> None:
    """Put the files below a folder into a bucket, under their paths."""
    put(address, bucket)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            key = path.relative_to(root).as_posix()
            put(address, bucket, key, path.read_bytes())


def set_environment(environment: dict[str, str], address: str) -> None:
    """Say where the bucket is, and as whom one comes, to whoever has the environment.

    Only fsspec's configuration and the usual variables: nothing of ours.
    """
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment |= {
        "FSSPEC_S3_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "the-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "no_proxy": "127.0.0.1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
