// SPDX-License-Identifier: MIT
//
// Settings from the bench, and the named statements of sql/queries: the same text that the server
// prepares. Two statements belong to the peer alone: the server reads a default address together with
// the other data of an order, and it reads the columns of an order and renders the JSON itself.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const env = process.env;

const settings = {
  port: Number(env.PEER_PORT || 8090),
  workers: Number(env.PEER_WORKERS || 2),
  socket: env.PEER_SOCKET,
  database: env.PEER_DATABASE || 'bench',
  redis: env.PEER_REDIS,
  secret: env.PEER_SECRET,
  queries: env.PEER_QUERIES,
  memoryCost: Number(env.PEER_MEMORY_KB || 19456),
  timeCost: Number(env.PEER_PASSES || 2),
  pool: Number(env.PEER_POOL || 8),
};

// Strings, comments, casts and parameters of a statement; the last group of a parameter is its cast.
const TOKENS = /'(?:[^']|'')*'|--[^\n]*|::|:(\w+)\??(?:::(double precision|\w+)(\[\])?)?/g;

// {text, names}: the statement with $1, $2 … in place of :name, each with its type, and the names in
// that order.
function statementOf(source) {
  const names = [];
  const types = {};
  for (const [, name, type, array] of source.matchAll(TOKENS))
    if (name && type)
      types[name] = type + (array || '');
  const text = source.replace(TOKENS, (token, name) => {
    if (!name)
      return token;
    if (!names.includes(name))
      names.push(name);
    return `$${names.indexOf(name) + 1}${types[name] ? `::${types[name]}` : ''}`;
  });
  return { text, names };
}

// Blocks of "-- name: order_get", each followed by its statement.
function statementsRead(folder) {
  const statements = {};
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.sql'))) {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    for (const block of text.split(/^-- name: */m).slice(1)) {
      const end = block.indexOf('\n');
      statements[block.slice(0, end).trim()] = statementOf(block.slice(end + 1).trim());
    }
  }
  statements.order_address = statementOf('SELECT address_json(a), a.address, a.lat, a.lng FROM addresses a'
    + ' WHERE a.user_id = :user_id::text AND a.is_default');
  statements.order_get = statementOf('SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o'
    + ' WHERE o.id = :order_id::text');
  return statements;
}

module.exports = { settings, statements: statementsRead(settings.queries) };
