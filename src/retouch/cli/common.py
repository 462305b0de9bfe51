"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
AllowHuge = Annotated[
    bool, typer.Option("--allow-huge", help="Read files with more pixels than the safety limit.")
]
ResizeMask = Annotated[
    bool,
    typer.Option(
        "--resize-mask", help="Resize masks of another size, but the same shape, to the photo's size."
    ),
]
TrustMask = Annotated[
    bool, typer.Option("--trust-mask", help="Accept masks that look like photos or cover nearly everything.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
