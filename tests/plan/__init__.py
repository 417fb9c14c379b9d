"""Tests of what is planned and recorded."""
