"""Ready-made processing functions, named in a configuration without writing Python.

Each is called as ``step(st, inv, **parameters)`` with a station's Stream and its
Inventory (or None), and returns the Stream, or None where nothing is to be written.
As in ObsPy, whose methods do most of the work, the Stream that is passed in is changed
and returned; parameters have ObsPy's names and defaults. `chain` runs several:

>>> parameters = {"steps": ["detrend", {"filter": {"type": "highpass", "freq": 0.1}}]}

`spectra`, `correlate` and `stack` are for pairs of stations, and no steps of a chain.
"""

from asdf_pipeline.steps.correlation import Spectra, correlate, spectra, stack
from asdf_pipeline.steps.events import cut
from asdf_pipeline.steps.gaps import merge
from asdf_pipeline.steps.rejection import reject
from asdf_pipeline.steps.response import remove_response
from asdf_pipeline.steps.rotation import rotate
from asdf_pipeline.steps.several import STEPS, chain, checked, resolve
from asdf_pipeline.steps.shaping import detrend, taper
from asdf_pipeline.steps.single import filter, identity, resample

__all__ = [
    "STEPS",
    "Spectra",
    "chain",
    "checked",
    "correlate",
    "cut",
    "detrend",
    "filter",
    "identity",
    "merge",
    "reject",
    "remove_response",
    "resample",
    "resolve",
    "rotate",
    "spectra",
    "stack",
    "taper",
]
