"""ICC profiles: colour tags are kept, texts, date and identities of makers cleared (ICC.1 §7).

Nothing else of a profile is looked at; a profile that cannot be read is left out by the caller.
"""

from struct import error, pack, unpack_from

_COLOUR_TAGS = frozenset(
    {
        b"rXYZ",
        b"gXYZ",
        b"bXYZ",
        b"wtpt",
        b"bkpt",
        b"lumi",
        b"rTRC",
        b"gTRC",
        b"bTRC",
        b"kTRC",
        b"chad",
        b"gamt",
    }
    | {b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2"}
)
_COLOUR_TYPES = frozenset({b"XYZ ", b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"mBA ", b"sf32"})


def cleaned(profile: bytes) -> bytes | None:
    """The profile with its colour tags only and constant texts; None when it cannot be read."""
    try:
        size, count = unpack_from(">I", profile, 0)[0], unpack_from(">I", profile, 128)[0]
        if size > len(profile) or profile[36:40] != b"acsp" or count > 100:
            return None
        tags = []
        for index in range(count):
            name, offset, length = unpack_from(">4sII", profile, 132 + 12 * index)
            data = profile[offset : offset + length]
            if name in _COLOUR_TAGS and len(data) == length and data[:4] in _COLOUR_TYPES:
                tags.append((name, data))
    except error:
        return None
    description = b"colour profile\0"
    tags.append((b"desc", b"desc" + bytes(4) + pack(">I", len(description)) + description + bytes(78)))
    tags.append((b"cprt", b"text" + bytes(4) + b"no text\0"))
    return _assemble(profile, tags)


def _assemble(profile: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    table, body, start = pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in sorted(tags):
        body += bytes(-len(body) % 4)
        table += pack(">4sII", name, start + len(body), len(data))
        body += data
    date = pack(">6H", 2000, 1, 1, 0, 0, 0)
    kept_flags = (
        bytes(4) + profile[8:24] + date + b"acsp" + bytes(4) + profile[44:48] + bytes(16) + profile[64:80]
    )
    header = kept_flags + bytes(128 - 4 - len(kept_flags))
    total = len(header) + 4 + len(table) + len(body)
    return pack(">I", total + -total % 4) + header + table + body + bytes(-total % 4)
