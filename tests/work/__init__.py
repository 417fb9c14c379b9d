"""Tests of one attempt at one unit."""
