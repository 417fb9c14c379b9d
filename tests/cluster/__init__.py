"""The pipeline on clusters: real launchers, a real Slurm."""
