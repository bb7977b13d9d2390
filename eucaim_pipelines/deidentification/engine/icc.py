"""ICC profiles: written anew from their colour tags, without texts, date and names of makers (ICC.1:2022 §7).

How the value of one tag is read is said in `icc_tags`; what cannot be read is left out by the caller.
"""

from struct import error, pack, unpack_from

from eucaim_pipelines.deidentification.engine import icc_tags

_CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"spac"})
_SPACES = frozenset(
    {b"XYZ ", b"Lab ", b"Luv ", b"YCbr", b"Yxy ", b"RGB ", b"GRAY", b"HSV ", b"HLS ", b"CMYK", b"CMY "}
)
_CONNECTION_SPACES = frozenset({b"XYZ ", b"Lab "})
_ENOUGH = ({b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}, {b"kTRC"}, {b"A2B0"}, {b"A2B1"})
_DATE = pack(">6H", 2000, 1, 1, 0, 0, 0)
_ILLUMINANT = pack(">3i", 63190, 65536, 54061)
"""D50, the only illuminant of the connection space (§7.2.16), in 65536ths."""
_TAGS_LIMIT = 100


def cleaned(profile: bytes) -> bytes | None:
    """The profile with its colour tags only and constant texts; None when no colour could be read from it.

    Of the header stay version, class, colour spaces, embedding flags and rendering intent; the date becomes
    1 January 2000, and the profile's identifier 0. What a tag holds behind its value is left out, and so are
    tags whose value is not what their type says.
    """
    profile = bytes(profile)
    try:
        header, tags = _header(profile), _colour_tags(profile)
    except (error, ValueError):
        return None
    if not any(enough <= tags.keys() for enough in _ENOUGH):
        return None
    if profile[8] >= 4:
        tags[b"desc"], tags[b"cprt"] = (_translated(text) for text in ("colour profile", "no text"))
    else:
        description = b"colour profile\0"
        tags[b"desc"] = b"desc" + bytes(4) + pack(">I", len(description)) + description + bytes(78)
        tags[b"cprt"] = b"text" + bytes(4) + b"no text\0"
    return _assembled(header, tags)


def _header(profile: bytes) -> bytes:
    """The header behind the profile's size (§7.2); everything that is not listed in `cleaned` is 0."""
    size, intent = unpack_from(">I", profile)[0], unpack_from(">I", profile, 64)[0]
    device, space, connection = profile[12:16], profile[16:20], profile[20:24]
    if size > len(profile) or profile[36:40] != b"acsp" or profile[8] not in (2, 4) or intent > 3:
        raise ValueError
    if device not in _CLASSES or space not in _SPACES or connection not in _CONNECTION_SPACES:
        raise ValueError
    flags = pack(">I", profile[47] & 3)
    head = bytes(4) + profile[8:9] + bytes((profile[9] & 0xF0, 0, 0)) + profile[12:24] + _DATE + b"acsp"
    return head + bytes(4) + flags + bytes(16) + pack(">I", intent) + _ILLUMINANT + bytes(48)


def _colour_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = unpack_from(">I", profile, 128)
    if count > _TAGS_LIMIT:
        raise ValueError
    tags: dict[bytes, bytes] = {}
    for index in range(count):
        name, offset, length = unpack_from(">4sII", profile, 132 + 12 * index)
        if name not in tags and offset + length <= len(profile):
            value = icc_tags.rewritten(name, profile[offset : offset + length])
            if value is not None:
                tags[name] = value
    return tags


def _translated(text: str) -> bytes:
    """A multi-localised text with one English record, as version 4 asks for (§10.15)."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Header, tag table and values; equal values are written once, as profiles do for grey curves."""
    table, body, start = pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for name, data in sorted(tags.items()):
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += pack(">4sII", name, places[data], len(data))
    return pack(">I", start + len(body)) + header + table + body
