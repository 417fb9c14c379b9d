"""What is looked at in the header of every trace of a file, and what the log says."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asdf_pipeline.stage.calib import say_calib
from asdf_pipeline.stage.completion import Completion
from asdf_pipeline.stage.sac_fields import check_time_series
from asdf_pipeline.stage.tally import Tally
from asdf_pipeline.stage.waveform_file import no_waveform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import obspy

    from asdf_pipeline.stage.codes import Codes
    from asdf_pipeline.stage.sac import SACHeaders
    from asdf_pipeline.stage.waveform_file import WaveformFile


class Inspection:
    """Looks at the traces of files; keeps what the log should say of all of them.

    Parameters
    ----------
    headers : SACHeaders or None
        What collects what SAC headers say.
    apply_calib : bool
        Whether samples will be multiplied by ``stats.calib``, for the log.
    codes : Codes
        Codes for traces whose file has none.
    """

    def __init__(
        self, headers: SACHeaders | None, apply_calib: bool, codes: Codes
    ) -> None:
        self._headers = headers
        self._apply_calib = apply_calib
        self._left_out, self._noted = Tally(), Tally()
        self._completion = Completion(codes)

    def of_member(
        self,
        file: WaveformFile,
        member: Path,
        stream: obspy.Stream,
        source_name: str,
    ) -> Iterator[tuple[obspy.Trace, int]]:
        """Yield the wanted traces, and how many samples the header of each claims.

        Parameters
        ----------
        file : WaveformFile
            The file.
        member : pathlib.Path
            What was unpacked of it.
        stream : obspy.Stream
            Its headers; changed in place: codes are completed, times cut.
        source_name : str
            How log lines and errors name it.

        Raises
        ------
        InputError
            If a trace cannot be kept.
        """
        checked = self._completion.of_file(file.path, member, source_name)
        for number, trace in enumerate(stream, 1):
            label = checked.complete(trace, number)
            if why := no_waveform(trace):
                self._left_out.add(f"{trace.id} {why}: left out", source_name)
                continue
            claimed = trace.stats.npts
            if file.wanted(trace) is None:
                continue
            if not checked.has_codes(trace, label):
                continue
            if where := file.check(trace, source_name):
                said = f"holds {trace.id}, {where}: staged as what it is"
                self._noted.add(said, source_name)
            check_time_series(trace, source_name)
            if said := say_calib(trace, self._apply_calib):
                self._noted.add(said, source_name)
            if self._headers is not None:
                self._headers.add(trace, source_name)
            yield trace, claimed
        checked.refuse_nameless()

    def log(self) -> None:
        """Log what there was to be said of all files."""
        self._left_out.log(logging.INFO)
        self._noted.log(logging.WARNING)
        self._completion.log()
