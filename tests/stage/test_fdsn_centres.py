"""Several data centres, credentials, windows and priorities: small ones, right here."""

from __future__ import annotations

import hashlib
import io
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline.cli import main
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError
from asdf_pipeline.stage.fdsn_request import Request
from tests.stage.conftest import DATA

START = UTCDateTime(2009, 8, 25)
LOGIN = ("somebody", "the-secret")
TOKEN = "-----BEGIN PGP MESSAGE-----\nthe-token\n-----END PGP MESSAGE-----\n"
OTHER_EVENT = DATA / "core" / "tests" / "data" / "neries_events.xml"


@dataclass
class Centre:
    """A data centre with BW.RJOB under a name of its own."""

    station: str
    stream: obspy.Stream
    channels: tuple[tuple[str, str], ...] = (("", "EHZ"), ("", "EHN"), ("", "EHE"))
    url: str = ""
    answers: bool = True
    restricted: bool = False
    takes_tokens: bool = False
    routes: str = ""
    catalog: obspy.Catalog | None = None
    asked: list[str] = field(default_factory=list)

    def inventory(self) -> obspy.Inventory:
        inventory = obspy.read_inventory(str(DATA / "core/data/BW_RJOB.xml"))
        (station,) = inventory[0]
        station.code = self.station
        (known, *_) = station.channels
        station.channels = []
        for location, code in self.channels:
            channel = known.copy()
            channel.location_code, channel.code = location, code
            channel.start_date = channel.end_date = None
            station.channels.append(channel)
        return inventory

    def answer(self, path: str, body: str, who: str) -> tuple[int, bytes]:
        url = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.asked.append(f"{path} {body}")
        content = io.BytesIO()
        if not self.answers:
            return 503, b"out of order"
        if url.path.endswith("application.wadl"):
            known = (DATA / "clients/fdsn/tests/data").glob(
                f"*{url.path.split('/')[2]}*.wadl"
            )
            text = sorted(known)[0].read_bytes()
            if self.takes_tokens:
                text = text.replace(
                    b"</resources>", b'<resource path="auth"/></resources>'
                )
            return 200, text
        if url.path.startswith("/fdsnws/event/1/c"):  # catalogs, contributors
            return 204, b""
        if url.path == "/eidaws/routing/1/query":
            return (200, self.routes.encode()) if self.routes else (204, b"")
        if url.path == "/fdsnws/dataselect/1/auth":
            return (
                (200, ":".join(LOGIN).encode()) if "the-token" in body else (403, b"")
            )
        if url.path == "/fdsnws/event/1/query":
            assert self.catalog is not None
            self.catalog.write(content, format="QUAKEML")
            return 200, content.getvalue()
        if url.path == "/fdsnws/station/1/query":
            wanted = query.get("station", "*")
            if wanted not in ("*", self.station):
                return 204, b""
            self.inventory().write(content, format="STATIONXML")
            return 200, content.getvalue()
        assert url.path.startswith("/fdsnws/dataselect/1/query"), url.path
        if self.restricted and not who:
            return (401, b"") if url.path.endswith("queryauth") else (403, b"")
        found = obspy.Stream()
        for line in body.splitlines():
            if "=" not in line:
                _, station, location, channel, start, end = line.split()
                assert station == self.station
                found += self.stream.select(
                    location=location.strip("-"), channel=channel
                ).slice(UTCDateTime(start) - 2, UTCDateTime(end) + 2)
        if not found:
            return 204, b""
        found.write(content, format="MSEED")
        return 200, content.getvalue()


def digest_user(header: str, method: str) -> str:
    """Return who sent a header of HTTP digest authentication (RFC 2617), if proven."""
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
    if said.get("username") != LOGIN[0]:
        return ""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    one = md5(f"{LOGIN[0]}:{said['realm']}:{LOGIN[1]}")
    two = md5(f"{method}:{said['uri']}")
    parts = [one, said["nonce"]]
    if "qop" in said:
        parts += [said["nc"], said["cnonce"], said["qop"]]
    proof = md5(":".join([*parts, two]))
    return LOGIN[0] if proof == said["response"] else ""


