"""Cross-correlations of two records, by way of their spectra.

`spectra` prepares a station's record, once for all its pairs: segments on one grid of
times, detrended, normalised, tapered, transformed, whitened. `correlate` multiplies two
stations' spectra, averages over the segments, and transforms back. `stack` averages
over the windows of a run by windows.
"""

from asdf_pipeline.steps.correlation.pairs import correlate
from asdf_pipeline.steps.correlation.spectra import Spectra, spectra
from asdf_pipeline.steps.correlation.stacking import stack

__all__ = ["Spectra", "correlate", "spectra", "stack"]

# What a run over pairs of stations takes where it names no others.
correlate.prepare = spectra  # type: ignore[attr-defined]
correlate.stack = stack  # type: ignore[attr-defined]
