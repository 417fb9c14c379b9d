"""One attempt at a tile of pairs: window by window, each station prepared once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.errors import StopUnitError, TraceError
from asdf_pipeline.function.load import UserFunction
from asdf_pipeline.function.result import Result, check_result
from asdf_pipeline.plan.outcome import Outcome, unit_id
from asdf_pipeline.plan.pair_selection import EVERY_PAIR, MEAN
from asdf_pipeline.plan.selection import overlap
from asdf_pipeline.plan.units import parts_of
from asdf_pipeline.provenance.ids import trace_id
from asdf_pipeline.times import ALWAYS
from asdf_pipeline.work.base import Made, Worker, failed, worked
from asdf_pipeline.work.call import asked_of, call_two, lent
from asdf_pipeline.work.function_work import FunctionWork
from asdf_pipeline.work.pair import Pair
from asdf_pipeline.work.prepared import Prepared, PreparedCache
from asdf_pipeline.work.source import ReadCounts
from asdf_pipeline.work.stacking import Mean, counted
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.function.result import Checked
    from asdf_pipeline.metadata.stationxml import Coordinates
    from asdf_pipeline.plan.pair_selection import PairSelection
    from asdf_pipeline.plan.units import Unit


@dataclass(frozen=True, kw_only=True)
class PairWork(FunctionWork):
    """A function that is applied to pairs of stations, or to what was prepared of them.

    Attributes
    ----------
    prepare : UserFunction or None
        The user's function of one station; None: the other gets the stations' data.
    prepare_memory : int
        Bytes of what was prepared that each worker keeps.
    stack : {"mean"}, UserFunction or None
        What becomes of a pair's windows; None: the results of all are written.
    pairs : PairSelection
        Which channels belong together.
    """

    prepare: UserFunction | None = None
    prepare_memory: int = 1 << 30
    stack: str | UserFunction | None = MEAN
    pairs: PairSelection = EVERY_PAIR

    @property
    def functions(self) -> list[UserFunction]:
        """The user's functions that are called."""
        more = (self.prepare, self.stack)
        return [self.process, *(one for one in more if isinstance(one, UserFunction))]

    def begin(self, name: str) -> PairWorker:
        """Return a worker (see `Work.begin`)."""
        return PairWorker(self, name)


@dataclass(slots=True)
class _Attempt:
    """A pair while its tile is at work."""

    unit: Unit
    read: ReadCounts = field(default_factory=ReadCounts)
    pair: Pair | None = None
    mean: Mean | None = None
    result: Checked | None = None
    windows: int = 0
    error: BaseException | None = None
    seconds: float = 0.0


