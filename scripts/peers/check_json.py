"""Says which texts are JSON that is valid against a JSON Schema, by Python's json and jsonschema.

usage: check_json.py FILE   reads a line [SCHEMA, "TEXT"] for each; prints of each "valid", or why it is not
"""

import json
import sys

import jsonschema


def verdict(schema, text):
    try:
        jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    except (ValueError, jsonschema.ValidationError) as problem:
        return f"{type(problem).__name__}: {problem}".splitlines()[0]
    return "valid"


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        print(verdict(*json.loads(line)))
