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

// Rows as arrays of texts: JSON that PostgreSQL built is passed through unparsed.
async function query(name, values) {
  const result = await pool.query({ name, text: statements[name], values, rowMode: 'array', types: asText });
  return result.rows;
}

module.exports = { pool, redis, query };
