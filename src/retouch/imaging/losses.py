"""Say what a format cannot hold of a photo's metadata."""

from __future__ import annotations

from retouch.imaging.containers import png_chunks
from retouch.imaging.photo import Header

_TEXT = {"tEXt", "zTXt", "iTXt"}
_ELSEWHERE = {
    "gAMA",
    "cHRM",
    "sRGB",
    "cICP",
    "pHYs",
}  # colour and resolution, which every format has its way for


def losses(header: Header, format: str) -> tuple[str, ...]:
    """Say what is lost, in one sentence or none.

    Args:
        header: what the file held that was read.
        format: the one that is written, as in :func:`~retouch.imaging.write_photo`.
    """
    lost = []
    if format != "jpeg":
        lost += ["the gain map"] if header.gain is not None else []
        lost += ["comments"] if header.comments else []
    if format != "png":
        # 8 bytes stand where a file has its signature.
        found = {name.decode("latin-1") for name, _, _ in png_chunks(bytes(8) + header.chunks)}
        other = sorted(found - _TEXT - _ELSEWHERE)
        lost += ["text fields"] if found & _TEXT else []
        lost += [f"PNG's {', '.join(other)}"] if other else []
    if format not in ("jpeg", "png", "tiff") and header.photoshop:
        lost.append("IPTC and Photoshop's resources")
    return (
        (f"{format.upper()} has no place for {', '.join(lost)}, so that is not carried over.",)
        if lost
        else ()
    )
