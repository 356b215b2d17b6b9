# SPDX-License-Identifier: Apache-2.0
"""The product's own tables (.def, the topics of create-topics), read as data, to compare what deploy/ says with them."""
import importlib.machinery
import importlib.util
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"]+)\s*(?:,|$)')


def rows(path, macro):
    """The rows MACRO(a, b, "c, d") of a .def file, as lists of texts."""
    text = (ROOT / path).read_text()
    found = [[part.strip('"') for part in PART.findall(row)] for row in re.findall(rf"^{macro}\((.*)\)$", text, re.M)]
    assert found, f"{path} has no {macro} rows"
    return found


def default_topics():
    """{kind: default name}"""
    return {row[1]: row[3] for row in rows("daemon/common/config_keys.def", "CONFIG_KEY") if row[0] == "topics"}


def load_script(name):
    """A Python script of scripts/ as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module
