"""The script that is measured: pyasdf's own example, for either package.

``python -m bench.script PACKAGE INPUT OUTPUT FUNCTION [OPTIONS AS JSON]``
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from typing import TYPE_CHECKING, Any

from bench import functions

if TYPE_CHECKING:
    from collections.abc import Callable


def main(
    package: str, source: str, output: str, function: str, options: str = "{}"
) -> None:
    """Process a file; with an option ``prepare``, its pairs of stations."""
    # Both write it to the log, again and again: ObsPy would rather have another name.
    warnings.filterwarnings("ignore", message=".*attach_response.* is deprecated")
    library = importlib.import_module(package)
    given = json.loads(options)
    prepare = given.pop("prepare", None)
    with library.ASDFDataSet(source, mode="r") as ds:
        if prepare is not None:
            ds.process_pairs(
                getattr(functions, function),
                output,
                prepare=getattr(functions, prepare),
                **given,
            )
            return
        ds.process(
            process_function=_function(function),
            output_filename=output,
            tag_map={"raw_recording": "processed"},
            **given,
        )


def _function(name: str) -> Callable[..., Any]:
    """Return a function of `bench.functions`, or of the module before a colon."""
    module, _, name = name.rpartition(":")
    found: Callable[..., Any] = getattr(
        importlib.import_module(module) if module else functions, name
    )
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
