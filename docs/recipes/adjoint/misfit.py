"""How far synthetic waveforms are from observed ones, and where to."""

from obspy.signal.cross_correlation import correlate, xcorr_max

from asdf_pipeline import Result


def misfit(a, b, largest=10.0):
    """Compare a station's components, observed (a) with synthetic (b).

    How much later is what was observed, within `largest` s; half the squared residual
    in m**2 s; the adjoint source, which is the residual in m.
    """
    row, sources = {}, {}
    for observed in a.streams["observed"]:
        component = observed.stats.channel[-1]
        # Simulations have channel codes of their own, such as BXZ for BHZ.
        (synthetic,) = b.streams["synthetic"].select(component=component)
        observed, synthetic = at_the_same_times(observed, synthetic)
        dt = synthetic.stats.delta
        lag, _ = xcorr_max(correlate(observed, synthetic, round(largest / dt)))
        residual = synthetic.data - observed.data
        row[f"later_{component}"] = lag * dt
        row[f"misfit_{component}"] = 0.5 * (residual**2).sum() * dt
        path = f"AdjointSources/{a.station.replace('.', '_')}/{component}"
        start = str(synthetic.stats.starttime)
        sources[path] = (residual, {"dt": dt, "starttime": start})
    return Result(auxiliary=sources, row=row)


def at_the_same_times(observed, synthetic):
    """Interpolate the observed trace to the samples of the synthetic one."""
    both = observed.stats, synthetic.stats
    start = max(stats.starttime for stats in both) + 1
    synthetic = synthetic.slice(start, min(stats.endtime for stats in both) - 1)
    observed = observed.copy().interpolate(
        synthetic.stats.sampling_rate,
        starttime=synthetic.stats.starttime,
        npts=synthetic.stats.npts,
    )
    return observed, synthetic
