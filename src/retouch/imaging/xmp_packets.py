"""Join and split the XMP of a JPEG, which holds at most 65,502 bytes in its first packet; say what is there.

Source: XMP specification, part 3, section 1.1.3.1, "Extended XMP in JPEG".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from retouch.imaging.markup import (
    RDF,
    Attribute,
    Edit,
    Element,
    Name,
    Part,
    change,
    descriptions,
    members,
    parse,
    to_utf8,
    walk,
)

NAME, EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
LIMIT = 65502  # bytes of the first packet
_PART = 65458  # bytes of each further part
_NOTE = Name("http://ns.adobe.com/xmp/note/", "HasExtendedXMP")
_HEAD = len(EXTENSION) + 40  # with a digest in 32 digits, the whole length and where the part begins


def join_xmp(contents: Sequence[bytes]) -> tuple[bytes | None, bool]:
    """Join the XMP of a JPEG.

    Args:
        contents: of all APP1 segments.

    Returns:
        The packet, and whether all of it was found.
    """
    packet = next((each[len(NAME) :] for each in contents if each.startswith(NAME)), None)
    if packet is None:
        return None, not any(each.startswith(EXTENSION) for each in contents)
    try:
        packet = to_utf8(packet)
        root = parse(packet)
    except ValueError:
        return packet, not any(each.startswith(EXTENSION) for each in contents)
    notes = [part for part in walk(root) if part.name == _NOTE]
    digest = notes[0].value.encode() if notes else b""
    alone = [each for each in descriptions(root) if [part.name for part in members(each)] == [_NOTE]]
    edits: list[Edit] = [(part.start, part.end, b"") for part in (*notes, *alone)]
    extension = _extension(contents, digest) if notes else b""
    if extension is None:
        return change(packet, edits), False
    try:
        found = _standing_alone(extension) if extension else b""
    except ValueError:
        return change(packet, edits), False
    at = _end_of_body(root)
    if at is None:
        return packet, not found
    return change(packet, [*edits, (at, at, found)]), True


def _extension(contents: Sequence[bytes], digest: bytes) -> bytes | None:
    """Put the parts with this digest together; None if some are missing."""
    whole = bytearray()
    parts = []
    for each in contents:
        if each.startswith(EXTENSION + digest) and len(each) > _HEAD:
            length, at = struct.unpack_from(">II", each, _HEAD - 8)
            parts.append((at, length, each[_HEAD:]))
    for at, length, part in sorted(parts):
        if at > len(whole) or at + len(part) > length:
            return None
        whole[at:] = part
    return bytes(whole) if parts and len(whole) == parts[0][1] else None


def _standing_alone(packet: bytes) -> bytes:
    """The descriptions of a packet, each with all the namespaces that it needs."""
    made = bytearray()
    for each in descriptions(parse(packet)):
        tag = packet[each.start : each.inner]
        name_end = each.start + len(tag.split()[0].rstrip(b"/>"))
        own = {name for name in each.scope if f"xmlns{':' * bool(name)}{name}=".encode() in tag}
        added = _declarations({name: space for name, space in each.scope.items() if name not in own})
        made += packet[each.start : name_end] + added + packet[name_end : each.end]
    return bytes(made)


def _declarations(scope: dict[str, str]) -> bytes:
    parts = (f" xmlns{':' * bool(name)}{name}={quoteattr(space)}" for name, space in scope.items())
    return "".join(parts).encode()


def _end_of_body(root: Element) -> int | None:
    """Where a further description can be put in."""
    bodies = [each for each in walk(root) if isinstance(each, Element) and each.name == Name(RDF, "RDF")]
    return bodies[0].inner_end if bodies and bodies[0].end > bodies[0].inner else None


def with_description(packet: bytes | None, description: bytes) -> bytes | None:
    """Add a description, which declares its own namespaces, to a packet; None if it cannot be done."""
    if packet is None:
        body = f'<rdf:RDF xmlns:rdf="{RDF}">'.encode() + description + b"</rdf:RDF>"
        return b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + body + b"</x:xmpmeta>"
    try:
        at = _end_of_body(parse(packet))
    except ValueError:
        return None
    return None if at is None else change(packet, [(at, at, description)])


def split_xmp(packet: bytes) -> list[bytes]:
    """Split a packet into the contents of APP1 segments: one, or more if it is long.

    The largest properties go into the extension, as few as possible.

    Raises:
        ValueError: the packet is long and cannot be split.
    """
    if len(packet) > LIMIT:
        packet = _without_padding(packet)
    if len(packet) <= LIMIT:
        return [NAME + packet]
    root = parse(packet)
    bodies = descriptions(root)
    found = [(part, body) for body in bodies for part in members(body)]
    found.sort(key=lambda each: each[0].start - each[0].end)
    excess = len(packet) + 200 - LIMIT  # 200: what points at the extension
    moved: list[tuple[Part, Element]] = []
    while excess > 0 and found:
        moved.append(found.pop(0))
        excess -= moved[-1][0].end - moved[-1][0].start
    if excess > 0:
        raise ValueError("a packet without long properties")
    extension = _extension_packet(packet, moved, _about(bodies[0]))
    digest = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()
    spaces = _declarations({"rdf": RDF, "xmpNote": _NOTE.space})
    pointer = (
        b"<rdf:Description%s%s" % (spaces, _about(bodies[0])) + b' xmpNote:HasExtendedXMP="%s"/>' % digest
    )
    rest = with_description(change(packet, [(part.start, part.end, b"") for part, _ in moved]), pointer)
    if rest is None or len(rest) > LIMIT:
        raise ValueError("a packet that cannot be split")
    head = EXTENSION + digest + struct.pack(">I", len(extension))
    parts = range(0, len(extension), _PART)
    return [NAME + rest, *(head + struct.pack(">I", at) + extension[at : at + _PART] for at in parts)]


def _without_padding(packet: bytes) -> bytes:
    """A packet without the blanks that leave room for changes in place."""
    body, mark, trailer = packet.rstrip().rpartition(b"<?xpacket end=")
    return body.rstrip() + mark + trailer if mark else packet.rstrip()


def _about(description: Element) -> bytes:
    about = (each.value for each in description.attributes if each.name == Name(RDF, "about"))
    return f" rdf:about={quoteattr(next(about, ''))}".encode()


def _extension_packet(packet: bytes, moved: list[tuple[Part, Element]], about: bytes) -> bytes:
    made = bytearray(b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="%s">' % RDF.encode())
    for part, description in moved:
        head = b"<rdf:Description" + about + _declarations(description.scope) + b">"
        made += head + _as_element(packet, part) + b"</rdf:Description>"
    return bytes(made) + b"</rdf:RDF></x:xmpmeta>"


def _as_element(packet: bytes, part: Part) -> bytes:
    if not isinstance(part, Attribute):
        return packet[part.start : part.end]
    name = packet[part.start : part.inner - 1].strip().rstrip(b"=").rstrip()
    # A line break in an attribute means a blank; in an element it would be a line break.
    value = packet[part.inner : part.inner_end].translate(bytes.maketrans(b"\n\r\t", b"   "))
    return b"<" + name + b">" + value + b"</" + name + b">"
