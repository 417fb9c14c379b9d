"""Tests of the work on one unit."""
