"""Tests of the teams."""
