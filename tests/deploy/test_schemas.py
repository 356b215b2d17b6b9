# SPDX-License-Identifier: Apache-2.0
"""The schemas are well formed, and say the same as the product's tables."""
import json

import jsonschema
import pytest

import tables

FOLDER = tables.ROOT / "deploy/schemas"
FILES = sorted(FOLDER.glob("*.json"))
DOCUMENT = json.loads((FOLDER / "asyncapi.json").read_text())
KEYWORDS_2020_ONLY = {"dependentRequired", "dependentSchemas", "prefixItems", "unevaluatedProperties", "unevaluatedItems", "minContains",
                      "maxContains", "$dynamicRef", "$anchor"}


def walk(value, path=()):
    yield path, value
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from walk(part, (*path, key))


def resolve(reference, file):
    name, _, pointer = reference.partition("#")
    value = json.loads((FOLDER / name).read_text() if name else file.read_text())
    for key in pointer.split("/")[1:]:
        value = value[key]
    return value


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_reference_leads_somewhere(file):
    references = [value["$ref"] for _, value in walk(json.loads(file.read_text())) if isinstance(value, dict) and "$ref" in value]
    assert references or file.stem == "asyncapi"
    for reference in references:
        resolve(reference, file)


@pytest.mark.parametrize("file", [file for file in FILES if file.stem != "asyncapi"], ids=lambda file: file.stem)
def test_a_schema_is_one_in_both_dialects(file):
    schema = json.loads(file.read_text())
    for dialect in (jsonschema.Draft202012Validator, jsonschema.Draft7Validator):
        dialect.check_schema(schema)
    for path, value in walk(schema):
        assert not KEYWORDS_2020_ONLY & set(path), path
        # Draft-07 looks at nothing beside $ref.
        beside = set(value) - {"$ref", "description", "examples", "x-unusable", "x-field"} if isinstance(value, dict) and "$ref" in value else ()
        assert not beside, f"{path}: {beside} beside $ref"


def test_reasons_are_those_of_the_daemon():
    reasons = [row[1] for row in tables.rows("include/reasons.def", "REASON") if row[2] == "DEAD_LETTER"]
    schema = json.loads((FOLDER / "rider.dead_letter.v1.json").read_text())
    assert schema["properties"]["rw.error.reason"]["enum"] == reasons


def test_dropped_fields_are_those_of_the_daemon():
    fields = {row[1] for row in tables.rows("include/event_fields.def", "DROPPED_FIELD")}
    named = {value["x-field"] for file in FILES for _, value in walk(json.loads(file.read_text())) if isinstance(value, dict) and "x-field" in value}
    assert named == fields


def test_every_field_that_the_decoder_reads_is_in_a_schema():
    fields = {row[1] for row in tables.rows("pipelines/decode/fields.def", "FIELD")}
    named = {path[-1] for file in FILES for path, _ in walk(json.loads(file.read_text())) if len(path) > 1 and path[-2] == "properties"}
    assert not fields - named


def test_channels_are_the_daemon_s_topics():
    assert {name: channel["address"] for name, channel in DOCUMENT["channels"].items()} == tables.default_topics()
    for kind, name, config in tables.load_script("create-topics").TOPICS:
        binding = DOCUMENT["channels"][kind]["bindings"]["kafka"]["topicConfiguration"]
        for key in ("retention.ms", "max.message.bytes"):
            assert binding.get(key) == config.get(key), (name, key)


def test_every_event_has_a_message_and_every_channel_an_operation():
    messages = DOCUMENT["components"]["messages"]
    payloads = {file.stem for file in FILES} - {"common", "asyncapi"}
    assert {message["name"] for message in messages.values()} == payloads
    for message in messages.values():
        assert message["name"] in (message.get("payload") or message["headers"])["$ref"]
    directions = {operation["channel"]["$ref"].rpartition("/")[2]: operation["action"] for operation in DOCUMENT["operations"].values()}
    assert directions == {kind: "receive" if kind in ("reports", "deliveries") else "send" for kind in tables.default_topics()}
