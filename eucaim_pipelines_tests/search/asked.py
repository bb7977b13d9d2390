"""The table of queries that are compared with brute force: both protocols, every type, every level."""

from eucaim_pipelines_tests.search.brute import Asked

SEX, AGE, DIAGNOSIS, YEAR = "SNOMEDCT263495000", "SNOMEDCT423493009", "SNOMEDCT439401001", "SNOMEDCT432213005"
MODALITY, BODY_PART, MANUFACTURER = "RID10311", "SNOMEDCT123037004", "C25392"
LONG = "EUCAIM_Hyper-Ontology_V1.0."
BREAST = {"CLIN1000060", "CLIN1000169"}


def one_of(key: str, value: object, what: str, codes: set[str], type_: str = "EQUALS") -> Asked:
    return Asked(key, type_, value, what, lambda each: each in codes)


def none_of(key: str, value: object, what: str, codes: set[str]) -> Asked:
    return Asked(key, "NOT_EQUALS", value, what, lambda each: each not in codes, all_values=True)


MALE = one_of(SEX, "SNOMEDCT248153007", "birth_sex", {"COM1001366"})
FEMALE = one_of(SEX, "EUCAIM:COM1001370", "birth_sex", {"COM1001370"})
CT = one_of(MODALITY, "RID10321", "modality", {"IMG1000042"})
MR = one_of(MODALITY, "IMG1000038", "modality", {"IMG1000038"})
SIEMENS = one_of(MANUFACTURER, "birnlex_3066", "manufacturer", {"IMG1000044"})
PHILIPS = one_of(MANUFACTURER, "birnlex_3065", "manufacturer", {"IMG1000046"})
BREAST_PART = one_of(BODY_PART, "SNOMEDCT76752008", "body_part", {"CLIN1063727", "BP1000136"})
PROSTATE_PART = one_of(BODY_PART, "BP1000021", "body_part", {"BP1000021"})
BREAST_CANCER = one_of(DIAGNOSIS, "SNOMEDCT254837009", "diagnosis", BREAST)
LUNG_CANCER = one_of(DIAGNOSIS, "EUCAIM:CLIN1000065", "diagnosis", {"CLIN1000065"})
OLD = Asked(AGE, "GREATER_THAN", 70, "age", lambda each: each > 70)
RECENT = Asked(YEAR, "BETWEEN", {"min": 2015, "max": 2020}, "year", lambda each: 2015 <= each <= 2020)
ER_POSITIVE = one_of(LONG + "CLIN1045815", LONG + "COM1001310", "er", {"COM1001310"})
NOT_CT = none_of(MODALITY, "RID10321", "modality", {"IMG1000042"})

SINGLE = [
    *(MALE, FEMALE, CT, MR, SIEMENS, PHILIPS, BREAST_PART, PROSTATE_PART, BREAST_CANCER, LUNG_CANCER),
    *(OLD, RECENT, ER_POSITIVE, NOT_CT),
    one_of(SEX, "SNOMEDCT74964007", "birth_sex", {"COM1001288"}),
    one_of(SEX, "unknown", "birth_sex", {"COM1002760"}),
    one_of(DIAGNOSIS, "CLIN1000060", "diagnosis", {"CLIN1000060"}),
    none_of(DIAGNOSIS, "SNOMEDCT254837009", "diagnosis", BREAST),
    none_of(SEX, "SNOMEDCT248153007", "birth_sex", {"COM1001366"}),
    none_of(MANUFACTURER, "Siemens", "manufacturer", {"IMG1000044"}),
    one_of(
        DIAGNOSIS, ["CLIN1000065", "SNOMEDCT399068003"], "diagnosis", {"CLIN1000065", "CLIN1000075"}, "IN"
    ),
    one_of(MODALITY, ["RID10312", "IMG1000026"], "modality", {"IMG1000038", "IMG1000042"}, "IN"),
    one_of(DIAGNOSIS, "BREAST", "diagnosis", BREAST, "CONTAINS"),
    one_of(
        DIAGNOSIS,
        "malignant neoplasm",
        "diagnosis",
        {"CLIN1000060", "CLIN1000075", "CLIN1000057"},
        "CONTAINS",
    ),
    one_of(MODALITY, "tomography", "modality", {"IMG1000042", "IMG1000062"}, "CONTAINS"),
    Asked(AGE, "LOWER_THAN", 45.5, "age", lambda each: each < 45.5),
    Asked(AGE, "BETWEEN", {"min": 90, "max": 120}, "age", lambda each: 90 <= each <= 120),
    Asked(AGE, "GREATER_THAN", 90, "age", lambda each: each > 90),
    Asked(AGE, "BETWEEN", {"min": 40, "max": 60}, "age", lambda each: 40 <= each <= 60),
    Asked(AGE, "BETWEEN", {"min": None, "max": 60}, "age", lambda each: each <= 60),
    Asked(AGE, "BETWEEN", {"min": "50"}, "age", lambda each: each >= 50),
    Asked(AGE, "EQUALS", 90, "age", lambda each: each == 90),
    Asked(AGE, "NOT_EQUALS", 90, "age", lambda each: each != 90, all_values=True),
    Asked(YEAR, "EQUALS", "2019", "year", lambda each: each == 2019),
    Asked(YEAR, "IN", [2010, 2011], "year", lambda each: each in (2010, 2011)),
    Asked(YEAR, "LOWER_THAN", 2010, "year", lambda each: each < 2010),
    Asked("CLIN1033410", "BETWEEN", {"min": 4, "max": 10}, "psa", lambda each: 4 <= each <= 10),
    Asked("EUCAIM:CLIN1045913", "GREATER_THAN", 20, "ki67", lambda each: each > 20),
    one_of("CLIN1046085", "Negative", "pr", {"COM1001332"}),
    one_of("CLIN1045851", ["COM1002257", "1+"], "her2", {"COM1002257", "COM1001877"}, "IN"),
    none_of("CLIN1045851", "COM1001879", "her2", {"COM1001879"}),
    one_of("CLIN1037294", LONG + "CLIN1026200", "gleason", {"CLIN1026200"}),
    one_of("CLIN1037300", "COM1001365", "isup", {"COM1001365"}),
    one_of("CLIN1033379", "COM1000351", "ct", {"COM1000351"}),
    one_of("CLIN1033379", "cT2", "ct", {"COM1000351", "COM1000370"}, "CONTAINS"),
    one_of("CLIN1033391", "COM1000741", "pt", {"COM1000741"}),
    one_of("IMG1005459", "IMG1005468", "birads", {"IMG1005468"}),
    one_of("IMG1005459", "IMG1005477", "pirads", {"IMG1005477"}),
    one_of("IMG1005457", "IMG1005484", "pirads", {"IMG1005476"}),
    none_of("IMG1005459", "IMG1005468", "birads", {"IMG1005468"}),
]

