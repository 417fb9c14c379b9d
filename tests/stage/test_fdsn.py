"""FDSN web services: a small one, on this machine, with real recordings."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline.cli import main
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError
from asdf_pipeline.stage.fdsn_request import Request
from tests.stage.conftest import DATA

EVENTS = DATA / "core" / "tests" / "data" / "iris_events.xml"
MIDNIGHT = UTCDateTime(2009, 8, 25)


@dataclass
class Service:
    """What a small data centre has, was asked, and still refuses to answer."""

    stream: obspy.Stream
    url: str = ""
    asked: list[str] = field(default_factory=list)
    failures: int = 0

    def answer(self, path: str, body: str) -> tuple[int, bytes]:
        """Return status and content, as fdsnws-station and -dataselect 1 do."""
        url = urlsplit(path)
        self.asked.append(body or path)
        if url.path == "/fdsnws/station/1/query":
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            assert query["level"] == "response"
            inventory = obspy.read_inventory(str(DATA / "core/data/BW_RJOB.xml"))
            chosen = inventory.select(channel=query.get("channel", "*"))
            content = io.BytesIO()
            chosen.write(content, format="STATIONXML")
            return 200 if len(chosen) else 204, content.getvalue()
        if url.path == "/fdsnws/event/1/query":
            return 200, EVENTS.read_bytes()
        assert url.path == "/fdsnws/dataselect/1/query"
        if self.failures:
            self.failures -= 1
            return 500, b"out of order"
        found = obspy.Stream()
        for line in body.splitlines():
            if "=" not in line:
                net, sta, loc, cha, start, end = line.split()
                found += self.stream.select(net, sta, loc.strip("-"), cha).slice(
                    # Whole records come, as from real services.
                    UTCDateTime(start) - 2,
                    UTCDateTime(end) + 2,
                )
        if not found:
            return 204, b""
        content = io.BytesIO()
        found.write(content, format="MSEED")
        return 200, content.getvalue()


@pytest.fixture
def service(rjob: obspy.Stream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Serve BW.RJOB, moved to midnight, on 127.0.0.1."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    stream = rjob.copy()
    for trace in stream:
        trace.stats.starttime = MIDNIGHT - 12
    state = Service(stream)

    class Answering(BaseHTTPRequestHandler):
        def respond(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            status, content = state.answer(self.path, self.rfile.read(size).decode())
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = respond  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state
        server.shutdown()


def write_request(folder: Path, service: Service, more: str = "") -> Path:
    path = folder / "request.yaml"
    path.write_text(
        f"url: {service.url}\nnetwork: BW\nstation: RJOB\nchannel: EH?\n"
        f"starttime: 2009-08-24\nendtime: 2009-08-26T00:00:00\n{more}"
    )
    return path


def words(request: Path, output: Path) -> list[str]:
    return [
        *("stage", "--fdsn", str(request), "--tag", "raw", "--output", str(output)),
        *("--backend", "serial", "--progress", "none"),
    ]


def test_what_the_services_have_is_staged(service: Service, tmp_path: Path) -> None:
    request = write_request(tmp_path, service, "events: {minmagnitude: 6}\n")
    output = tmp_path / "staged.h5"
    assert main(words(request, output)) == 0
    with Reader(output) as reader:
        assert reader.stations() == ["BW.RJOB"]
        assert reader.quakeml() == EVENTS.read_bytes()
        inventory = reader.inventory("BW.RJOB")
        stream = reader.stream("BW.RJOB", "raw")
    assert inventory is not None
    assert len(inventory[0][0][0].response.response_stages) > 1
    assert len(stream) == 6  # a day each: cut at midnight, nothing twice
    stream.merge(method=-1)
    for trace, known in zip(stream.sort(), service.stream.sort(), strict=True):
        np.testing.assert_array_equal(trace.data, known.data)
    assert any("minmagnitude=6" in asked for asked in service.asked)


def test_a_sample_at_midnight_comes_once(service: Service, tmp_path: Path) -> None:
    """Also where it is off by less than ObsPy's trim can tell: it took it twice."""
    for trace in service.stream:
        trace.stats.sampling_rate = 100 / 3
        trace.stats.starttime = MIDNIGHT - 12
    output = tmp_path / "staged.h5"
    assert main(words(write_request(tmp_path, service), output)) == 0
    with Reader(output) as reader:
        headers = reader.headers("BW.RJOB")
    assert len(headers) == 6
    assert sum(header.npts for header in headers) == sum(map(len, service.stream))


def test_processes_download_the_same(service: Service, tmp_path: Path) -> None:
    request = write_request(tmp_path, service)
    assert main(words(request, tmp_path / "a.h5")) == 0
    parallel = [*words(request, tmp_path / "b.h5")[:-4], "--workers", "2"]
    assert main(parallel) == 0
    assert file_digest(tmp_path / "a.h5") == file_digest(tmp_path / "b.h5")


def test_a_service_that_stumbles_is_asked_again(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asdf_pipeline.stage.persist.PAUSE", 0.01)
    service.failures = 2
    output = tmp_path / "staged.h5"
    assert main(words(write_request(tmp_path, service), output)) == 0
    with Reader(output) as reader:
        assert len(reader.headers("BW.RJOB")) == 6


def test_what_was_downloaded_is_kept_when_a_service_fails(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("asdf_pipeline.stage.persist.PAUSE", 0.01)
    service.failures = 5  # of the first of two days
    request, output = write_request(tmp_path, service), tmp_path / "staged.h5"
    assert main(words(request, output)) == 1
    assert "(asked 5 times)" in capsys.readouterr().err
    assert not output.exists()
    service.asked.clear()
    assert main(words(request, output)) == 0
    assert len([asked for asked in service.asked if "BW RJOB" in asked]) == 1
    with Reader(output) as reader:
        assert len(reader.headers("BW.RJOB")) == 6


def test_days_without_data_are_empty(service: Service, tmp_path: Path) -> None:
    request = write_request(tmp_path, service)
    service.stream = service.stream.slice(MIDNIGHT + 5)
    output = tmp_path / "staged.h5"
    assert main(words(request, output)) == 0
    with Reader(output) as reader:
        assert len(reader.headers("BW.RJOB")) == 3


def test_no_such_station(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = write_request(tmp_path, service)
    request.write_text(request.read_text().replace("EH?", "LHZ"))
    assert main(words(request, tmp_path / "staged.h5")) == 1
    assert "no stations" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "url, starttime, endtime: missing"),
        ({"urls": "x"}, "unknown key 'urls'"),
        ({"domain": {"lat": 1}}, "domain: unknown key 'lat'"),
        ({"domain": 5}, "domain: expected a mapping, not a int"),
        ({"url": "x", "starttime": "May", "endtime": "2020"}, "starttime, endtime: "),
        (
            {"url": "x", "starttime": "2021-01-01", "endtime": "2020-01-01"},
            "the endtime is not after the starttime",
        ),
    ],
)
def test_a_wrong_request_is_named(content: dict[str, object], said: str) -> None:
    with pytest.raises(CallError, match=rf"r\.yaml: {said}"):
        Request.read(content, "r.yaml")
