"""Measurements of this package beside pyasdf, side by side in one run.

``python -m bench`` makes its inputs (with a fixed seed, kept in ``bench/scratch``),
runs both packages in alternating order, each time in a fresh process, and prints a
table of ratios. ``python -m bench --quick`` takes less than three minutes;
``python -m bench --help`` says the rest.
"""
