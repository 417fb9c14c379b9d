"""Staging, from real recordings."""
