"""The command, tried on every item of the corpus: is each result clear.

The items are done one after the other by a few processes. When one of these crashes,
or takes longer than `PATIENCE` over an item, that is the item's result, and another
process goes on with the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import obspy

from tests.corpus.items import TAG, Item
from tests.reliability.command import COMPLAINT, Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PATIENCE = 60.0
"""Seconds after which an item counts as hanging."""


@dataclass
class Result:
    """What the command did with an item.

    Attributes
    ----------
    item, verb : str
        What was tried.
    code : int
        Exit code; negative where it crashed or hung.
    said : str
        Its error line, or the first of what it found.
    unclear : str
        Why the result is not clear; empty if it is.
    """

    item: str
    verb: str
    code: int
    said: str
    unclear: str = ""


def words_for(item: Item, verb: str, folder: Path) -> list[list[str]]:
    """Return the commands that try an item, each a list of words."""
    path, out = str(item.path), str(folder / "out.h5")
    if verb == "asdf":
        # A path that begins with a dash is an option, as for any command.
        return [
            ["info", path],
            ["verify", path],
            ["digest", path],
            [
                *("process", path, out, "--tag", f"{TAG}=done", "--tag", "odd=odder"),
                *("--function", "asdf_pipeline.steps:identity"),
                *("--backend", "serial", "--progress", "none"),
                *("--max-failures", "100%", "--outcomes", str(folder / "outcomes")),
            ],
            ["stage", "--asdf", path, "--output", str(folder / "linked.h5")],
        ]
    if verb == "waveforms":
        return [["stage", "--waveforms", path, "--tag", TAG, "--output", out]]
    sound = str(folder.parent / "sound.mseed")
    return [
        [
            *("stage", "--waveforms", sound, f"--{verb}", path),
            *("--tag", TAG, "--output", out),
        ]
    ]


def judge(item: Item, words: Sequence[str], code: int, err: str, folder: Path) -> str:
    """Return why a result is not clear, or nothing."""
    if "Traceback" in err or "please report" in err:
        return "a traceback, or a bug"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if code and words[0] != "verify":
        if err.count(COMPLAINT) != 1:
            return f"{err.count(COMPLAINT)} error lines"
    elif code and not err.strip():
        return "an error without a word"
    if words[0] == "process" and code == 0:
        lost = _unaccounted(item, folder)
        if lost:
            return f"not accounted for: {lost}"
    made = [name for name in ("out.h5", "linked.h5") if (folder / name).exists()]
    if code and made:
        return f"an output in spite of the error: {made}"
    return ""


def _unaccounted(item: Item, folder: Path) -> str:
    """Return which stations have no outcome, or one that the output gainsays."""
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.plan.outcome import read_outcomes

    outcomes = {o.station: o for o in read_outcomes(folder / "outcomes")}
    lost = [station for station in item.stations if station not in outcomes]
    with Reader(folder / "out.h5") as reader:
        written = set(reader.stations())
    lost += sorted(written ^ {s for s, o in outcomes.items() if o.status == "ok"})
    return " ".join(lost)


def try_items(words: list[str]) -> int:
    """Try items, one line of JSON a result; the words name what is to be done."""
    from asdf_pipeline.cli import main

    work, results = Path(words[0]), Path(words[1])
    items = [_item(line) for line in work.read_text(encoding="utf-8").splitlines()]
    with results.open("a", encoding="utf-8") as told:
        for item in items:
            told.write(json.dumps({"begin": item.name}) + "\n")
            told.flush()
            for verb in item.verbs:
                with tempfile.TemporaryDirectory(dir=work.parent) as folder:
                    for result in _try(main, item, verb, Path(folder)):
                        told.write(json.dumps(asdict(result)) + "\n")
                        told.flush()
    return 0


def _item(line: str) -> Item:
    name, path, verbs, stations = json.loads(line)
    return Item(name, Path(path), tuple(verbs), tuple(stations))


def _try(main: object, item: Item, verb: str, folder: Path) -> Iterable[Result]:
    for words in words_for(item, verb, folder):
        os.ftruncate(2, 0)
        try:
            code = main(words)  # type: ignore[operator]
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"raises {error!r} in {where.filename}:{where.lineno}"
            yield Result(item.name, words[0], 70, "", what)
            continue
        err = Path("/proc/self/fd/2").read_text(errors="replace")
        errors = [
            line.removeprefix(COMPLAINT)
            for line in err.splitlines()
            if line.startswith(COMPLAINT)
        ]
        said = errors[0] if errors else (err.splitlines() or [""])[-1]
        unclear = judge(item, words, code, err, folder)
        name = words[0] if words[0] != "stage" else f"stage --{verb}"
        yield Result(item.name, name, code, said, unclear)


def run_corpus(items: Sequence[Item], folder: Path, workers: int = 2) -> list[Result]:
    """Try all items and return the results, in the order of the items."""
    shares = [items[number::workers] for number in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        places = [folder / f"share-{number}" for number in range(workers)]
        done = list(pool.map(_run_share, shares, places))
    order = {item.name: number for number, item in enumerate(items)}
    results = [result for share in done for result in share]
    return sorted(results, key=lambda result: order[result.item])


def _run_share(items: Sequence[Item], place: Path) -> list[Result]:
    place.mkdir()
    obspy.read()[:1].write(str(place / "sound.mseed"), format="MSEED")
    left = list(items)
    results: list[Result] = []
    while left:
        work, told = place / "work", place / "results"
        work.write_text(
            "".join(
                json.dumps([i.name, str(i.path), i.verbs, i.stations]) + "\n"
                for i in left
            ),
            encoding="utf-8",
        )
        told.write_text("")
        running = Running(work, told, cwd=place, main=try_items)
        _watch(running, told)
        began = 0
        code = running.wait(10).code
        for line in told.read_text(encoding="utf-8").splitlines():
            fields = json.loads(line)
            if "begin" in fields:
                began += 1
            else:
                results.append(Result(**fields))
        if code == 0 and began == len(left):
            break
        culprit = left[began - 1]
        results = [result for result in results if result.item != culprit.name]
        how = "it hangs" if code == -signal.SIGALRM else f"it crashes ({code})"
        results.append(Result(culprit.name, "", code, "", how))
        left = left[began:]
    return results


def _watch(running: Running, told: Path) -> None:
    """Wait for the end; kill a process that makes no headway."""
    size, since = 0, time.monotonic()
    while running.process.is_alive():
        running.process.join(0.2)
        if (now := told.stat().st_size) != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGALRM)
            return