@contextmanager
def serving(centre: Centre, certificate: Path | None = None) -> Iterator[Centre]:
    class Answering(BaseHTTPRequestHandler):
        def respond(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            who = digest_user(self.headers.get("Authorization", ""), self.command)
            body = self.rfile.read(size).decode()
            status, content = centre.answer(self.path, body, who)
            self.send_response(status)
            if status == 401:
                self.send_header(
                    "WWW-Authenticate", 'Digest realm="FDSN", nonce="abc", qop="auth"'
                )
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = respond  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        centre.url = f"{scheme}://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield centre
        server.shutdown()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asdf_pipeline.stage.persist.PAUSE", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("FDSN_USER", "FDSN_PASSWORD", "EIDA_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stream(rjob: obspy.Stream) -> obspy.Stream:
    """Return three channels, a sample each second of a day."""
    found = obspy.Stream()
    for trace in rjob:
        whole = trace.copy()
        whole.stats.sampling_rate = 1.0
        whole.stats.starttime = START
        whole.data = whole.data[:1].repeat(86400)
        found.append(whole)
    return found


@pytest.fixture
def centres(stream: obspy.Stream) -> Iterator[tuple[Centre, Centre]]:
    """Return two data centres; the first routes to both."""

    def of(station: str) -> Centre:
        own = stream.copy()
        for trace in own:
            trace.stats.station = station
        return Centre(station, own)

    with serving(of("AAA")) as one, serving(of("BBB")) as two:
        one.routes = "".join(
            f"{centre.url}/fdsnws/station/1/query\nBW {centre.station} * * "
            "2009-08-25T00:00:00 2009-08-26T00:00:00\n\n"
            for centre in (one, two)
        )
        yield one, two


def stage(folder: Path, request: str, *more: str) -> int:
    path = folder / "request.yaml"
    path.write_text(
        f"network: BW\nstarttime: 2009-08-25\nendtime: 2009-08-26\n{request}"
    )
    words = ["stage", "--fdsn", str(path), "--tag", "raw", "--backend", "serial"]
    output = ["--output", str(folder / "staged.h5"), "--progress", "none"]
    return main([*words, *output, *more])


@pytest.mark.parametrize("routed", [True, False])
def test_several_data_centres(
    centres: tuple[Centre, Centre], tmp_path: Path, routed: bool
) -> None:
    one, two = centres
    request = f"url: [{one.url}, {two.url}]\n"
    if routed:
        request = f"routing: eida-routing\nurl: {one.url}/eidaws/routing/1\n"
    assert stage(tmp_path, request) == 0
    with Reader(tmp_path / "staged.h5") as reader:
        assert reader.stations() == ["BW.AAA", "BW.BBB"]
        for station in reader.stations():
            assert len(reader.headers(station)) == 3
            assert reader.inventory(station) is not None


def test_a_data_centre_that_does_not_answer_is_named(
    centres: tuple[Centre, Centre],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """ObsPy's routing client passes over it with a warning."""
    one, two = centres
    two.answers = False
    request = f"routing: eida-routing\nurl: {one.url}/eidaws/routing/1\n"
    assert stage(tmp_path, request) == 1
    assert f"{two.url}: stations: " in capsys.readouterr().err


@pytest.mark.parametrize("way", ["file", "environment"])
def test_user_and_password(
    centres: tuple[Centre, Centre],
    tmp_path: Path,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, _ = centres
    one.restricted = True
    request = f"url: {one.url}\n"
    assert stage(tmp_path, request) == 1
    said = capsys.readouterr().err
    assert f"{one.url}, BW.AAA" in said
    assert "access denied" in said
    assert "again in" not in said
    if way == "file":
        login = tmp_path / "login"
        login.write_text(f"machine 127.0.0.1 login {LOGIN[0]} password {LOGIN[1]}\n")
        request += f"credentials: {login}\n"
    else:
        monkeypatch.setenv("FDSN_USER", LOGIN[0])
        monkeypatch.setenv("FDSN_PASSWORD", LOGIN[1])
    work = tmp_path / "work"
    one.answers = False
    assert stage(tmp_path, request, "--work-dir", str(work)) == 1
    one.answers = True
    assert stage(tmp_path, request, "--work-dir", str(work)) == 0
    with Reader(tmp_path / "staged.h5") as reader:
        assert len(reader.headers("BW.AAA")) == 3
    kept = [path for path in tmp_path.rglob("*") if path.name != "login"]
    found = b"".join(path.read_bytes() for path in kept if path.is_file())
    found += capsys.readouterr().err.encode()
    assert LOGIN[1].encode() not in found
    assert LOGIN[0].encode() not in found


def test_credentials_are_no_part_of_the_key(tmp_path: Path) -> None:
    content = {"url": "x", "starttime": "2009-08-25", "endtime": "2009-08-26"}
    login = tmp_path / "login"
    login.write_text("machine x login me password p\n")
    plain = Request.read(content, "r.yaml")
    known = Request.read({**content, "credentials": str(login)}, "r.yaml")
    assert repr(known) == repr(plain)
    assert known.access != plain.access


@pytest.mark.requires("openssl")
def test_a_token(
    stream: obspy.Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *(
                "-days",
                "30",
                "-keyout",
                str(tmp_path / "key"),
                "-out",
                str(certificate),
            ),
        ],
        capture_output=True,
        check=True,
    )
    with certificate.open("ab") as file:
        file.write((tmp_path / "key").read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    token = tmp_path / "token.asc"
    token.write_text(TOKEN)
    for trace in stream:
        trace.stats.station = "AAA"
    with serving(Centre("AAA", stream, restricted=True), certificate) as centre:
        centre.takes_tokens = True
        assert stage(tmp_path, f"url: {centre.url}\neida_token: {token}\n") == 0
    with Reader(tmp_path / "staged.h5") as reader:
        assert len(reader.headers("BW.AAA")) == 3


def test_windows_around_events(centres: tuple[Centre, Centre], tmp_path: Path) -> None:
    one, _ = centres
    one.catalog = obspy.read_events(str(OTHER_EVENT))[:3]
    for event, hours in zip(one.catalog, (1, 1.1, 5), strict=True):
        event.preferred_origin_id = None
        event.origins[0].time = START + hours * 3600
    request = f"url: {one.url}\nchannel_priorities: [HHZ, EHZ]\n"
    windows = "windows: {before: 60, after: 600}\n"
    assert stage(tmp_path, f"{request}events: {{minmagnitude: 5}}\n{windows}") == 0
    with Reader(tmp_path / "staged.h5") as reader:
        headers = sorted(reader.headers("BW.AAA"), key=lambda one: one.starttime)
    # Two of the windows overlap: nothing comes twice.
    begins = [START + 3540, START + 5 * 3600 - 60]
    assert [UTCDateTime(ns=one.starttime) for one in headers] == begins
    assert [one.npts for one in headers] == [360 + 660, 660]


def test_windows_need_events(
    centres: tuple[Centre, Centre], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = f"url: {centres[0].url}\nwindows: {{before: 60, after: 600}}\n"
    assert stage(tmp_path, request) == 2
    assert "windows: there are no events" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {".EHZ", ".EHN", "00.BHZ", "10.BHZ", "10.HHZ"}),
        ("channel_priorities: ['HH?', 'BH?']\n", {"00.BHZ", "10.HHZ"}),
        (
            "channel_priorities: ['HH?', 'BH?', 'EH[ZN]']\n"
            "location_priorities: ['20', '10', '00']\n",
            {"10.HHZ"},
        ),
        ("location_priorities: ['', '00']\n", {".EHZ", ".EHN"}),
    ],
)
def test_priorities_of_channels_and_locations(
    centres: tuple[Centre, Centre], tmp_path: Path, more: str, expected: set[str]
) -> None:
    """As ObsPy's mass downloader: the channel of each location, then the location."""
    one, _ = centres
    names = ["-EHZ", "-EHN", "00-BHZ", "10-BHZ", "10-HHZ"]
    one.channels = tuple(tuple(name.split("-")) for name in names)  # type: ignore[assignment]
    trace = one.stream[0]
    one.stream = obspy.Stream()
    for location, channel in one.channels:
        other = trace.copy()
        other.stats.location, other.stats.channel = location, channel
        one.stream.append(other)
    assert stage(tmp_path, f"url: {one.url}\n{more}") == 0
    with Reader(tmp_path / "staged.h5") as reader:
        headers = reader.headers("BW.AAA")
    assert {f"{one.location}.{one.channel}" for one in headers} == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"password": "x"}, "password: requests are recorded"),
        ({"routing": "mine"}, "routing: eida-routing or iris-federator"),
        ({"credentials": "/none"}, "credentials: /none: no such file"),
        ({"windows": {"before": "x"}}, "windows: seconds before and after"),
        ({"windows": {"begin": 1}}, "windows: unknown key 'begin'"),
        ({"channel_priorities": 5}, "channel_priorities: expected texts"),
    ],
)
def test_requests_that_cannot_be(content: dict[str, object], said: str) -> None:
    known = {"url": "x", "starttime": "2009-08-25", "endtime": "2009-08-26"}
    with pytest.raises(CallError, match=f"^r.yaml: {said}"):
        Request.read({**known, **content}, "r.yaml")
