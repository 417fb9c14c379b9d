"""``python -m asdf_pipeline``: the command, also under ``python -m mpi4py -m``."""

from __future__ import annotations

import sys

from asdf_pipeline.cli import main

if __name__ == "__main__":
    sys.exit(main())
