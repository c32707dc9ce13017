// SPDX-License-Identifier: MIT
//
// PostgreSQL through a pool with named prepared statements, Redis with automatic pipelining.
'use strict';

const { Pool } = require('pg');
const Redis = require('ioredis');
const { settings, statements } = require('./settings');

const asText = { getTypeParser: () => (value) => value };

const pool = new Pool({
  host: settings.socket,
  user: 'reeyo',
  database: settings.database,
  max: settings.pool,
  idleTimeoutMillis: 0,
});

const redis = new Redis({ path: settings.redis, enableAutoPipelining: true });

// values by name; those left out are NULL. Rows as arrays of texts: JSON that PostgreSQL built is passed
// through unparsed.
async function query(name, values) {
  const { text, names } = statements[name];
  const result = await pool.query({
    name, text, values: names.map((one) => values[one] ?? null), rowMode: 'array', types: asText,
  });
  return result.rows;
}

module.exports = { pool, redis, query };
