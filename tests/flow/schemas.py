# SPDX-License-Identifier: Apache-2.0
"""The schemas in deploy/schemas: validators for them, and events made from them, right and wrong."""
import copy
import json
from collections import namedtuple

import jsonschema

from world import ROOT

FOLDER = ROOT / "deploy/schemas"
EVENTS = ("rider.report.created.v1", "rider.report.reviewed.v1", "rider.delivery.completed.v1")
# A tool may know either dialect; the schemas mean the same in both.
DIALECTS = (jsonschema.Draft202012Validator, jsonschema.Draft7Validator)
WRONG = (7, 1.5, 1 << 63, True, "text", "", [], [7], {}, {"x": 1}, None)

Member = namedtuple("Member", "path schema")  # path: keys from the top of the value
Case = namedtuple("Case", "name value fate")  # fate: counted, dead, or the name of the field that is dropped


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def validators(name, pointer=""):
    """One for each dialect."""
    reference = {"$ref": f"{(FOLDER / f'{name}.json').as_uri()}{pointer and '#' + pointer}"}
    return [dialect(reference, resolver=jsonschema.RefResolver("", reference)) for dialect in DIALECTS]


def is_valid(checks, value):
    found = {check.is_valid(value) for check in checks}
    assert len(found) == 1, f"the dialects do not agree about {json.dumps(value, ensure_ascii=False)}"
    return found.pop()


def problems(check, value):
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in check.iter_errors(value)]


class Maker:
    """Makes values of one event type."""

    def __init__(self, name):
        self.name, self.files = name, {"": load(name), "common.json": load("common")}
        self.checks = validators(name)

    def resolve(self, schema, file=""):
        """(schema, the file it stands in), references followed; what stands beside a reference is kept."""
        while "$ref" in schema:
            target, _, pointer = schema["$ref"].partition("#/$defs/")
            file = target or file
            schema = {**self.files[file]["$defs"][pointer], **{key: schema[key] for key in schema if key != "$ref"}}
        return schema, file

    def make(self, random, schema, file="", full=False):
        """A value of that schema; full: with all members, none of them null."""
        schema, file = self.resolve(schema, file)
        if "const" in schema:
            return schema["const"]
        examples = schema.get("enum") or schema.get("examples")
        if examples:
            return random.choice([value for value in examples if value is not None] if full else examples)
        if "anyOf" in schema:
            return self.make(random, schema["anyOf"][0], file, full)
        kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
        if kind == "object":
            return {name: self.make(random, member, file, full) for name, member in schema["properties"].items()
                    if full or name in schema.get("required", ()) or random.random() < 0.6}
        if kind == "array":
            return [self.make(random, schema["items"], file, full) for _ in range(1 if full else random.randrange(4))]
        return random.random() < 0.5 if kind == "boolean" else {"number": 1.5, "integer": 7, "string": "文字 text"}[kind]

    def structured(self, random, number, full=False):
        """A right event in structured mode; number makes it unlike all others."""
        while True:
            value = self.make(random, {"$ref": "common.json#/$defs/structured"}, full=full)
            value.pop("data_base64", None)
            value.update(type=self.name, id=f"e-{number}", source=f"//tests/{number}",
                         data=self.make(random, {"$ref": "#/$defs/data"}, full=full))
            if is_valid(self.checks, value):
                return value

    def members(self, schema, path, file=""):
        """Every member below, objects and arrays gone into."""
        schema, file = self.resolve(schema, file)
        if path:
            yield Member(path, schema)
        for name, member in schema.get("properties", {}).items():
            yield from self.members(member, (*path, name), file)
        if "items" in schema:
            yield from self.members(schema["items"], (*path, 0), file)

    def all_members(self):
        yield from self.members({"$ref": "common.json#/$defs/structured"}, ())
        yield from self.members({"$ref": "#/$defs/type"}, ("type",))
        yield from self.members({"$ref": "#/$defs/data"}, ("data",))

    def spoiled(self, random, start):
        """Cases with one member changed or gone, in each way."""
        for member in self.all_members():
            for change in (*WRONG, "gone"):
                value = self.structured(random, start, full=True)
                value = without(value, member.path) if change == "gone" else replaced(value, member.path, change)
                fate = "counted" if is_valid(self.checks, value) else self.fate(member.schema)
                yield Case(f"{self.name} {'.'.join(map(str, member.path))} {change!r}", value, fate)
                start += 1

    @staticmethod
    def fate(schema):
        """What the schema says becomes of an event whose member does not match."""
        unusable = schema.get("x-unusable", "dead")
        return {"dropped": schema.get("x-field"), "ignored": "counted", "dead": "dead"}[unusable]


def place(value, path):
    for key in path[:-1]:
        value = value[key]
    return value, path[-1]


def replaced(value, path, change):
    value = copy.deepcopy(value)
    if path[0] == "data_base64":
        return {**value, "data_base64": change}
    parent, key = place(value, path)
    parent[key] = change
    return value


def without(value, path):
    value = copy.deepcopy(value)
    if path[0] != "data_base64":
        parent, key = place(value, path)
        del parent[key]
    return value


def closed(schema):
    """The schema with no members allowed but those that it names: finds what is not written down."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(part) for key, part in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        result["additionalProperties"] = False
    return result
