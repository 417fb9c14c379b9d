"""Tests of what must hold when things die."""
