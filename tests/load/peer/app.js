// SPDX-License-Identifier: MIT
//
// The routes. Fastify compiles the schemas that check bodies. Replies are finished JSON from Redis or
// PostgreSQL, passed through without serialising them again.
'use strict';

const fastify = require('fastify');
const { cachedBody } = require('./cached');
const { customer, logIn } = require('./identity');
const { placeOrder } = require('./orders');
const { Refused } = require('./pricing');
const { pool, query, redis } = require('./stores');

const JSON_TYPE = 'application/json; charset=utf-8';

const app = fastify({ logger: false, keepAliveTimeout: 75000 });

const loginBody = {
  type: 'object',
  required: ['phone', 'password'],
  properties: { phone: { type: 'string', maxLength: 20 }, password: { type: 'string', maxLength: 200 } },
};

const orderBody = {
  type: 'object',
  required: ['vendorId', 'items'],
  properties: {
    vendorId: { type: 'string', maxLength: 64 },
    paymentMethod: { type: 'string', enum: ['WALLET', 'CASH'], default: 'WALLET' },
    items: {
      type: 'array',
      minItems: 1,
      maxItems: 50,
      items: {
        type: 'object',
        required: ['itemId', 'quantity'],
        properties: {
          itemId: { type: 'string', maxLength: 64 },
          quantity: { type: 'integer', minimum: 1, maximum: 99 },
          notes: { type: 'string', maxLength: 200 },
        },
      },
    },
  },
};

app.setErrorHandler((error, request, reply) => {
  const status = error.statusCode || 500;
  const code = error instanceof Refused ? error.code : status === 400 ? 'VALIDATION_ERROR' : 'INTERNAL_ERROR';
  if (status === 500)
    console.error(error);
  reply.code(status).send({
    success: false,
    error: { code, message: error.message },
    timestamp: new Date().toISOString(),
    path: request.url,
    requestId: request.id,
  });
});

app.get('/readyz', async () => {
  await Promise.all([pool.query('SELECT 1'), redis.ping()]);
  return { ready: true };
});

app.get('/api/v1/vendors/:id/menu', async (request, reply) => {
  const body = await cachedBody('menu', request.params.id, 'menu_get');
  if (!body)
    throw new Refused(404, 'VENDOR_3000', 'Vendor not found');
  return reply.type(JSON_TYPE).send(body);
});

app.get('/api/v1/orders/:id', async (request, reply) => {
  const user = customer(request);
  const [row] = await query('order_get', { order_id: request.params.id });
  if (!row)
    throw new Refused(404, 'ORDER_3000', 'Order not found');
  if (row[0] !== user)
    throw new Refused(403, 'ORDER_4002', 'Not your order');
  return reply.type(JSON_TYPE).send(`{"success":true,"data":${row[1]}}`);
});

app.post('/api/v1/orders', { schema: { body: orderBody } }, async (request, reply) => {
  const json = await placeOrder(customer(request), request.body);
  return reply.code(201).type(JSON_TYPE).send(`{"success":true,"data":${json}}`);
});

app.post('/api/v1/auth/login', { schema: { body: loginBody } }, async (request, reply) =>
  reply.type(JSON_TYPE).send(await logIn(request.body.phone, request.body.password)));

module.exports = app;
