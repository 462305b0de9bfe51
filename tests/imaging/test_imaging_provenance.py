"""An edit is said in XMP: added to what is there, in every format, and never lowering what is said."""

import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from tests.imaging.samples import encode, smooth

from retouch.imaging import Edited, mark_edited, photo_from_array, read_photo, write_photo
from retouch.imaging.provenance import HUMAN_EDITS, SOURCE_TYPES, WITH_TRAINED, raised

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
MM, EVENT = "{http://ns.adobe.com/xap/1.0/mm/}", "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}"
TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
COPIED = Edited(False, "retouch 1", "filled 3 pixels with exemplar, seed 0")
TRAINED = Edited(True, "retouch 1", 'filled 3 pixels with "a network" & more', "2026-11-28T20:00:00Z")
PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:1" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
    'xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" '
    'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"{}><dc:creator>somebody</dc:creator>{}'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
HISTORY = (
    '<xmpMM:History><rdf:Seq><rdf:li stEvt:action="saved" stEvt:softwareAgent="Lightroom"/></rdf:Seq>'
    "</xmpMM:History>"
)


def marked(packet, *edits):
    photo = photo_from_array(np.zeros((8, 8, 3), np.uint8))
    photo = read_photo(write_photo(photo, None, format="tiff"))
    photo = mark_in(photo, packet, *edits)
    return photo.header.xmp


def mark_in(photo, packet, *edits):
    from dataclasses import replace

    data = None if packet is None else packet.encode()
    photo = replace(photo, header=replace(photo.header, xmp=data))
    for each in edits:
        photo = mark_edited(photo, each)
    return photo


def events(packet):
    found = list(ET.fromstring(packet).iter(f"{MM}History"))
    assert len(found) == 1
    return [{k.removeprefix(EVENT): v for k, v in item.attrib.items()} for item in found[0].iter(f"{RDF}li")]


def source_type(packet):
    root = ET.fromstring(packet)
    inside = [each.text or each.get(f"{RDF}resource") for each in root.iter(TYPE)]
    (value,) = inside + [each.get(TYPE) for each in root.iter() if each.get(TYPE)]
    return value


def kinds(value):
    return {
        "nothing": PACKET.format("", ""),
        "attribute": PACKET.format(f' e:DigitalSourceType="{value}"', ""),
        "element": PACKET.format("", f"<e:DigitalSourceType> {value}\n</e:DigitalSourceType>"),
        "resource": PACKET.format("", f'<e:DigitalSourceType rdf:resource="{value}"/>'),
        "empty": PACKET.format("", "<e:DigitalSourceType/>"),
    }


def test_a_photo_without_xmp_gets_both():
    packet = marked(None, COPIED)
    assert source_type(packet) == HUMAN_EDITS
    assert events(packet) == [
        {"action": "edited", "softwareAgent": "retouch 1", "parameters": COPIED.how, "changed": "/"}
    ]


@pytest.mark.parametrize("kind", kinds(""))
@pytest.mark.parametrize("edit", [COPIED, TRAINED])
def test_what_is_there_stays(kind, edit):
    before = kinds(SOURCE_TYPES + "digitalCapture")[kind].replace("<dc:creator>", HISTORY + "<dc:creator>")
    packet = marked(before, edit, edit)
    assert source_type(packet).strip() == edit.source_type
    first, *rest = events(packet)
    assert first == {"action": "saved", "softwareAgent": "Lightroom"}
    assert [each["parameters"] for each in rest] == [edit.how] * 2
    assert [each.get("when") for each in rest] == [edit.when] * 2
    assert "<dc:creator>somebody</dc:creator>" in packet.decode()
    about = [each.get(f"{RDF}about") for each in ET.fromstring(packet).iter(f"{RDF}Description")]
    assert set(about) == {"uuid:1"}


@pytest.mark.parametrize("empty", ["<rdf:Seq/>", "<rdf:Seq></rdf:Seq>"])
def test_an_empty_history(empty):
    packet = marked(PACKET.format("", f"<xmpMM:History>{empty}</xmpMM:History>"), COPIED)
    assert len(events(packet)) == 1