class PairWorker(Worker):
    """Has the function called on the pairs of a tile; holds the open input.

    Attributes
    ----------
    prepared : PreparedCache
        What was prepared of stations, from tile to tile.
    """

    def __init__(self, work: PairWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        (self.reader,) = work.open_inputs()
        self.prepared = PreparedCache(work.prepare_memory)
        self._places: dict[str, Coordinates | None] = {}
        self._windows: dict[tuple[str, str], set[int]] = {}

    def close(self) -> None:
        """Close the input."""
        self.reader.close()

    def quakeml(self) -> bytes | None:
        """Return the input's events."""
        return self.reader.quakeml()

    # The tile.

    def attempt(self, unit: Unit) -> tuple[Outcome, Product | None]:
        """Do the pairs of a unit; an error costs the pair that it is of."""
        began = time.perf_counter()
        attempts = [_Attempt(part) for part in parts_of(unit)]
        there = {(name, one.unit.tag) for one in attempts for name in one.unit.members}
        self._windows = {k: v for k, v in self._windows.items() if k in there}
        order = _there_and_back(attempts)
        if isinstance(self.work.stack, UserFunction):
            for one in order:
                self._guarded(one, self._stack)
        else:
            for one in attempts:
                self._guarded(one, self._prepare_sum)
            for start in self._starts(one.unit for one in order):
                for one in order:
                    self._guarded(one, self._add, start)
        made = [self._finished(one) for one in attempts]
        seconds = round(time.perf_counter() - began, 6)
        arrays = tuple(
            array
            for _, product in made
            if product is not None
            for array in product.auxiliary
        )
        product = Product("", "", (), auxiliary=arrays) if arrays else None
        outcomes = tuple(outcome for outcome, _ in made)
        if not unit.parts:
            return replace(outcomes[0], seconds=seconds), product
        whole = replace(
            unit.outcome("empty" if product is None else "ok", worker=self.name),
            parts=outcomes,
            seconds=seconds,
            bytes_out=sum(outcome.bytes_out for outcome in outcomes),
        )
        return whole, product

    def _guarded(self, one: _Attempt, do: Callable[..., None], *arguments: Any) -> None:
        """Do something for a pair, unless it failed before; note what is raised."""
        if one.error is not None:
            return
        began = time.perf_counter()
        try:
            do(one, *arguments)
        except (StopUnitError, KeyboardInterrupt):
            raise
        except BaseException as error:  # also sys.exit, asyncio.CancelledError
            one.error = error
        one.seconds += time.perf_counter() - began

    def _finished(self, one: _Attempt) -> tuple[Outcome, Product | None]:
        """Return a pair's outcome, and its arrays encoded."""
        product = None
        if one.mean is not None and one.error is None:
            one.result, one.windows = one.mean.result(), one.mean.windows
        began = time.perf_counter()
        try:
            if one.error is None and one.result is not None:
                product = self._encoded(one.unit, one.result)
        except BaseException as error:
            if isinstance(error, StopUnitError | KeyboardInterrupt):
                raise
            one.error = error
        seconds = round(one.seconds + time.perf_counter() - began, 6)
        described = one.pair.fields() if one.pair is not None else {}
        outcome = one.unit.outcome(
            "failed",
            worker=self.name,
            windows=one.windows,
            **described,
            **one.read.fields(),
        )
        if one.error is not None:
            text = self.explain(one.error)
            return replace(failed(outcome, one.error, text), seconds=seconds), None
        row = one.result.row if one.result is not None else None
        return worked(outcome, Made(product, row), seconds), product

    def _encoded(self, unit: Unit, result: Checked) -> Product | None:
        if len(result.stream):
            msg = (
                f"{unit.name}: the function returned waveforms, "
                "which belong to one station: what is made of a pair is auxiliary data "
                "(the auxiliary of an asdf_pipeline.Result)"
            )
            raise TraceError(msg)
        if not result.auxiliary:
            return None
        self.work.refuse_unwritten(unit.name)
        name = ""
        if self.work.run_id:
            # One record for all pairs of a first station: there are S^2 / 2 of them.
            name = trace_id(self.work.run_id, unit_id((unit.station,), unit.tag))
        arrays = encode_auxiliary(result.auxiliary, self.work.encoding, name)
        return Product("", "", (), auxiliary=arrays)

    # One pair.

    def _prepare_sum(self, one: _Attempt) -> None:
        self._locate(one)
        if self.work.windows is not None and self.work.stack is not None:
            one.mean = Mean(one.unit.name)

    def _add(self, one: _Attempt, start: int | None) -> None:
        """Do a pair in a window, and add what it gives to what it gave before."""
        if start is not None and not self._has(one.unit, start):
            return
        result = self._called(one, start)
        if result is None or result.is_empty:
            return
        if one.mean is not None:
            self._refuse_row(one, result)
            one.mean.add(result)
            return
        one.windows += start is not None
        one.result = result if one.result is None else _joined(one, result)

    def _stack(self, one: _Attempt) -> None:
        """Have the user's function stack a pair's windows, made as it asks for them."""
        stack = self.work.stack
        assert isinstance(stack, UserFunction)
        self._locate(one)

        def windows() -> Iterator[Result]:
            for start in self._starts([one.unit]):
                result = (
                    self._called(one, start) if self._has(one.unit, start) else None
                )
                if result is not None and not result.is_empty:
                    one.windows += 1
                    yield Result(None, result.auxiliary, result.row)

        asked = asked_of(stack, pair=one.pair)
        value = stack.function(windows(), **stack.parameters, **asked)
        name = one.unit.name
        one.result = counted(check_result(value, name, compares=True), one.windows)

    def _called(self, one: _Attempt, start: int | None) -> Checked | None:
        """Call the function on a pair in a window; None: the pair has nothing there."""
        function, window = self.work.process, self._window(start)
        assert one.pair is not None
        pair, members, name = one.pair.at(window), one.unit.members, one.unit.name
        if self.work.prepare is None:
            a, b = (self._data(one.unit, station, window) for station in members)
            try:
                return call_two(function, a, b, name, pair=pair)
            finally:
                for data in (a, b):
                    one.read.add(ReadCounts.of(data.streams.read))
        made = [self._prepared(one.unit, station, start) for station in members]
        for prepared in made:
            one.read.add(prepared.read)
        values = [prepared.get() for prepared in made]
        if any(value is None for value in values):
            return None
        asked = asked_of(function, pair=pair)
        result = function.function(*values, **function.parameters, **asked)
        return check_result(result, name, compares=True)

    def _prepared(self, unit: Unit, station: str, start: int | None) -> Prepared:
        """Return what the user's function prepares of a station, perhaps kept."""

        def prepare() -> Prepared:
            function = self.work.prepare
            assert function is not None
            data = self._data(unit, station, self._window(start))
            value, raised = None, None
            try:
                with lent(data):
                    value = function.function(data, **function.parameters)
            except StopUnitError:
                raise
            except Exception as error:  # noqa: BLE001 - every pair of it raises it
                raised = error
            trace = raised.__traceback__ if raised is not None else None
            return Prepared(value, ReadCounts.of(data.streams.read), raised, trace)

        return self.prepared.get((station, start), prepare)

    def _data(
        self, unit: Unit, station: str, window: tuple[int, int] | None
    ) -> StationData:
        windows, selection = self.work.windows, self.work.selection
        times = None
        if window is not None and windows is not None:
            times = overlap(windows.padded(window), selection.times)
        return StationData(
            self.reader,
            station,
            selection,
            tag=unit.tag,
            window=window,
            times=times,
            wanted=self._wanted,
        )

    def _wanted(self, header: TraceHeader) -> bool:
        pairs = self.work.pairs
        return self.work.selection.has_trace(header) and pairs.reads(header.channel)

    def _refuse_row(self, one: _Attempt, result: Checked) -> None:
        if result.row is not None:
            msg = (
                f"{one.unit.name}: a row of each window makes no "
                "mean: let stack= be a function that returns the pair's row"
            )
            raise TraceError(msg)

    def _locate(self, one: _Attempt) -> None:
        """Note where a pair's stations are."""
        places = []
        for station in one.unit.members:
            if station not in self._places:
                times = self.work.selection.times
                self._places[station] = self.reader.coordinates(station, times)
            places.append(self._places[station])
        first, second = one.unit.members
        one.pair = Pair.of((first, second), (places[0], places[1]), self.work.pairs)

    # Windows.

    def _window(self, start: int | None) -> tuple[int, int] | None:
        if start is None or self.work.windows is None:
            return None
        return start, start + self.work.windows.length

    def _starts(self, units: Iterator[Unit] | Sequence[Unit]) -> Sequence[int | None]:
        """Return where the windows start that some units have, in order of time."""
        if self.work.windows is None:
            return [None]
        stations = {(name, unit.tag) for unit in units for name in unit.members}
        return sorted({start for one in stations for start in self._windows_of(*one)})

    def _has(self, unit: Unit, start: int | None) -> bool:
        """Tell whether both stations of a pair have samples in a window."""
        return start is None or all(
            start in self._windows_of(name, unit.tag) for name in unit.members
        )

    def _windows_of(self, station: str, tag: str) -> set[int]:
        """Return where the windows start in which a station has samples."""
        windows = self.work.windows
        assert windows is not None
        known = self._windows.get((station, tag))
        if known is not None:
            return known
        first, last = self.work.selection.times or ALWAYS
        spans = [
            (max(header.starttime, first), min(header.endtime, last))
            for header in self.reader.headers(station, tag)
            if header.npts
            and self._wanted(header)
            and header.starttime <= last
            and header.endtime >= first
        ]
        found = {start for start, _ in windows.over(spans)} if spans else set()
        self._windows[station, tag] = found
        return found


def _joined(one: _Attempt, result: Checked) -> Checked:
    """Return what several windows of a pair gave, each under paths of its own.

    Raises
    ------
    TraceError
        If two windows gave the same path, or rows.
    """
    before = one.result
    assert before is not None
    twice = sorted(before.auxiliary.keys() & result.auxiliary.keys())
    if twice or result.row is not None:
        what = f"auxiliary data {twice[0]!r}" if twice else "rows"
        msg = (
            f"{one.unit.name}: two windows gave {what}: give each "
            "window a path of its own, or stack them"
        )
        raise TraceError(msg)
    return replace(before, auxiliary={**before.auxiliary, **result.auxiliary})


def _there_and_back(attempts: Sequence[_Attempt]) -> list[_Attempt]:
    """Return pairs in rows, every other row backwards.

    So a row begins with the stations that the row before ended with: where memory
    keeps fewer than a tile's, these are kept.
    """
    rows: dict[str, list[_Attempt]] = {}
    for one in attempts:
        rows.setdefault(one.unit.station, []).append(one)
    order: list[_Attempt] = []
    for number, row in enumerate(rows.values()):
        order += row[::-1] if number % 2 else row
    return order
