"""Take the pictures of a report that README and manual show.

    python -m docs.screenshots demo/results/global/report.html docs/images

Needs Chromium on the PATH; Pillow comes with Matplotlib. Look at what it made.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.report.chromium import OPTIONS, program

# Name, width and height in pixels, and Chromium's number for the colour scheme.
PICTURES = (
    ("report-light", 1280, 1960, 1),
    ("report-dark", 1280, 1960, 0),
    ("report-phone", 400, 1960, 1),
)
HOLD_STILL = ("--hide-scrollbars", "--virtual-time-budget=5000")


def take(page: Path, target: Path, width: int, height: int, scheme: int) -> None:
    """Take one picture; few colours are enough for it and keep it small."""
    with tempfile.TemporaryDirectory() as folder:
        # A window cannot be as narrow as a phone: the page is framed instead. Its
        # lower end is not painted: it is made taller than the picture.
        frame = Path(folder) / "frame.html"
        frame.write_text(
            f'<body style="margin:0"><iframe src="{page.resolve().as_uri()}" '
            f'style="border:0;width:{width}px;height:{height + 100}px"></iframe>',
            encoding="utf-8",
        )
        subprocess.run(
            [
                program(),
                *OPTIONS,
                *HOLD_STILL,
                "--allow-file-access-from-files",
                f"--blink-settings=preferredColorScheme={scheme}",
                f"--user-data-dir={folder}/profile",
                f"--window-size={max(width, 500)},{height + 300}",
                f"--screenshot={target}",
                frame.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
    with Image.open(target) as picture:
        small = picture.convert("RGB").crop((0, 0, width, height))
    # This method keeps rare colours: a failed station is a few pixels. Large areas get
    # theirs beside it.
    few = small.quantize(160, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    common = sorted(small.getcolors(width * height) or (), reverse=True)[:8]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(few.getpalette() or ()), *(v for _, c in common for v in c)])
    small.quantize(palette=palette, dither=Image.Dither.NONE).save(
        target, optimize=True
    )


def main(page: str, folder: str) -> None:
    """Take all pictures."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, width, height, scheme in PICTURES:
        target = Path(folder).resolve() / f"{name}.png"
        take(Path(page), target, width, height, scheme)
        print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
