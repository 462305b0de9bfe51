"""Say in a photo's XMP that it was edited: in its history, and as the kind of its digital source.

Source: IPTC, Digital Source Type NewsCodes (https://cv.iptc.org/newscodes/digitalsourcetype/), and Photo
Metadata Standard, "Digital Source Type"; XMP specification, part 2, sections 2.3 and 3.2 (``xmpMM:History``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from xml.sax.saxutils import quoteattr

from retouch.imaging.markup import RDF, Edit, Element, Name, Part, change, descriptions, members, parse
from retouch.imaging.photo import Photo
from retouch.imaging.xmp_packets import with_description

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
HUMAN_EDITS = SOURCE_TYPES + "humanEdits"
"""Edited by people with tools that generate nothing: filled from the photo itself, or smoothly."""
COMPOSITE = SOURCE_TYPES + "composite"
"""Put together from several pictures: filled from other photos."""
WITH_TRAINED = SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
"""Edited with a generative model, IPTC's example of which is inpainting: filled by a trained network."""

_MEDIA, _EVENT = "http://ns.adobe.com/xap/1.0/mm/", "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_HISTORY, _TYPE = Name(_MEDIA, "History"), Name(_EXTENSION, "DigitalSourceType")
_RESOURCE = Name(RDF, "resource")
# What says that a generative model took part at least as much as in one hole.
_GENERATED = {
    "trainedAlgorithmicMedia",
    "compositeSynthetic",
    "compositeWithTrainedAlgorithmicMedia",
    "trainedAlgorithmicData",
}
# What says that a photo was taken or scanned and, at most, edited by people. Whatever else is there says more
# than that people edited it, or something else, and stays.
_TAKEN = {
    "digitalCapture",
    "computationalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    "minorHumanEdits",
    "humanEdits",
}
_UNREADABLE = "The XMP cannot be read, so it does not say that the photo was edited."


@dataclass(frozen=True)
class Edited:
    """What is said of an edit.

    Attributes:
        trained: whether a trained network took part in it.
        agent: the program, such as "retouch 0.1.0".
        how: what was done, in a few words.
        when: the time, as ISO 8601 has it; None to leave it out, so that the same input gives the same file.
        elsewhere: whether anything came from other pictures.
    """

    trained: bool
    agent: str
    how: str
    when: str | None = None
    elsewhere: bool = False

    @property
    def source_type(self) -> str:
        """The kind of digital source that the edit alone makes."""
        if self.trained:
            return WITH_TRAINED
        return COMPOSITE if self.elsewhere else HUMAN_EDITS


def mark_edited(photo: Photo, edited: Edited) -> Photo:
    """Say in a photo's XMP that it was edited; everything else in the packet stays byte for byte.

    A packet that cannot be read stays as it is, and a note says so.
    """
    packet = photo.header.xmp
    try:
        marked = _marked(packet, edited)
    except ValueError:
        marked = None
    header = photo.header
    if marked is None:
        return replace(photo, header=replace(header, notes=(*header.notes, _UNREADABLE)))
    return replace(photo, header=replace(header, xmp=marked))


def raised(existing: str, edited: Edited) -> str:
    """The kind of digital source after an edit. What is there is never lowered.

    Args:
        existing: the kind before, as a URI; empty if nothing is said.
        edited: the edit.
    """
    kind = existing.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    if kind in _GENERATED:
        return existing
    if edited.trained or not kind or kind in _TAKEN:
        return edited.source_type
    return existing


def _marked(packet: bytes | None, edited: Edited) -> bytes | None:
    """The packet with the edit in it; None if there is no place for it."""
    about = '""'
    edits: list[Edit] = []
    event, kind = _event(edited), raised("", edited)
    history = typed = False
    if packet is not None:
        bodies = descriptions(parse(packet))
        for part in (each for body in bodies for each in members(body)):
            if part.name == _HISTORY and isinstance(part, Element) and part.children:
                edits.append(_appended(part.children[0], event))
                history = True
            elif part.name == _TYPE:
                edits += _retyped(part, edited)
                typed = True
        names = (each for body in bodies for each in body.attributes if each.name == Name(RDF, "about"))
        about = next((quoteattr(each.value) for each in names), about)
        packet = change(packet, edits)
    added = ""
    if not history:
        added += f'<xmpMM:History xmlns:xmpMM="{_MEDIA}"><rdf:Seq>{event}</rdf:Seq></xmpMM:History>'
    if not typed:
        added += _source_type(kind)
    if not added:
        return packet
    head = f'<rdf:Description rdf:about={about} xmlns:rdf="{RDF}">'
    return with_description(packet, f"{head}{added}</rdf:Description>".encode())


def _event(edited: Edited) -> str:
    """An item of the history."""
    said = {"action": "edited", "softwareAgent": edited.agent, "parameters": edited.how, "changed": "/"}
    if edited.when is not None:
        said["when"] = edited.when
    told = " ".join(f"stEvt:{name}={quoteattr(value)}" for name, value in said.items())
    return f'<rdf:li xmlns:rdf="{RDF}" xmlns:stEvt="{_EVENT}" {told}/>'


def _source_type(kind: str) -> str:
    tag = "Iptc4xmpExt:DigitalSourceType"
    return f'<{tag} xmlns:Iptc4xmpExt="{_EXTENSION}">{kind}</{tag}>'


def _appended(array: Element, event: str) -> Edit:
    """The change that adds an item to the end of an array, which may be an empty element."""
    if array.end > array.inner:
        return array.inner_end, array.inner_end, event.encode()
    return array.start, array.end, f'<rdf:Seq xmlns:rdf="{RDF}">{event}</rdf:Seq>'.encode()


def _retyped(part: Part, edited: Edited) -> list[Edit]:
    """The change of a kind that is there: in an attribute, in the text of an element, or as its resource."""
    place: Part = part
    if isinstance(part, Element):
        place = next((each for each in part.attributes if each.name == _RESOURCE), part)
    kind = raised(place.value.strip(), edited)
    if kind == place.value.strip():
        return []
    if isinstance(place, Element) and place.end == place.inner:  # an empty element
        return [(place.start, place.end, _source_type(kind).encode())]
    return [(place.inner, place.inner_end, kind.encode())]