@pytest.mark.parametrize(
    ("before", "copied", "trained"),
    [
        ("", "humanEdits", "compositeWithTrainedAlgorithmicMedia"),
        ("digitalCapture", "humanEdits", "compositeWithTrainedAlgorithmicMedia"),
        ("negativeFilm", "humanEdits", "compositeWithTrainedAlgorithmicMedia"),
        ("minorHumanEdits", "humanEdits", "compositeWithTrainedAlgorithmicMedia"),
        ("algorithmicallyEnhanced", "algorithmicallyEnhanced", "compositeWithTrainedAlgorithmicMedia"),
        ("digitalCreation", "digitalCreation", "compositeWithTrainedAlgorithmicMedia"),
        ("compositeCapture", "compositeCapture", "compositeWithTrainedAlgorithmicMedia"),
        ("compositeSynthetic", "compositeSynthetic", "compositeSynthetic"),
        ("trainedAlgorithmicMedia", "trainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
        ("compositeWithTrainedAlgorithmicMedia", *["compositeWithTrainedAlgorithmicMedia"] * 2),
    ],
)
def test_what_is_said_is_never_lowered(before, copied, trained):
    uri = SOURCE_TYPES + before if before else ""
    assert raised(uri, COPIED) == SOURCE_TYPES + copied
    assert raised(uri, TRAINED) == SOURCE_TYPES + trained


def test_several_pictures_make_a_composite():
    composed = Edited(False, "retouch 1", "", elsewhere=True)
    assert raised(HUMAN_EDITS, composed) == raised("", composed) == SOURCE_TYPES + "composite"
    assert raised(SOURCE_TYPES + "composite", COPIED) == SOURCE_TYPES + "composite"
    assert raised(WITH_TRAINED, composed) == WITH_TRAINED


@pytest.mark.parametrize(
    "written", ["https://cv.iptc.org/newscodes/digitalsourcetype/{}", "digsrctype:{}", "{}"]
)
def test_other_ways_to_write_it_are_understood(written):
    stays = written.format("trainedAlgorithmicMedia")
    assert raised(stays, COPIED) == raised(stays, TRAINED) == stays
    assert raised(written.format("digitalCapture"), COPIED) == HUMAN_EDITS


def test_a_packet_that_cannot_be_read_stays_and_it_is_said():
    from dataclasses import replace

    photo = photo_from_array(np.zeros((8, 8, 3), np.uint8))
    photo = replace(photo, header=replace(photo.header, xmp=b"<x:xmpmeta"))
    after = mark_edited(photo, COPIED)
    assert after.header.xmp == b"<x:xmpmeta"
    assert "cannot be read" in after.header.notes[0]


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "avif", "heic"])
@pytest.mark.parametrize("long", [False, True])
def test_every_format_keeps_it(format, long):
    if format == "heic":
        pytest.importorskip("pillow_heif")
    photo = read_photo(encode(smooth(32, 32), "PNG"))
    # Beyond 65,502 bytes a JPEG splits its packet.
    packet = PACKET.format("", f"<dc:description>{'long ' * 20000}</dc:description>" if long else HISTORY)
    data = write_photo(mark_in(photo, packet, TRAINED), None, format=format)
    after = read_photo(data).header.xmp
    assert source_type(after) == WITH_TRAINED
    assert events(after)[-1]["parameters"] == TRAINED.how
    assert (b"long long" if long else b"Lightroom") in after


def test_exiftool_reads_it(tmp_path):
    file = tmp_path / "photo.jpg"
    photo = read_photo(encode(smooth(32, 32), "PNG"))
    file.write_bytes(write_photo(mark_in(photo, PACKET.format("", HISTORY), TRAINED), None, format="jpeg"))
    words = [
        "exiftool",
        "-s3",
        "-XMP-iptcExt:DigitalSourceType",
        "-XMP-xmpMM:HistorySoftwareAgent",
        str(file),
    ]
    try:
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    except FileNotFoundError:
        pytest.skip("exiftool is not installed")
    assert said == [WITH_TRAINED, "Lightroom, retouch 1"]
