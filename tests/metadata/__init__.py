"""Tests of station metadata and events as documents."""
