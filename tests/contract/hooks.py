# SPDX-License-Identifier: MIT
"""Hooks of schemathesis for this API; contract.py names this file in SCHEMATHESIS_HOOKS."""

import json
import os
import zlib

import schemathesis

# {part of a path before a parameter: ids that exist}, so that not every request ends in 404.
KNOWN = json.loads(os.environ["REEYO_CONTRACT_IDS"])


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Two of three requests use ids that exist. The choice depends on the drawn value only, so that a run can be
    repeated."""
    if not path_parameters:
        return path_parameters
    parts = ctx.operation.path.split("/")
    for before, part in zip(parts, parts[1:]):
        name = part[1:-1] if part.startswith("{") else None
        if name in path_parameters and KNOWN.get(before):
            drawn = zlib.crc32(repr(path_parameters[name]).encode(errors="replace"))
            if drawn % 3:
                path_parameters[name] = KNOWN[before][drawn // 3 % len(KNOWN[before])]
    return path_parameters
