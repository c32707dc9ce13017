// SPDX-License-Identifier: MIT
//
// The server's cached bodies: "R1 <tag> <length> <gzipped length>\n", the body, the same gzipped.
'use strict';

const { redis, query } = require('./stores');

const LIFE_S = { user: 3600, vendor: 300, menu: 600 };
const NEWLINE = 10;

function bodyOf(value) {
  if (!value || value[0] !== 0x52 /* R: a value, not a lease */)
    return null;
  const end = value.indexOf(NEWLINE);
  const length = Number(value.toString('latin1', 3, end).split(' ')[1]);
  return value.subarray(end + 1, end + 1 + length);
}

// The finished body of `kind:id`, from Redis or else by `statement`; null when it does not exist.
async function cachedBody(kind, id, statement) {
  const key = `${kind}:${id}`;
  const held = bodyOf(await redis.getBuffer(key).catch(() => null));
  if (held)
    return held;
  const rows = await query(statement, { [`${kind === 'menu' ? 'vendor' : kind}_id`]: id });
  if (!rows.length || rows[0][0] === null)
    return null;
  const body = Buffer.from(`{"success":true,"data":${rows[0][0]}}`);
  const head = Buffer.from(`R1 0000000000000000 ${body.length} 0\n`);
  redis.set(key, Buffer.concat([head, body]), 'EX', LIFE_S[kind], 'NX').catch(() => {});
  return body;
}

module.exports = { cachedBody };
