"""What metadata says of places in the photo holds after the photo was turned upright and filled."""

import io
import re
import struct
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tests.imaging.samples import encode, exif

import retouch
from retouch.imaging import containers, read_photo, resources, tags, write_photo
from retouch.imaging.exif import clean_exif
from retouch.imaging.turning import Turn

WIDTH, HEIGHT = 64, 48
LEFT, TOP, WIDE, HIGH = 8, 12, 16, 8  # of the region, in stored pixels
SPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "apple-fi": "http://ns.apple.com/faceinfo/1.0/",
    "Camera": "http://pix4d.com/camera/1.0/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
}


def packet(inside, attributes=""):
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    return (
        f'<x:xmpmeta {spaces}><rdf:RDF><rdf:Description rdf:about="" {attributes}>{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def listed(*inside):
    return (
        "<rdf:Bag>"
        + "".join(f'<rdf:li rdf:parseType="Resource">{each}</rdf:li>' for each in inside)
        + "</rdf:Bag>"
    )


def mwg(x, y, w, h, *, unit="normalized", size=(WIDTH, HEIGHT), attributes=True, name="A"):
    """The same structure as exiftool writes it, or as Adobe does."""
    fields = {"x": x, "y": y, "w": w, "h": h, "unit": unit}
    if attributes:
        area = "<mwg-rs:Area " + " ".join(f'stArea:{key}="{value}"' for key, value in fields.items()) + "/>"
        region = f'<rdf:Description mwg-rs:Name="{name}" mwg-rs:Type="Face">{area}</rdf:Description>'
        area_list = f"<rdf:Bag><rdf:li>{region}</rdf:li></rdf:Bag>"
    else:
        inside = "".join(f"<stArea:{key}>{value}</stArea:{key}>" for key, value in fields.items())
        area = f"<mwg-rs:Area rdf:parseType='Resource'>{inside}</mwg-rs:Area>"
        area_list = listed(f"{area}<mwg-rs:Name>{name}</mwg-rs:Name>")
    return (
        '<mwg-rs:Regions rdf:parseType="Resource">'
        f'<mwg-rs:AppliedToDimensions stDim:w="{size[0]}" stDim:h="{size[1]}" stDim:unit="pixel"/>'
        f"<mwg-rs:RegionList>{area_list}</mwg-rs:RegionList></mwg-rs:Regions>"
    )


def microsoft(x, y, w, h):
    return (
        '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions>'
        + listed(
            f"<MPReg:Rectangle>{x}, {y}, {w}, {h}</MPReg:Rectangle>"
            "<MPReg:PersonDisplayName>A</MPReg:PersonDisplayName>"
        )
        + "</MPRI:Regions></MP:RegionInfo>"
    )


def iptc(**fields):
    vertices = fields.pop("vertices", None)
    inside = "".join(f"<Iptc4xmpExt:{key}>{value}</Iptc4xmpExt:{key}>" for key, value in fields.items())
    if vertices:
        points = (
            f"<Iptc4xmpExt:rbX>{x}</Iptc4xmpExt:rbX><Iptc4xmpExt:rbY>{y}</Iptc4xmpExt:rbY>"
            for x, y in vertices
        )
        inside += f"<Iptc4xmpExt:rbVertices>{listed(*points).replace('Bag', 'Seq')}</Iptc4xmpExt:rbVertices>"
    boundary = f'<Iptc4xmpExt:RegionBoundary rdf:parseType="Resource">{inside}</Iptc4xmpExt:RegionBoundary>'
    regions = listed(boundary + "<Iptc4xmpExt:rId>A</Iptc4xmpExt:rId>")
    return f"<Iptc4xmpExt:ImageRegion>{regions}</Iptc4xmpExt:ImageRegion>"


def jpeg(orientation, xmp=None, **options):
    """A black photo whose region is white, stored as the orientation says."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[TOP : TOP + HIGH, LEFT : LEFT + WIDE] = 255
    block = exif(orientation, size=(WIDTH, HEIGHT))
    for tag, value in options.items():
        block.get_ifd(0x8769)[{"area": 0x9214, "location": 0xA214}[tag]] = value
    more = {} if xmp is None else {"xmp": xmp.encode()}
    return encode(picture, "JPEG", exif=block, quality=98, subsampling=0, **more)


def box_of(pixels):
    """Left, top, width and height of what is white."""
    white = pixels[..., 0] > 128
    rows, columns = np.nonzero(white.any(axis=1))[0], np.nonzero(white.any(axis=0))[0]
    return columns[0], rows[0], len(columns), len(rows)


def values(xmp, *names):
    """The numbers that elements and attributes of these names hold, in order."""
    found = []
    for name in names:
        prefix, local = name.split(":")
        full = f"{{{SPACES[prefix]}}}{local}"
        for each in ElementTree.fromstring(xmp).iter():
            found += [float(each.attrib[full])] if full in each.attrib else []
            found += [float(each.text)] if each.tag == full and not len(each) else []
    return found


each_orientation = pytest.mark.parametrize("orientation", range(1, 9))


@each_orientation
@pytest.mark.parametrize("attributes", [True, False])
@pytest.mark.parametrize("unit", ["normalized", "pixel"])
def test_face_regions_of_the_metadata_working_group(orientation, attributes, unit):
    across, down = (1, 1) if unit == "pixel" else (WIDTH, HEIGHT)
    x, y = (LEFT + WIDE / 2) / across, (TOP + HIGH / 2) / down
    said = packet(mwg(x, y, WIDE / across, HIGH / down, unit=unit, attributes=attributes))
    photo = read_photo(jpeg(orientation, said))
    left, top, wide, high = box_of(photo.pixels)
    height, width = photo.pixels.shape[:2]
    across, down = (1, 1) if unit == "pixel" else (width, height)
    wanted = (left + wide / 2) / across, (top + high / 2) / down, wide / across, high / down
    found = values(photo.header.xmp, *(f"stArea:{each}" for each in "xywh"))
    assert found == pytest.approx(wanted, abs=1e-6)
    assert values(photo.header.xmp, "stDim:w", "stDim:h") == [width, height]
    assert photo.header.notes == ()


@each_orientation
def test_microsofts_regions(orientation):
    photo = read_photo(
        jpeg(orientation, packet(microsoft(LEFT / WIDTH, TOP / HEIGHT, WIDE / WIDTH, HIGH / HEIGHT)))
    )
    left, top, wide, high = box_of(photo.pixels)
    height, width = photo.pixels.shape[:2]
    (text,) = (
        each.text for each in ElementTree.fromstring(photo.header.xmp).iter(f"{{{SPACES['MPReg']}}}Rectangle")
    )
    found = [float(each) for each in text.split(",")]
    assert found == pytest.approx((left / width, top / height, wide / width, high / height), abs=1e-6)


@each_orientation
@pytest.mark.parametrize("unit", ["relative", "pixel"])
def test_iptc_rectangles(orientation, unit):
    across, down = (1, 1) if unit == "pixel" else (WIDTH, HEIGHT)
    given = iptc(
        rbShape="rectangle",
        rbUnit=unit,
        rbX=LEFT / across,
        rbY=TOP / down,
        rbW=WIDE / across,
        rbH=HIGH / down,
    )
    photo = read_photo(jpeg(orientation, packet(given)))
    left, top, wide, high = box_of(photo.pixels)
    height, width = photo.pixels.shape[:2]
    across, down = (1, 1) if unit == "pixel" else (width, height)
    found = values(photo.header.xmp, *(f"Iptc4xmpExt:rb{each}" for each in "XYWH"))
    assert found == pytest.approx((left / across, top / down, wide / across, high / down), abs=1e-6)


@each_orientation
def test_iptc_circles_and_polygons(orientation):
    x, y = (LEFT + WIDE / 2) / WIDTH, (TOP + HIGH / 2) / HEIGHT
    circle = iptc(rbShape="circle", rbUnit="relative", rbX=x, rbY=y, rbRx=HIGH / 2 / WIDTH)
    photo = read_photo(jpeg(orientation, packet(circle)))
    left, top, wide, high = box_of(photo.pixels)
    height, width = photo.pixels.shape[:2]
    found = values(photo.header.xmp, "Iptc4xmpExt:rbX", "Iptc4xmpExt:rbY", "Iptc4xmpExt:rbRx")
    wanted = (left + wide / 2) / width, (top + high / 2) / height, min(wide, high) / 2 / width
    assert found == pytest.approx(wanted, abs=1e-6)
    corners = [(LEFT / WIDTH, TOP / HEIGHT), ((LEFT + WIDE) / WIDTH, (TOP + HIGH) / HEIGHT)]
    photo = read_photo(
        jpeg(orientation, packet(iptc(rbShape="polygon", rbUnit="relative", vertices=corners)))
    )
    xs, ys = values(photo.header.xmp, "Iptc4xmpExt:rbX"), values(photo.header.xmp, "Iptc4xmpExt:rbY")
    assert sorted(xs) == pytest.approx([left / width, (left + wide) / width], abs=1e-6)
    assert sorted(ys) == pytest.approx([top / height, (top + high) / height], abs=1e-6)


@each_orientation
def test_the_subjects_area_and_place(orientation):
    x, y = LEFT + WIDE // 2, TOP + HIGH // 2
    said = packet(
        f"<exif:SubjectArea><rdf:Seq><rdf:li>{x}</rdf:li><rdf:li>{y}</rdf:li><rdf:li>{WIDE}</rdf:li>"
        f"<rdf:li>{HIGH}</rdf:li></rdf:Seq></exif:SubjectArea>"
    )
    photo = read_photo(jpeg(orientation, said, area=(x, y, WIDE, HIGH), location=(x, y)))
    left, top, wide, high = box_of(photo.pixels)
    wanted = (left + wide // 2, top + high // 2, wide, high)
    inner = Image.open(io.BytesIO(write_photo(photo, None))).getexif().get_ifd(0x8769)
    assert inner[0x9214] == wanted
    assert inner[0xA214] == wanted[:2]
    assert values(photo.header.xmp, "rdf:li") == list(wanted)


@each_orientation
def test_regions_turn_as_the_decoder_turns_an_avif(orientation):
    """HEIF turns the picture by properties of its own."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[TOP : TOP + HIGH, LEFT : LEFT + WIDE] = 255
    said = packet(mwg((LEFT + WIDE / 2) / WIDTH, (TOP + HIGH / 2) / HEIGHT, WIDE / WIDTH, HIGH / HEIGHT))
    photo = read_photo(encode(picture, "AVIF", exif=exif(orientation), xmp=said.encode(), quality=95))
    left, top, wide, high = box_of(photo.pixels)
    height, width = photo.pixels.shape[:2]
    wanted = (left + wide / 2) / width, (top + high / 2) / height, wide / width, high / height
    assert values(photo.header.xmp, *(f"stArea:{each}" for each in "xywh")) == pytest.approx(wanted, abs=1e-6)


def test_a_circle_around_the_subject_keeps_its_diameter():
    photo = read_photo(jpeg(6, area=(20, 30, 10)))
    inner = Image.open(io.BytesIO(write_photo(photo, None))).getexif().get_ifd(0x8769)
    assert inner[0x9214] == (HEIGHT - 30, 20, 10)


def test_the_subjects_area_follows_the_size_that_is_written():
    """A photo that was made smaller may still have the area of the large one."""
    block = exif(6, size=(2 * WIDTH, 2 * HEIGHT))
    block.get_ifd(0x8769)[0x9214] = (40, 20, 8, 4)
    cleaned = clean_exif(block.tobytes().removeprefix(b"Exif\0\0"), HEIGHT, WIDTH, Turn(6, WIDTH, HEIGHT))
    found = tags.read_tags(cleaned)[tags.EXIF][0x9214].data
    assert struct.unpack("<4H", found) == (HEIGHT - 10, 20, 2, 4)


def test_regions_that_are_upright_already_stay():
    """Some programs write regions of the photo as it is shown, and its size as it is shown."""
    said = packet(mwg(0.25, 0.75, 0.1, 0.2, size=(HEIGHT, WIDTH)))
    assert read_photo(jpeg(6, said)).header.xmp == said.encode()


def test_sizes_and_resolutions_are_exchanged():
    said = packet(
        "<exif:PixelXDimension>64</exif:PixelXDimension>", 'exif:PixelYDimension="48" tiff:ImageWidth="7"'
    )
    block = exif(8)
    block[282], block[283] = 300.0, 150.0
    data = encode(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "JPEG", exif=block, xmp=said.encode())
    photo = read_photo(data)
    assert values(photo.header.xmp, "exif:PixelXDimension", "exif:PixelYDimension", "tiff:ImageWidth") == [
        48,
        64,
        7,
    ]
    found = Image.open(io.BytesIO(write_photo(photo, None))).getexif()
    assert (found[282], found[283]) == (150, 300)


FIXED = {
    "crop": ('crs:HasCrop="True" crs:CropTop="0.1"', "", "Camera Raw"),
    "brush": ("", "<crs:PaintBasedCorrections><rdf:Seq/></crs:PaintBasedCorrections>", "Camera Raw"),
    "perspective": ('crs:PerspectiveVertical="-20"', "", "Camera Raw"),
    "lens": ('Camera:PrincipalPoint="3.2,2.4"', "", "lens"),
    "panorama": ('GPano:CroppedAreaLeftPixels="5"', "", "panorama"),
    "angles": ("", "<apple-fi:Regions apple-fi:AngleInfoRoll='270'/>", "angles"),
}


@pytest.mark.parametrize(("attributes", "inside", "word"), FIXED.values(), ids=FIXED)
def test_what_cannot_be_turned_goes_and_it_is_said(attributes, inside, word):
    said = packet(inside + "<dc:title>stays</dc:title>", 'crs:Exposure2012="1" ' + attributes)
    turned, upright = read_photo(jpeg(3, said)), read_photo(jpeg(1, said))
    kept = {
        each.split("}")[1]
        for part in ElementTree.fromstring(turned.header.xmp).iter()
        for each in part.attrib
    }
    assert kept == {"about", "Exposure2012"}
    assert b"<dc:title>stays</dc:title>" in turned.header.xmp
    assert not set(
        re.findall(r"crs:Crop|Corrections|Perspective|Cropped|Angle|Principal", turned.header.xmp.decode())
    )
    assert word in turned.header.notes[0]
    assert upright.header.xmp == said.encode()
    assert upright.header.notes == ()


def test_guides_and_map_coordinates_go_with_a_turn():
    guides = b"8BIM" + struct.pack(">HHI", 0x0408, 0, 4) + b"abcd"
    assert resources.clean_resources(guides) == guides
    assert resources.clean_resources(guides, Turn(6, 4, 3)) == b""
    data = containers.add_to_jpeg(jpeg(6), photoshop=guides)
    assert "guides" in read_photo(data).header.notes[0]
    first = {
        0x0112: tags.Value(3, 1, b"\x06\0"),
        33550: tags.Value(12, 3, bytes(24)),
        65000: tags.Value(2, 2, b"a\0"),
    }
    photo = read_photo(
        containers.add_to_jpeg(encode(np.zeros((4, 6, 3), np.uint8), "JPEG"), exif=tags.exif_block(first))
    )
    assert set(tags.read_tags(photo.header.exif)) == {65000}
    assert "map" in photo.header.notes[0]


@pytest.mark.parametrize(
    "inside",
    [
        mwg(0.25, 1 / 3, 0.25, 1 / 6),
        mwg(0.25, 1 / 3, 0.25, 1 / 6, attributes=False),
        microsoft(0.125, 0.25, 0.25, 1 / 6),
        iptc(rbShape="rectangle", rbUnit="relative", rbX=0.125, rbY=0.25, rbW=0.25, rbH=1 / 6),
        iptc(rbShape="circle", rbUnit="relative", rbX=0.25, rbY=1 / 3, rbRx=0.0625),
        iptc(rbShape="polygon", rbUnit="pixel", vertices=[(8, 12), (24, 12), (24, 20)]),
    ],
)
def test_regions_that_were_filled_go(inside, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(1, packet(inside, 'tiff:Make="stays"'), area=(16, 16, 16, 8), location=(16, 16)))
    for rows, columns, stays in ((slice(10, 22), slice(6, 26), False), (slice(10, 14), slice(4, 12), True)):
        hole = np.zeros((HEIGHT, WIDTH), np.uint8)
        hole[rows, columns] = 255
        out = tmp_path / "out.jpg"
        result = retouch.fill(path, hole, output=out, overwrite=True, model="telea")
        xmp = read_photo(out).header.xmp
        items = list(ElementTree.fromstring(xmp).iter(f"{{{SPACES['rdf']}}}li"))
        assert bool(items) == stays
        assert b'tiff:Make="stays"' in xmp
        assert any("region" in note for note in result.notes) != stays
        inner = Image.open(out).getexif().get_ifd(0x8769)
        assert (0x9214 in inner) == stays
        assert (0xA214 in inner) == stays
        assert inner[0x9003] == "2020:01:01 00:00:00"
        assert inner[0x927C].startswith(b"Maker")