COMBINED: list[list[list[list[Asked]]]] = [
    [],
    [[[CT], [SIEMENS]]],
    [[[CT], [SIEMENS], [BREAST_PART]]],
    [[[NOT_CT], [PHILIPS]]],
    [[[CT], [MR]]],
    [[[CT, MR], [SIEMENS, PHILIPS]]],
    [[[CT], [SIEMENS]], [[MR], [PHILIPS]]],
    [[[MALE], [CT]], [[FEMALE], [MR]]],
    [[[MALE, CT]]],
    [[[MALE, CT], [FEMALE, SIEMENS]]],
    [[[OLD, MR], [RECENT]]],
    [[[FEMALE], [BREAST_CANCER], [ER_POSITIVE], [MR]]],
    [[[FEMALE], [BREAST_CANCER], [RECENT]], [[OLD], [LUNG_CANCER]]],
    [[[MALE], [FEMALE]]],
    [[[OLD], [RECENT], [PROSTATE_PART], [MR, CT]]],
    [[[MALE]], [[CT]], [[RECENT]]],
    [[[MALE], [MALE]], [[MALE]]],
]

BY_PARAMETERS: list[tuple[dict[str, str], list[Asked]]] = [
    ({}, []),
    ({"gender": "male"}, [MALE]),
    ({"gender": "female"}, [FEMALE]),
    ({"gender": "SNOMEDCT248152002"}, [FEMALE]),
    ({"diagnosis": "SNOMEDCT254837009 (breast cancer)"}, [BREAST_CANCER]),
    ({"diagnosis": "EUCAIM:CLIN1000065"}, [LUNG_CANCER]),
    ({"modality": "MR"}, [MR]),
    ({"modality": "CT"}, [CT]),
    ({"modality": "PET"}, [one_of(MODALITY, "", "modality", {"IMG1000062"})]),
    ({"modality": "SPECT"}, [one_of(MODALITY, "", "modality", {"IMG1000061"})]),
    ({"bodyPart": "breast"}, [BREAST_PART]),
    ({"bodyPart": "prostate"}, [PROSTATE_PART]),
    ({"bodyPart": "BP1000136"}, [BREAST_PART]),
    ({"manufacturer": "Siemens"}, [SIEMENS]),
    ({"manufacturer": "General Electric"}, [one_of(MANUFACTURER, "", "manufacturer", {"IMG1000047"})]),
    ({"modality": "MR", "manufacturer": "Philips"}, [MR, PHILIPS]),
    ({"gender": "male", "modality": "CT", "manufacturer": "Siemens"}, [MALE, CT, SIEMENS]),
    (
        {
            "gender": "female",
            "diagnosis": "SNOMEDCT254837009 (breast cancer)",
            "modality": "MR",
            "bodyPart": "breast",
            "manufacturer": "Philips",
        },
        [FEMALE, BREAST_CANCER, MR, BREAST_PART, PHILIPS],
    ),
]
