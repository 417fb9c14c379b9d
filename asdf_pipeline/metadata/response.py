"""Instrument responses that keep what evalresp computed for their stages.

`memoise` turns the responses of an inventory into `MemoisingResponse`, which evaluates
groups of stages once for all channels that share them (see `stages`), and compares the
product with ObsPy's own response at a few frequencies.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from obspy.core.inventory.response import Response

from asdf_pipeline.metadata.stages import (
    LEFT_TO_OBSPY,
    PROBES,
    StageChain,
    invert,
    probe_indices,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from obspy import Inventory

TOLERANCE = 1e-12  # of the peak, against ObsPy at the probed frequencies


class MemoisingResponse(Response):  # type: ignore[misc]
    """ObsPy's Response, which evaluates equal stages once.

    Equals ObsPy's own within 1e-12 of the peak. Keys are made from the content at
    the time of the call, so a response may be changed, copied and pickled freely.
    """

    def __eq__(self, other: object) -> bool:
        """Compare by content, also with a plain Response (as ObsPy's own does)."""
        return isinstance(other, Response) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # mutable, as in ObsPy

    def get_evalresp_response_for_frequencies(
        self,
        frequencies: Sequence[float] | NDArray[np.float64],
        output: str = "VEL",
        start_stage: int | None = None,
        end_stage: int | None = None,
        hide_sensitivity_mismatch_warning: bool = False,
    ) -> NDArray[np.complex128]:
        """Return the frequency response; parameters and errors are ObsPy's.

        Parameters
        ----------
        frequencies : array_like of float, shape (n,)
            In Hz.
        output : {"DISP", "VEL", "ACC", "DEF"}
            In m, m/s, m/s**2; ``"DEF"``: as the response is given.
        start_stage, end_stage : int, optional
            First and last stage to evaluate.
        hide_sensitivity_mismatch_warning : bool
            No warning where the stages' gains contradict the overall sensitivity.

        Returns
        -------
        numpy.ndarray of complex128, shape (n,)
            The caller's own.
        """
        plain: Callable[..., NDArray[np.complex128]]
        plain = super().get_evalresp_response_for_frequencies
        hide = hide_sensitivity_mismatch_warning
        wanted = np.asarray(frequencies)
        try:
            chain = StageChain(self, wanted, start_stage, end_stage, hide)
            if chain.is_compared(output):
                return chain.evaluate(output)
        except LEFT_TO_OBSPY:
            return plain(frequencies, output, start_stage, end_stage, hide)
        # ObsPy evaluates the whole chain at a few frequencies, for under 1 ms: it
        # raises and warns as it would anyway, and the product is compared with that;
        # where it would say nothing, once for all that differ in their gains only.
        probed = probe_indices(wanted)
        reference = plain(wanted[probed], output, start_stage, end_stage, hide)
        response = chain.evaluate(output)
        if _agree(response[probed], reference):
            chain.note_compared(output)
            return response
        return plain(frequencies, output, start_stage, end_stage, hide)

    def inverse(
        self,
        frequencies: NDArray[np.float64],
        output: str,
        water_level: float | None,
        hide_sensitivity_mismatch_warning: bool = False,
    ) -> tuple[NDArray[np.complex128], float]:
        """Return what a spectrum is multiplied by to remove this response.

        With a water level in dB the inverse scales with the response's gain: one
        array, for unit gain, serves all channels that differ in their gains only.
        Where `formulas` holds ObsPy is not asked, nor `obspy.signal` imported.

        Parameters
        ----------
        frequencies : numpy.ndarray of float64, shape (n,)
            In Hz, from 0 on.
        output : {"DISP", "VEL", "ACC", "DEF"}
            See `get_evalresp_response_for_frequencies`.
        water_level : float or None
            In dB below the response's peak; None: no water level.
        hide_sensitivity_mismatch_warning : bool
            No warning where the stages' gains contradict the overall sensitivity.

        Returns
        -------
        inverse : numpy.ndarray of complex128, shape (n,)
            Read-only, shared with later calls.
        factor : float
            By which the inverse is still to be multiplied.
        """
        plain: Callable[..., NDArray[np.complex128]]
        plain = super().get_evalresp_response_for_frequencies
        hide = hide_sensitivity_mismatch_warning
        try:
            chain = StageChain(self, frequencies, None, None, hide)
            if chain.by_formulas and chain.is_quiet:
                kept = chain.inverse(output, water_level)
                return kept[:-PROBES], 1.0 / chain.gain
        except LEFT_TO_OBSPY:
            whole = plain(frequencies, output, None, None, hide)
            return invert(whole, water_level), 1.0
        reference = plain(
            frequencies[probe_indices(frequencies)], output, None, None, hide
        )
        kept = chain.inverse(output, water_level)
        if _agree(kept[-PROBES:] * chain.gain, reference):
            return kept[:-PROBES], 1.0 / chain.gain
        whole = plain(frequencies, output, None, None, hide)
        return invert(whole, water_level), 1.0


def _agree(response: NDArray[np.complex128], reference: NDArray[np.complex128]) -> bool:
    """Tell whether a response is ObsPy's at the probed frequencies; not if NaN."""
    deviation = np.abs(response - reference).max()
    return bool(deviation <= TOLERANCE * np.abs(reference).max())


def memoise(inventory: Inventory) -> None:
    """Make the responses of an inventory keep their evaluations, in place.

    Parameters
    ----------
    inventory : obspy.Inventory
        Each channel's Response becomes a `MemoisingResponse` of the same content.
    """
    for network in inventory:
        for station in network:
            for channel in station:
                if type(channel.response) is Response:
                    channel.response.__class__ = MemoisingResponse


def memoised(response: Response) -> MemoisingResponse:
    """Return a response of the same content that keeps its evaluations."""
    if isinstance(response, MemoisingResponse):
        return response
    same: MemoisingResponse = copy.copy(response)
    same.__class__ = MemoisingResponse
    return same
