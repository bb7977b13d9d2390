"""Values in structured reports, three levels deep, and in codes: public, local and neither.

Other kinds of objects are planted in `plant_contents`.
"""

from collections.abc import Iterator

from eucaim_pipelines_tests.canaries import raw
from eucaim_pipelines_tests.canaries.plant_kinds import Plan, finished, planted_in_all_encodings, smallest
from eucaim_pipelines_tests.canaries.planting import Plant, Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Element, Item
from eucaim_pipelines_tests.canaries.tokens import Tokens

CT = "1.2.840.10008.5.1.4.1.1.2"
REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (22, 33, 34))
NODES = {
    "TEXT": ("TextValue",),
    "PNAME": ("PersonName",),
    "DATE": ("Date",),
    "TIME": ("Time",),
    "DATETIME": ("DateTime",),
    "UIDREF": ("UID",),
    "IMAGE": ("ReferencedSOPSequence.ReferencedSOPInstanceUID",),
    "NUM": ("MeasuredValueSequence.NumericValue", "MeasuredValueSequence.PatientComments"),
    "SCOORD3D": ("ReferencedFrameOfReferenceUID", "FiducialUID"),
    "TCOORD": ("ReferencedDateTime",),
    "CONTAINER": ("ObservationDateTime", "ObservationUID"),
}
"""Where a value stands in each type of content item."""
_CONCEPTS = (
    ("121071", "DCM", "{}"),
    ("112039", "DCM", "Tracking Identifier"),
    ("121029", "DCM", "Subject Name"),
    ("121031", "DCM", "Subject Birth Date"),
    ("T-{}", "99VALLE", "{}"),
)
CODES = (
    ("{}", "99VALLE", "{}"),
    ("{}", "DCM", "{}"),
    ("{}", "SCT", "{}"),
    ("10200004", "SCT", "{}"),
    ("{}", "LN", "{}"),
    ("{}", "", "{}"),
    ("113100", "{}", "{}"),
)
"""Value, scheme and meaning: a token in what is public, in what is local, and in what is neither."""


def objects(tokens: Tokens) -> Iterator[Planted]:
    """Every kind of report, and codes in an image, in every encoding."""
    reports: list[tuple[str, Plan]] = [(uid, _report) for uid in REPORTS]
    yield from planted_in_all_encodings([*reports, (CT, _codes), (CT, _public_codes)], tokens)


def coded(planter: Planter, code: tuple[str, str, str], place: tuple[int, ...], group: str) -> Item:
    """A code item with tokens where the code has gaps."""
    item: Item = {}
    for tag, vr, form in zip((0x00080100, 0x00080102, 0x00080104), ("SH", "SH", "LO"), code, strict=True):
        if "{}" in form:
            planter.as_text(item, tag, vr, place, group, form)
        elif form:
            item[tag] = raw.text(vr, form)
    return item


def _report(planter: Planter, item: Item, place: tuple[int, ...], depth: int = 3) -> None:
    """A tree of every type of node under every concept, three levels deep."""
    if depth == 3:
        for path in (
            *(
                "VerifyingObserverSequence.VerifyingObserverName",
                "VerifyingObserverSequence.VerifyingOrganization",
            ),
            *(
                "CurrentRequestedProcedureEvidenceSequence.StudyInstanceUID",
                "AuthorObserverSequence.PersonName",
            ),
            *("VerifyingObserverSequence.VerificationDateTime", "CompletionFlagDescription"),
            *("ContentTemplateSequence.TemplateIdentifier", "ContentTemplateSequence.MappingResource"),
            *("ParticipantSequence.ParticipationDateTime", "ParticipantSequence.PersonName"),
            "ReferencedRequestSequence.FillerOrderNumberImagingServiceRequest",
        ):
            planter.put_at(item, path, place, "report")
    inside, nodes = (*place, 0x0040A730), []
    for number, (kind, paths) in enumerate(NODES.items()):
        node: Item = {0x0040A040: raw.text("CS", kind), 0x0040A010: raw.text("CS", "CONTAINS")}
        concept = _CONCEPTS[(number + depth) % len(_CONCEPTS)]
        node[0x0040A043] = Element("SQ", [coded(planter, concept, (*inside, 0x0040A043), "report")])
        for path in paths:
            planter.put_at(node, path, inside, "report")
        planter.put(node, 0x00104000, "LT", inside, "report")
        nodes.append(node)
    nodes += [_code_node(planter, code, inside) for code in CODES]
    if depth > 1:
        _report(planter, nodes[-1], inside, depth - 1)
    item[0x0040A730] = Element("SQ", nodes)


