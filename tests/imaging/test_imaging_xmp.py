"""XMP of any length, and without promises that the file does not keep."""

import hashlib
import io
import struct
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.imaging.samples import encode, smooth

from retouch.imaging import containers, read_photo, write_photo
from retouch.imaging.markup import change, parse, walk
from retouch.imaging.xmp import clean_xmp
from retouch.imaging.xmp_packets import LIMIT, NAME, join_xmp, split_xmp

EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
SPACES = (
    'xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
    'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
    'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" '
    'xmlns:GImage="http://ns.google.com/photos/1.0/image/" '
    'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
    'xmlns:Device="http://ns.google.com/photos/dd/1.0/device/" '
    'xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"'
)


def packet(inside="", attributes="", spaces=SPACES):
    return (
        f'<x:xmpmeta {spaces}><rdf:RDF><rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def properties(xmp):
    """All properties of a packet: the name of each, and its text."""
    found = {}
    for description in ElementTree.fromstring(xmp)[0]:
        found |= {name: text for name, text in description.attrib.items() if "rdf-syntax" not in name}
        found |= {each.tag: "".join(each.itertext()) for each in description}
    return {name.split("}")[1]: text for name, text in found.items()}


def jpeg(*segments):
    return (
        containers.add_to_jpeg(encode(smooth(8, 8), "JPEG"))[:2]
        + b"".join(containers.jpeg_segment(0xE1, each) for each in segments)
        + encode(smooth(8, 8), "JPEG")[2:]
    )


def extended(first, extension, digest=None, part=65458):
    """The segments of a long packet, made by the letter of the specification."""
    digest = digest or hashlib.md5(extension).hexdigest().upper()
    first = first.replace(b"DIGEST", digest.encode())
    parts = range(0, len(extension), part)
    head = EXTENSION + digest.encode() + struct.pack(">I", len(extension))
    return [NAME + first, *(head + struct.pack(">I", at) + extension[at : at + part] for at in parts)]


HISTORY = "; ".join(f"stroke {number} & more" for number in range(12_000)).replace("&", "&amp;")
FIRST = packet("<dc:title>Dawn</dc:title>", 'xmpNote:HasExtendedXMP="DIGEST"')
OTHER_PREFIXES = (
    '<a:xmpmeta xmlns:a="adobe:ns:meta/"><R:RDF xmlns:R="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:p="http://ns.adobe.com/photoshop/1.0/"><R:Description R:about="" p:City="Ulm">'
    f"<p:History>{HISTORY}</p:History></R:Description></R:RDF></a:xmpmeta>"
).encode()


@pytest.mark.parametrize("order", [1, -1])
def test_extended_xmp_is_joined(order):
    first, *parts = extended(FIRST, OTHER_PREFIXES)
    assert len(parts) == 5
    photo = read_photo(jpeg(first, *parts[::order]))
    wanted = {"title": "Dawn", "City": "Ulm", "History": HISTORY.replace("&amp;", "&")}
    assert properties(photo.header.xmp) == wanted
    assert b"HasExtendedXMP" not in photo.header.xmp
    assert photo.header.notes == ()
    for format in ("jpeg", "png", "tiff", "webp"):
        after = write_photo(photo, None, format=format)
        assert properties(read_photo(after).header.xmp) == wanted
        with Image.open(io.BytesIO(after)) as image:
            image.verify()


def test_written_parts_follow_the_specification():
    data = write_photo(read_photo(jpeg(*extended(FIRST, OTHER_PREFIXES))), None)
    first, *parts = (each for each in containers.jpeg_contents(data, 0xE1) if b"ns.adobe.com/x" in each[:30])
    assert first.startswith(NAME)
    assert len(first) <= len(NAME) + LIMIT
    digest = properties(first[len(NAME) :])["HasExtendedXMP"].encode()
    assert all(each[35:67] == digest for each in parts)
    whole = b"".join(each[75:] for each in parts)
    assert hashlib.md5(whole).hexdigest().upper().encode() == digest
    assert [struct.unpack(">II", each[67:75]) for each in parts] == [
        (len(whole), at) for at in range(0, len(whole), 65458)
    ]
    assert set(properties(whole)) == {"History"}
    assert set(properties(first[len(NAME) :])) == {"title", "City", "HasExtendedXMP"}


@pytest.mark.parametrize("missing", [1, 3, 5])
def test_incomplete_extended_xmp_goes_and_it_is_said(missing):
    segments = extended(FIRST, OTHER_PREFIXES)
    photo = read_photo(jpeg(*segments[:missing], *segments[missing + 1 :]))
    assert properties(photo.header.xmp) == {"title": "Dawn"}
    assert "extended XMP that is incomplete" in photo.header.notes[0]


def test_parts_of_another_packet_are_not_joined():
    photo = read_photo(
        jpeg(*extended(FIRST, OTHER_PREFIXES), *extended(b"", packet("<dc:title>no</dc:title>"))[1:])
    )
    assert properties(photo.header.xmp)["title"] == "Dawn"


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 60_000), min_size=1, max_size=8),
    quoted=st.lists(st.booleans(), min_size=8, max_size=8),
    padding=st.integers(0, 80_000),
)
def test_any_packet_comes_back(lengths, quoted, padding):
    texts = {f"p{number}": f"{number}é&lt;\n" * (length // 8) for number, length in enumerate(lengths)}
    attributes = " ".join(
        f'dc:{name}="{text}"' for (name, text), yes in zip(texts.items(), quoted, strict=False) if yes
    )
    elements = "".join(
        f"<dc:{name}>{text}</dc:{name}>"
        for (name, text), yes in zip(texts.items(), quoted, strict=False)
        if not yes
    )
    given_ = b"<?xpacket begin=''?>" + packet(elements, attributes) + b" " * padding + b"<?xpacket end='w'?>"
    segments = split_xmp(given_)
    assert all(len(each) <= 65533 for each in segments)
    joined, complete = join_xmp(segments)
    assert complete
    assert properties(joined) == properties(given_)


PROMISES = {
    "motion photo": (
        'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" '
        'GCamera:MotionPhotoPresentationTimestampUs="5"',
        "",
        "a motion video",
    ),
    "micro video": ('GCamera:MicroVideo="1" GCamera:MicroVideoOffset="4000"', "", "a motion video"),
    "as elements": ("", "<GCamera:MicroVideoOffset>4000</GCamera:MicroVideoOffset>", "a motion video"),
    "depth": ('GDepth:Format="RangeInverse" GDepth:Data="abc"', "", "a depth map"),
    "dynamic depth": ("", "<Device:Container><rdf:Seq/></Device:Container>", "a depth map"),
    "picture": ('GImage:Mime="image/jpeg" GImage:Data="abc"', "", "a picture in XMP"),
    "Apple's gain map": ('HDRGainMap:HDRGainMapVersion="65536"', "", "a gain map"),
    "sealed notes": (
        'GCamera:hdrp_makernote="SERSUAJ" GCamera:shot_log_data="abc"',
        "",
        "sealed notes of the camera",
    ),
    "items": (
        'hdrgm:Version="1.0"',
        '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource">'
        '<Container:Item Item:Semantic="Primary"/></rdf:li><rdf:li rdf:parseType="Resource">'
        '<Container:Item Item:Semantic="Original" Item:Length="9"/></rdf:li>'
        "</rdf:Seq></Container:Directory>",
        "the picture before it was edited",
    ),
}


@pytest.mark.parametrize(("attributes", "inside", "word"), PROMISES.values(), ids=PROMISES)
@pytest.mark.parametrize("target", ["jpeg", "png", "tiff", "webp"])
def test_what_is_not_there_is_not_promised(attributes, inside, word, target):
    said = packet(inside + "<dc:title>stays</dc:title>", 'GCamera:BurstID="7" ' + attributes)
    photo = read_photo(jpeg(NAME + said))
    assert properties(read_photo(write_photo(photo, None, format=target)).header.xmp) == {
        "title": "stays",
        "BurstID": "7",
    }
    assert photo.header.notes == (f"Not carried over: {word}.",)


def test_a_packet_without_promises_stays_byte_for_byte():
    said = b"<?xpacket begin='\xef\xbb\xbf'?>\n<!-- a comment -->" + packet(
        "<dc:title><![CDATA[a < b]]></dc:title>", "dc:source='a&#xA;b \"c\"'"
    )
    assert clean_xmp(said).packet == said


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_encodings_become_utf_8(encoding):
    said = packet("<dc:title>Zürich</dc:title>").decode()
    cleaned = clean_xmp(said.encode(encoding) + bytes(8)).packet
    assert properties(cleaned) == {"title": "Zürich"}


ATTACKS = {
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><x>&b;<hdrgm:a/></x>',
    "files": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><GDepth:x>&a;</GDepth:x>',
    "depth": b"<GCamera>" * 100_000,
    "cut off": packet("<GDepth:Data>abc</GDepth:Data>")[:-30],
    "no text": b"\xff\xfe\0\xd8GDepth",
}


@pytest.mark.parametrize("said", ATTACKS.values(), ids=ATTACKS)
def test_a_packet_that_cannot_be_read_goes_if_it_could_promise_something(said):
    assert clean_xmp(said).packet is None
    photo = read_photo(jpeg(NAME + said[:60_000]))
    assert photo.header.xmp is None
    assert "XMP that cannot be read" in photo.header.notes[0]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_packet_raises_nothing(data):
    said = bytearray(packet(PROMISES["items"][1], PROMISES["depth"][0]))
    for at in data.draw(st.lists(st.integers(0, len(said) - 1), max_size=4)):
        said[at] = data.draw(st.integers(0, 255))
    cleaned = clean_xmp(bytes(said[: data.draw(st.integers(0, len(said)))])).packet
    if cleaned is not None and cleaned:
        join_xmp(split_xmp(cleaned))


def test_places_of_parts_are_right():
    said = b"""<?xml version="1.0"?><a:b xmlns:a='u' c = "d>" ><e/><f g='&quot;/>'>text</f ></a:b>"""
    root = parse(said)
    spans = {part.name.local: said[part.start : part.end] for part in walk(root)}
    assert spans["e"] == b"<e/>"
    assert spans["f"] == b"<f g='&quot;/>'>text</f >"
    assert spans["c"] == b' c = "d>"'
    inner = {part.name.local: said[part.inner : part.inner_end] for part in walk(root)}
    assert (inner["g"], inner["f"], inner["e"]) == (b"&quot;/>", b"text", b"")
    assert root.name.space == "u"
    assert change(b"abcdef", [(1, 3, b"X"), (2, 3, b"Y"), (5, 5, b"Z")]) == b"aXdeZf"


def test_thumbnails_and_page_images_go():
    picture = "/9j/" + "QUJD" * 40
    thumbnails = (
        '<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:width>9</xmpGImg:width>'
        f"<xmpGImg:image>{picture}</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>"
    )
    pages = (
        '<xmp:PageInfo><rdf:Seq><rdf:li rdf:parseType="Resource"><xmp:PageNumber>1</xmp:PageNumber>'
        "<xmpGImg:image>short</xmpGImg:image></rdf:li></rdf:Seq></xmp:PageInfo>"
    )
    cleaned = clean_xmp(packet(thumbnails + pages)).packet
    assert properties(cleaned) == {"PageInfo": "1"}
    for start in ("/9j/", "iVBORw0KGgo", "R0lGODdh", "UklGR", "SUkqA", "TU0AK", "AAAAHGZ0eX"):
        assert properties(clean_xmp(packet(attributes=f'dc:x="{start}{"QUJD" * 40}"')).packet) == {"x": ""}
