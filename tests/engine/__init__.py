"""Tests of the engine, and of what it plans."""
