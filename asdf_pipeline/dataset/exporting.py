"""Out of a data set again: files of other formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.dataset import checks
from asdf_pipeline.dataset.patterns import Patterns

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas as pd

    from asdf_pipeline.plan.selection import Selection


class Exports(Patterns):
    """What `ASDFDataSet` writes that is no ASDF file."""

    def export(
        self,
        to: str | os.PathLike[str],
        format: str = "mseed",
        *,
        layout: str | None = None,
        tags: Sequence[str] = (),
        selection: Selection | None = None,
        metadata: bool = True,
        overwrite: bool = False,
        lossy: bool = False,
        event: str = "",
        table_filename: str | os.PathLike[str] | None = None,
        cpu_count: int = -1,
        backend: str = "auto",
        work_dir: str | os.PathLike[str] | None = None,
        progress: str = "auto",
    ) -> pd.DataFrame:
        """Write waveforms as files of another format, in parallel.

        Each file is read back and held against the traces before it gets its name. What
        is there already and the same is left alone: the same call goes on after a kill.

        Parameters
        ----------
        to : path-like
            The template of the files' paths, such as
            ``"out/{network}.{station}.{location}.{channel}.{start}.mseed"``; or, with a
            layout, the directory that they are in.
        format : {"mseed", "sac", "gse2", "slist", "tspair"}
            The format.
        layout : str, optional
            ``"sds"``, another layout of archives, or a template of paths below `to`.
        tags : sequence of str
            Only waveforms with these; by default all.
        selection : Selection, optional
            What of the file is exported.
        metadata : bool
            Whether StationXML and QuakeML are written too.
        overwrite : bool
            Whether files that are there with other content are replaced.
        lossy : bool
            Whether what the format cannot hold is rounded or left out.
        event : str
            Resource id of the event for the SAC headers of traces that name none.
        table_filename : path-like, optional
            Where the table that is returned is written as CSV; must not exist. By
            default ``NAME.export.csv`` beside the files, which is replaced.
        cpu_count, backend, work_dir, progress
            As for `ASDFDataSet.process`.

        Returns
        -------
        pandas.DataFrame
            The files, one a line: path, station, tag, numbers of traces and samples,
            start, end, bytes, checksum. Empty on MPI ranks other than 0.

        Raises
        ------
        CallError
            If the template is none, or two stations or tags would share a path.
        TagError
            If no waveforms have one of the tags.
        ProcessingFailedError
            If traces cannot be written; it names them, all others are written.
        """
        from asdf_pipeline.export import ExportTask, Places, export
        from asdf_pipeline.export.task import file_table
        from asdf_pipeline.plan.selection import EVERYTHING, Selection

        self.open_file.refuse_closed()
        checks.check_kinds(selection=(selection, Selection), cpu_count=(cpu_count, int))
        self.flush()
        report = export(
            ExportTask(
                input=self.open_file.path,
                places=Places.of(to, layout),
                format=format,
                tags=(tags,) if isinstance(tags, str) else tuple(tags),
                selection=selection or EVERYTHING,
                metadata=metadata,
                overwrite=overwrite,
                lossy=lossy,
                event=event,
                table=None if table_filename is None else Path(table_filename),
                backend=self._backend(backend),
                workers=cpu_count,
                io="segments",
                max_failures=0,
                work_dir=None if work_dir is None else Path(work_dir),
                progress=progress,
            )
        )
        return file_table(report.outcomes)
