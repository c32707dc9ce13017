// SPDX-License-Identifier: MIT
//
// Prefixed ULIDs and order numbers, in the server's form.
'use strict';

const { randomBytes } = require('node:crypto');

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const READABLE = '23456789BCDFGHJKMNPQRSTVWXZ';
let pool = Buffer.alloc(0);
let used = 0;

// Random bytes in batches: one system call for hundreds of ids.
function random(count) {
  if (used + count > pool.length) {
    pool = randomBytes(8192);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

function idNew(prefix) {
  let time = '';
  for (let i = 0, ms = Date.now(); i < 10; i++, ms = Math.floor(ms / 32))
    time = CROCKFORD[ms % 32] + time;
  let tail = '';
  for (const byte of random(16))
    tail += CROCKFORD[byte & 31];
  return prefix + time + tail;
}

function orderNumber(letter) {
  let text = `${letter}-`;
  for (const byte of random(10))
    text += READABLE[byte % READABLE.length];
  return text;
}

module.exports = { idNew, orderNumber };
