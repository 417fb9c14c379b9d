"""Tests of the team of MPI ranks, under a real launcher."""