def _code_node(planter: Planter, code: tuple[str, str, str], inside: tuple[int, ...]) -> Item:
    node: Item = {0x0040A040: raw.text("CS", "CODE"), 0x0040A010: raw.text("CS", "CONTAINS")}
    node[0x0040A168] = Element("SQ", [coded(planter, code, (*inside, 0x0040A168), "report")])
    return node


def _codes(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Codes in a sequence that stays, and what belongs to a code."""
    items = []
    for code in CODES:
        one = coded(planter, code, (0x00082218,), "code")
        for tag, vr in (
            *(
                (0x00080103, "SH"),
                (0x00080105, "CS"),
                (0x0008010F, "CS"),
                (0x00080117, "UI"),
                (0x0008010D, "UI"),
            ),
            *((0x00080106, "DT"), (0x00080107, "DT"), (0x00080118, "UI"), (0x00080122, "LO")),
        ):
            planter.put(one, tag, vr, (0x00082218,), "code")
        items.append(one)
    for tag, vr in ((0x00080119, "UC"), (0x00080120, "UR")):
        one = {0x00080102: raw.text("SH", "SCT"), 0x00080104: raw.text("LO", "Liver")}
        planter.put(one, tag, vr, (0x00082218,), "code")
        items.append(one)
    item[0x00082218] = Element("SQ", items)


def _public_codes(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Values that have the form of a public scheme's codes."""
    items, inside = [], (0x00082218,)
    numbers = (number for number in iter(planter.tokens.number, "") if number[-3:-1] not in ("00", "10"))
    for scheme, token in (
        *(("SCT", next(numbers)), ("PUBCHEM_CID", next(numbers))),  # no identifier of a SNOMED CT concept
        *(("UCUM", planter.tokens.text()), ("UCUM", planter.tokens.word()), ("BARI", planter.tokens.word())),
    ):
        one = coded(planter, (token, scheme, "{}"), inside, "code")
        sort = "number" if token.isdigit() else "text"
        form = "public code" if scheme == "PUBCHEM_CID" else "code"  # any number is one of its codes
        planter.plants.append(Plant(token, sort, inside, 0x00080100, "SH", form))
        items.append(one)
    item[0x00082218] = Element("SQ", items)


def old_person(tokens: Tokens) -> Planted:
    """A report on somebody above 90: in the header, three sequences deep, and in a measurement."""
    planter = Planter(tokens, raw.EXPLICIT)
    item = smallest(planter, REPORTS[1])
    node: Item = {0x0040A040: raw.text("CS", "NUM"), 0x0040A010: raw.text("CS", "CONTAINS")}
    node[0x0040A043] = Element("SQ", [coded(planter, ("121033", "DCM", "Subject Age"), (), "age")])
    unit = {0x00080100: raw.text("SH", "a"), 0x00080102: raw.text("SH", "UCUM")}
    measured: Item = {0x0040A30A: raw.text("DS", "97"), 0x004008EA: Element("SQ", [unit])}
    node[0x0040A300] = Element("SQ", [measured])
    item |= {0x0040A730: Element("SQ", [node]), 0x00101010: raw.text("AS", "093Y")}
    node[0x00101010] = raw.text("AS", "095Y")
    for token, place, tag in (
        *((b"093Y", (), 0x00101010), (b"095Y", (0x0040A730,), 0x00101010)),
        (b"97", (0x0040A730, 0x0040A300), 0x0040A30A),
    ):
        planter.plants.append(Plant(token, "age", place, tag, "AS", "age"))
    return finished(planter, item, "old person")
