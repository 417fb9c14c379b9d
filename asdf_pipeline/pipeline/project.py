"""A directory in which ``snakemake`` runs the installed workflow."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from asdf_pipeline.errors import CallError, OutputExistsError
from asdf_pipeline.pipeline.paths import SHIPPED

_LINK = re.compile(r"\[([^\]]*)\]\(\.\./docs/[^)]*\)")  # a project has no docs/


def profile_names() -> list[str]:
    """Return the names of the profiles that can be chosen."""
    # Snakemake takes the default one whichever is chosen: every project has it.
    profiles = (path.name for path in (SHIPPED / "profiles").iterdir())
    return sorted(set(profiles) - {"default"})


def make_project(
    folder: Path, profile: str | None = None, *, example: bool = False
) -> list[Path]:
    """Write a project: Snakefile, configuration, function, profiles.

    Parameters
    ----------
    folder : pathlib.Path
        The directory; it is made if there is none. What else is in it stays.
    profile : str, optional
        One of `profile_names`, copied to be edited.
    example : bool
        Whether the table names recordings that ObsPy brings; else it has no row.

    Returns
    -------
    list of pathlib.Path
        The files, in the order in which they are of interest.

    Raises
    ------
    OutputExistsError
        If one of the files is there; nothing is written then.
    CallError
        If there is no such profile, or the directory cannot be made.
    """
    if profile is not None and profile not in profile_names():
        msg = f"no profile {profile!r}; there are {', '.join(profile_names())}"
        raise CallError(msg)
    files = _files(profile, example)
    for name in files:
        if (folder / name).exists():
            msg = f"{folder / name}: exists, and is not overwritten"
            raise OutputExistsError(msg)
    for name, source in files.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)  # with its mode: a profile has a script
            if target.suffix == ".md":
                text = target.read_text(encoding="utf-8")
                target.write_text(_LINK.sub(r"\1", text), encoding="utf-8")
        except OSError as error:
            msg = f"{target}: cannot be written: {error.strerror}"
            raise CallError(msg) from error
    return [folder / name for name in files]


def _files(profile: str | None, example: bool) -> dict[str, Path]:
    """Return the files of a project by their path in it, and what each is a copy of."""
    project = SHIPPED / "project"
    table = (SHIPPED if example else project) / "config" / "datasets.tsv"
    files = {
        "config/datasets.tsv": table,
        "config/config.yaml": project / "config" / "config.yaml",
        "steps.py": project / "steps.py",
        "Snakefile": project / "Snakefile",
        "config/README.md": SHIPPED / "config" / "README.md",
    }
    for name in ("default", profile) if profile else ("default",):
        for source in sorted((SHIPPED / "profiles" / name).iterdir()):
            files[f"profiles/{name}/{source.name}"] = source
    return files
