"""Full spheres are recognised by their metadata, and filled around."""

import numpy as np
import pytest
from PIL import Image
from tests.engine.test_wrapping import jump, over_the_edge, waves

import retouch
from retouch.imaging import goes_around, read_photo

FAST = "telea"
FULL = {
    "ProjectionType": "equirectangular",
    "FullPanoWidthPixels": "256",
    "FullPanoHeightPixels": "128",
    "CroppedAreaImageWidthPixels": "256",
    "CroppedAreaImageHeightPixels": "128",
    "CroppedAreaLeftPixels": "0",
    "CroppedAreaTopPixels": "0",
}


def _xmp(values, *, elements=False, prefix="GPano"):
    attributes = "" if elements else "".join(f' {prefix}:{name}="{value}"' for name, value in values.items())
    inside = "".join(f"<{prefix}:{k}>{v}</{prefix}:{k}>" for k, v in values.items()) if elements else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:{prefix}="http://ns.google.com/photos/1.0/panorama/"{attributes}>{inside}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


@pytest.fixture
def sphere(tmp_path):
    def write(xmp, height=128, width=256, name="sphere.webp"):
        path = tmp_path / name
        Image.fromarray(waves(height, width)).save(path, lossless=True, xmp=xmp)
        return path

    return write


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (FULL, True),
        ({"ProjectionType": "equirectangular"}, True),  # of this shape, nothing else is left
        (FULL | {"FullPanoWidthPixels": "8192", "CroppedAreaImageWidthPixels": "8192"}, True),  # made smaller
        (FULL | {"FullPanoWidthPixels": "512"}, False),  # half of the way around
        (FULL | {"ProjectionType": "cylindrical"}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("elements", [False, True])
@pytest.mark.parametrize("prefix", ["GPano", "pano"])
def test_spheres_are_recognised(sphere, values, wanted, elements, prefix):
    assert goes_around(read_photo(sphere(_xmp(values, elements=elements, prefix=prefix)))) == wanted


def test_pictures_that_are_no_spheres(sphere):
    only_projection = _xmp({"ProjectionType": "equirectangular"})
    assert not goes_around(read_photo(sphere(only_projection, width=255 - 60)))
    assert not goes_around(read_photo(sphere(b"<no xml")))
    assert not goes_around(read_photo(sphere(b"")))


def test_a_sphere_is_filled_around(sphere):
    path, mask = sphere(_xmp(FULL)), over_the_edge(128, 256, 20)
    array = waves(128, 256)
    results = {
        wrap: np.asarray(Image.open(retouch.inpaint(path, mask, model=FAST, wrap=wrap, overwrite=True)))
        for wrap in ("auto", "none", "horizontal", "both")
    }
    assert jump(results["auto"], mask) < min(3, 0.6 * jump(results["none"], mask))
    assert np.array_equal(results["auto"], results["horizontal"])
    for filled in results.values():
        assert np.array_equal(filled[~mask], array[~mask])
    assert np.array_equal(
        retouch.inpaint(array, mask, model=FAST), results["none"]
    )  # arrays have no metadata
    assert np.array_equal(retouch.inpaint(array, mask, model=FAST, wrap="horizontal"), results["auto"])


def test_a_hole_grows_across_the_edge():
    array, mask = waves(64, 128), np.zeros((64, 128), bool)
    mask[20:30, :3] = True
    changed = (retouch.inpaint(array, mask, model=FAST, dilate=4, wrap="horizontal") != array).any(2)
    plain = (retouch.inpaint(array, mask, model=FAST, dilate=4, wrap="none") != array).any(2)
    assert not plain[:, 64:].any()
    assert changed[20:30, 125:].mean() > 0.3
    ring = np.zeros((64, 128), bool)
    ring[20:40, -10:] = ring[20:40, :10] = True
    ring[28:30, -2:] = ring[28:30, :2] = False  # an island on the edge
    (note,) = retouch.fill(array, ring, model=FAST, wrap="horizontal").notes
    assert "1 known island" in note
    assert retouch.fill(array, ring, model=FAST, wrap="none").notes == ()


def test_poles_are_said(sphere):
    path, mask = sphere(_xmp(FULL)), np.zeros((128, 256), bool)
    mask[110:, 40:90] = True
    (note,) = retouch.fill(path, mask, model=FAST).notes
    assert "reaches a pole of the 360° photo" in note
    mask[110:] = False
    mask[60:80, 40:90] = True
    assert retouch.fill(path, mask, model=FAST, overwrite=True).notes == ()
    mask[120:, 40:90] = True
    assert retouch.fill(waves(128, 256), mask, model=FAST, wrap="horizontal").notes == ()
