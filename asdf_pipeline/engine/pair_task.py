"""A function for pairs of stations of an ASDF file: what is asked."""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine.process_task import ProcessTask
from asdf_pipeline.errors import CallError
from asdf_pipeline.function.load import (
    PAIR,
    PREPARATION,
    STACK,
    UserFunction,
    find_function,
    load_function,
    made_ready,
)
from asdf_pipeline.plan.pair_selection import (
    EVERY_PAIR,
    MEAN,
    PREPARE_MEMORY,
    PairSelection,
)
from asdf_pipeline.plan.pairs import plan_pairs
from asdf_pipeline.plan.units import parts_of
from asdf_pipeline.text import plural
from asdf_pipeline.work.pairs import PairWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from asdf_pipeline.engine.assignment import Layout
    from asdf_pipeline.plan.units import Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PairTask(ProcessTask):
    """A function to be applied to pairs of stations (see `ProcessTask` for the rest).

    Attributes
    ----------
    tag : str or None
        Which waveforms are read; None for the only tag.
    pairs : PairSelection
        Which pairs are done.
    prepare : str or callable, optional
        A function of one station, whose result the other gets in place of the
        station's data; by default the function's attribute `prepare`, if it has one.
    prepare_memory_in_mb : float
        MiB of what was prepared that each worker keeps.
    stack : {"mean"}, str, callable or None
        What becomes of the windows of a pair: their mean, which the function's
        attribute `stack` makes, if it has one; what a function returns that gets an
        iterator over their results; or (None) all of them.
    """

    tag: str | None = None
    pairs: PairSelection = EVERY_PAIR
    prepare: str | Callable[..., Any] | None = None
    prepare_memory_in_mb: float = PREPARE_MEMORY
    stack: str | Callable[..., Any] | None = MEAN

    @cached_property
    def loaded(self) -> tuple[UserFunction, UserFunction | None, UserFunction | None]:
        """The function, what prepares for it, and what stacks; the last two if any.

        Raises
        ------
        FunctionError
            If one cannot be found, loaded or called.
        """
        parameters = dict(self.parameters or {})
        name, function = find_function(self.function)
        wanted = self.prepare or getattr(function, "prepare", None)
        if wanted is None:
            process = made_ready(name, function, parameters, PAIR)
            return process, None, self._stack(function)
        name_of_other, prepare = find_function(wanted)
        for_it = {k: v for k, v in parameters.items() if _takes(prepare, k)}
        rest = {
            k: v
            for k, v in parameters.items()
            if k not in for_it or _takes(function, k)
        }
        return (
            made_ready(name, function, rest, PAIR),
            made_ready(name_of_other, prepare, for_it, PREPARATION),
            self._stack(function),
        )

    def _stack(self, function: Callable[..., Any]) -> UserFunction | None:
        wanted = self.stack
        if wanted == MEAN:
            wanted = getattr(function, "stack", None)
        if self.windows is None or wanted is None:
            return None
        return load_function(wanted, call=STACK)

    def load(self) -> UserFunction:
        """Return the function, ready to be called (see `ProcessTask.load`)."""
        return self.loaded[0]

    def plan(self, function: UserFunction) -> Plan:
        """Return what is to be done (see `ProcessTask.plan`).

        Raises
        ------
        CallError
            If that is nothing, or pairs do not go with something that is asked for.
        """
        if self.windows is not None and self.windows.aligned != "round":
            msg = (
                "the windows of a pair start at round times: each station's first "
                "sample (aligned='trace') is another one's time"
            )
            raise CallError(msg)
        if self.windows is None and self.stack not in (None, MEAN):
            msg = "there is nothing to stack without windows"
            raise CallError(msg)
        with Reader(self.input) as reader:
            return plan_pairs(reader, self.tag, self.selection, self.pairs)

    @property
    def joins_pieces(self) -> bool:
        """Whether pieces of windows become one trace: pairs have no traces."""
        return False

    def more_of_key(self) -> dict[str, str | None]:
        """Return what else the work depends on, by name."""
        _, prepare, stack = self.loaded
        selection = self.pairs
        return {
            "the pairs": repr(
                (
                    selection.max_distance,
                    selection.min_distance,
                    selection.networks,
                    selection.autocorrelations,
                    selection.components,
                )
            ),
            **_of(prepare, "the preparation"),
            **_of(stack, "the stack"),
            "how windows are stacked": MEAN if self.stack == MEAN else "otherwise",
        }

    def log_plan(self, plan: Plan) -> None:
        """Log what there is to do, and what is left out."""
        super().log_plan(plan)
        stations = {n for u in plan.units for p in parts_of(u) for n in p.members}
        log.info(
            "%s: %s of %s in %s",
            self.input,
            plural(plan.total, "pair"),
            plural(len(stations), "station"),
            plural(len(plan.units), "tile"),
        )
        if plan.not_located:
            log.warning(
                "%s: %s in no pair, as a distance is asked for and the place is not "
                "known: %s%s",
                self.input,
                plural(len(plan.not_located), "station"),
                ", ".join(plan.not_located[:5]),
                ", ..." if len(plan.not_located) > 5 else "",
            )

    def work(self, layout: Layout | None, brief: object) -> PairWork:
        """Return what a worker needs (see `Assignment.work`)."""
        _, prepare, stack = self.loaded
        return PairWork(
            **self.shared(layout, brief),
            prepare=prepare,
            prepare_memory=int(self.prepare_memory_in_mb * 2**20),
            stack=stack or (MEAN if self.stack == MEAN else None),
            pairs=self.pairs,
        )


def _takes(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function has an argument of this name; of any, with ``**``."""
    try:
        arguments = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True  # some built-in callables have none
    return name in arguments or any(
        one.kind is one.VAR_KEYWORD for one in arguments.values()
    )


def _of(function: UserFunction | None, name: str) -> dict[str, str | None]:
    """Return a function's part of a key; without one, nothing."""
    if function is None:
        return {}
    return {
        name: function.fingerprint,
        f"{name}'s parameters": function.parameters_fingerprint,
    }
