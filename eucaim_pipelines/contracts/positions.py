"""YAML read together with the line of every key, so that an error can say where it is.

What the keys mean is known to the modules that read the contracts, not here.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from eucaim_pipelines.errors import ContractError

Place = tuple[str | int, ...]
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) does not allow: no record, drawing or sheet can hold them."""
_UNWANTED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")


class Document:
    """One YAML file: its plain content and the line of each of its places.

    Keys stay text as written (`NO` is not a boolean, `1` is not a number), because local codes of
    hospitals look like that; of the scalars only `true` and `false` are booleans (YAML 1.2).

    Raises
    ------
    ContractError
        The file is missing, is not YAML, or names one key twice.
    """

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self._lines: dict[Place, int] = {(): 1}
        self._scalars = _Loader("")
        try:
            text = path.read_text(encoding="utf-8")
            node = yaml.compose(text, Loader=_Loader)
        except OSError:
            raise self.error("The file cannot be read.", "Check path and permissions.") from None
        except UnicodeDecodeError:
            raise self.error("The file is not UTF-8.", "Save it as UTF-8.") from None
        except yaml.MarkedYAMLError as problem:
            mark = problem.problem_mark
            raise ContractError(
                file=self.file,
                line=mark.line + 1 if mark else None,
                what="This is not valid YAML.",
                remedy="Check indentation, quotes and colons.",
            ) from None
        except yaml.YAMLError:
            raise self.error("This is not valid YAML.", "Remove characters that cannot be printed.") from None
        self.data: Any = self._plain(node, ()) if node is not None else {}

    def line(self, place: Sequence[str | int]) -> int:
        """Line of the place, or of the nearest place around it (1-based)."""
        parts = tuple(place)
        while parts not in self._lines:
            parts = parts[:-1]
        return self._lines[parts]

    def error(self, what: str, remedy: str, place: Sequence[str | int] = ()) -> ContractError:
        """An error at this place of the file, ready to be raised."""
        return ContractError(file=self.file, line=self.line(place), what=what, remedy=remedy)

    def _plain(self, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*place, number)) for number, item in enumerate(node.value)]
        value = self._scalars.construct_object(node, deep=True)
        self._printable(value, place)
        return value

    def _printable(self, value: object, place: Place) -> None:
        if isinstance(value, str) and UNPRINTABLE.search(value):
            raise self.error(
                "A text holds a character that cannot be printed.",
                "Remove it; it may be written as an escape such as \\u0001.",
                place,
            )

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            inner = (*place, str(key.value))
            self._lines[inner] = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value in content:
                raise self.error("A key is not plain text or occurs twice.", "Keep one of them.", inner)
            self._printable(key.value, inner)
            content[key.value] = self._plain(value, inner)
        return content


class _Loader(yaml.CSafeLoader):
    """SafeLoader without YAML 1.1's further booleans (`yes`, `no`, `on`, `off`) and without dates.

    In its form of C, because every command reads every contract.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - the attribute of PyYAML that decides this
        first: [pair for pair in pairs if pair[0] not in _UNWANTED]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])
