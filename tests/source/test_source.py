# SPDX-License-Identifier: MIT
"""Rules about the source that no compiler checks. They read the files as text and need no server."""

import collections
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("src", "include") for path in (ROOT / folder).rglob("*.[ch]"))

#: What a library's headers are called, and the layer that alone may include them.
LIBRARIES = {"microhttpd.h": {"http"}, "libpq-fe.h": {"db"}, "hiredis/": {"cache"}, "curl/": {"partners", "core"},
             "jwt.h": {"auth", "partners"}, "uv.h": None}


def layers():
    """{layer: the layers that it may include}, from the calls of layer() in CMakeLists.txt."""
    found = {}
    for name, below in re.findall(r"^layer\((\w+)(?: BELOW ((?:reeyo_\w+ ?)+))?", (ROOT / "CMakeLists.txt").read_text(), re.M):
        direct = [word.removeprefix("reeyo_") for word in below.split()]
        found[name] = {name}.union(*(found[layer] for layer in direct)) if direct else {name}
    found["cli"] = set(found) | {"cli"}
    return found


LAYERS = layers()


def layer_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[2]


def functions(path):
    """Names and line numbers of the functions that a C file defines, static ones too."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"(?:[A-Za-z_][\w\t *]*?[ *])([a-z_]\w*)\(", line)
        if not match or line[0] in " \t#":
            continue
        end = number
        while end < len(lines) - 1 and "{" not in lines[end] and ";" not in lines[end]:
            end += 1
        if lines[end] == "{":
            yield match[1], number + 1


def test_a_layer_includes_only_itself_and_layers_below_it():
    upward = [f"{path.relative_to(ROOT)}: {layer}" for path in SOURCES if layer_of(path) in LAYERS
              for layer in re.findall(r'#include "reeyo/(\w+)/', path.read_text())
              if layer not in LAYERS[layer_of(path)]]
    assert not upward


@pytest.mark.parametrize("header", sorted(name for name, allowed in LIBRARIES.items() if allowed))
def test_a_library_is_included_only_by_its_layer(header):
    users = {layer_of(path) for path in SOURCES if f"#include <{header}" in path.read_text()}
    assert users <= LIBRARIES[header]


def test_no_two_functions_share_a_name():
    """So that a profile, a backtrace and a search are unambiguous. src/embed is a program of its own."""
    where = collections.defaultdict(list)
    for path in SOURCES:
        if layer_of(path) != "embed" and path.suffix == ".c":
            for name, line in functions(path):
                where[name].append(f"{path.relative_to(ROOT)}:{line}")
    assert len(where) > 2000, "the functions are not found any more"
    assert not {name: places for name, places in where.items() if len(places) > 1}


def test_statements_name_their_parameters():
    numbered = [path.name for path in (ROOT / "sql/queries").glob("*.sql")
                if re.search(r"^[^-]*\$\d", path.read_text(), re.M)]
    assert not numbered


def test_files_stay_below_500_lines():
    assert not [f"{path.relative_to(ROOT)}" for path in SOURCES if len(path.read_text().splitlines()) > 500]


def test_functions_fit_on_a_screen():
    """Half of them have at most 10 lines, 95 of 100 at most 25."""
    lengths = []
    for path in SOURCES:
        start = None
        for number, line in enumerate(path.read_text().splitlines()):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                lengths.append(number - start - 1)
                start = None
    lengths.sort()
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[len(lengths) * 95 // 100] <= 25
