"""Camera raw files are known by their content, whatever their names, and never filled for their previews."""

import io

import numpy as np
import pytest
import tifffile
from tests.imaging.samples import noise, tiff

from retouch.errors import RetouchError
from retouch.imaging import read_mask, read_photo

PREVIEW, MOSAIC = noise(12, 16, 3), noise(48, 64, dtype=np.uint16)
DNG_VERSION = (50706, "B", 4, (1, 4, 0, 0), True)
PATTERN = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)]


def raw(*, version, first, below):
    """As cameras write it: first a preview, and below it, or after it, the mosaic."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        extra = [DNG_VERSION] if version else []
        mosaic = {"photometric": 32803, "metadata": None}
        if first:
            writer.write(MOSAIC, extratags=[*extra, *PATTERN], **mosaic)
        preview = {"photometric": "rgb", "metadata": None, "subfiletype": 1, "extratags": extra}
        writer.write(PREVIEW, subifds=int(below), **preview)
        if not first:
            writer.write(MOSAIC, extratags=PATTERN, **mosaic)
    return file.getvalue()


@pytest.mark.parametrize(
    ("version", "first", "below"),
    [
        (True, False, True),
        (True, True, False),
        (False, False, True),
        (False, False, False),
        (False, True, False),
    ],
)
def test_raw_values_in_a_tiff(version, first, below):
    refused(raw(version=version, first=first, below=below), "DNG" if version else "raw values")


def test_linear_raw():
    refused(tiff(noise(12, 16, 3, dtype=np.uint16), photometric=34892), "raw values")


def test_a_dng_whose_raw_values_cannot_be_found():
    refused(tiff(PREVIEW, photometric="rgb", extratags=[DNG_VERSION]), "DNG")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"II*\0\x10\0\0\0CR\x02\0", "CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "CR3"),
        (b"FUJIFILMCCD-RAW 0201FF383501", "RAF"),
        (b"II\x1a\0\0\0HEAPCCDR\x02\0", "CRW"),
        (b"IIU\0\x18\0\0\0", "RW2"),
        (b"IIRO\x08\0\0\0", "ORF"),
        (b"MMOR\0\0\0\x08", "ORF"),
        (b"\0MRM\0\0\0\0", "MRW"),
        (b"FOVb\0\0\2\0", "X3F"),
        (b"II*\0\x10\0\0\0IIII", "IIQ"),
    ],
)
def test_signatures(head, kind):
    refused(head + bytes(2000), kind)


def refused(data, kind):
    for read in (read_photo, lambda source: read_mask(source, (12, 16), resize=True)):
        with pytest.raises(RetouchError, match=r"camera's raw file .* develop it first") as caught:
            read(data)
        assert f"({kind}" in str(caught.value) or kind in str(caught.value)
