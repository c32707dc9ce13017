// SPDX-License-Identifier: MIT
//
// Tokens (the server's claims, key and algorithm) and log-ins (the server's statements).
'use strict';

const argon2 = require('@node-rs/argon2');
const { createSigner, createVerifier } = require('fast-jwt');
const { settings } = require('./settings');
const { query } = require('./stores');
const { idNew } = require('./ids');
const { Refused } = require('./pricing');

const ACCESS_S = 7 * 86400;
const REFRESH_S = 30 * 86400;
const claims = { iss: 'reeyo-platform', aud: 'reeyo-api' };

const access = createSigner({ key: settings.secret, algorithm: 'HS256', kid: '1', expiresIn: ACCESS_S * 1000, ...claims });
const refresh = createSigner({ key: settings.secret, algorithm: 'HS256', kid: '1', expiresIn: REFRESH_S * 1000, ...claims });
const verify = createVerifier({
  key: settings.secret,
  algorithms: ['HS256'],
  allowedIss: claims.iss,
  allowedAud: claims.aud,
  cache: 20000,
});

function customer(request) {
  const header = request.headers.authorization;
  if (!header || !header.startsWith('Bearer '))
    throw new Refused(401, 'AUTH_1000', 'No token');
  let token;
  try {
    token = verify(header.slice(7));
  } catch {
    throw new Refused(401, 'AUTH_1001', 'Invalid token');
  }
  if (token.type !== 'access' || token.role !== 'USER')
    throw new Refused(403, 'AUTH_1005', 'Not for this role');
  return token.sub;
}

async function logIn(phone, password) {
  const [account] = await query('user_credentials', { phone });
  const hash = account && account[1];
  if (!account || !(await argon2.verify(hash, password)))
    throw new Refused(401, 'AUTH_2000', 'Wrong phone or password');
  if (account[2] !== 'ACTIVE')
    throw new Refused(403, 'USER_3005', 'The account is not active');
  const sid = idNew('ses_');
  const jti = idNew('ref_');
  const [stored] = await query('user_log_in', {
    account_id: account[0], old_hash: hash, session_id: sid, jti, refresh_life_s: String(REFRESH_S),
  });
  if (!stored)
    throw new Refused(401, 'AUTH_2000', 'Wrong phone or password');
  const identity = { sub: account[0], userId: account[0], role: 'USER', userType: 'USER', sid };
  const token = access({ ...identity, type: 'access', jti: idNew('acc_') });
  const refreshToken = refresh({ ...identity, type: 'refresh', jti });
  return `{"success":true,"data":{"user":${stored[0]},"token":"${token}","accessToken":"${token}",` +
    `"refreshToken":"${refreshToken}","expiresIn":${ACCESS_S}}}`;
}

module.exports = { customer, logIn };
