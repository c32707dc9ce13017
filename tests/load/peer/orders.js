// SPDX-License-Identifier: MIT
//
// Placing a FOOD or MART order: priced here from the cached menu, written by the server's own
// statement. A parsed menu is kept for one second; the statement refuses a changed price.
'use strict';

const { cachedBody } = require('./cached');
const { idNew, orderNumber } = require('./ids');
const { quote, Refused } = require('./pricing');
const { query } = require('./stores');

const SHOP_MS = 1000;
const COMMISSION_BPS = { FOOD: '1500', MART: '1000' };
const shops = new Map();

const STATUS = {
  WALLET_SHORT: [400, 'WALLET_4000'],
  PRICE_CHANGED: [409, 'PRICE_CHANGED'],
  VENDOR_OFFLINE: [400, 'ORDER_4000'],
  PHONE_UNVERIFIED: [403, 'USER_3003'],
};

async function data(kind, id, statement) {
  const body = await cachedBody(kind, id, statement);
  return body && JSON.parse(body).data;
}

async function shopLoad(vendorId) {
  const [vendor, menu] = await Promise.all([
    data('vendor', vendorId, 'vendor_get'),
    data('menu', vendorId, 'menu_get'),
  ]);
  if (!vendor || !menu)
    throw new Refused(404, 'VENDOR_3000', 'Vendor not found');
  return { vendor, menu: new Map(menu.items.map((item) => [item.itemId, item])) };
}

// One load per vendor at a time, shared by the requests that wait for it.
function shopGet(vendorId) {
  const kept = shops.get(vendorId);
  const now = Date.now();
  if (kept && kept.until > now)
    return kept.shop;
  const shop = shopLoad(vendorId);
  shops.set(vendorId, { shop, until: now + SHOP_MS });
  shop.catch(() => shops.delete(vendorId));
  return shop;
}

// The address object, its text and its coordinates, as PostgreSQL returns them.
async function defaultAddress(user) {
  const [row] = await query('order_address', { user_id: user });
  if (!row)
    throw new Refused(400, 'VALIDATION_ERROR', 'deliveryAddress is required');
  const [json, text, lat, lng] = row;
  return { json, text, lat, lng, point: { lat: Number(lat), lng: Number(lng) } };
}

// Half up, as the server rounds.
function share(amount, bps) {
  return Math.floor((amount * bps + 5000) / 10000);
}

// The values of order_insert.
function values(user, body, shop, address, priced) {
  const { vendor } = shop;
  const { lines } = priced;
  const bps = COMMISSION_BPS[vendor.serviceType];
  const commission = share(priced.subtotal, Number(bps));
  return {
    id: idNew('ord_'), number: orderNumber(vendor.serviceType[0] === 'M' ? 'S' : 'F'), type: vendor.serviceType,
    user_id: user, vendor_id: vendor.vendorId, lines: JSON.stringify(lines),
    item_ids: lines.map((line) => line.itemId), quantities: lines.map((line) => line.quantity),
    prices: lines.map((line) => line.price), choices: lines.map(() => null),
    subtotal: String(priced.subtotal), delivery_fee: String(priced.deliveryFee), service_fee: '0', discount: '0',
    total: String(priced.total), waived_fee: '0', commission_bps: bps, rider_cut_bps: '0',
    commission: String(commission), vendor_share: String(priced.subtotal - commission),
    rider_earnings: String(priced.deliveryFee), distance_km: String(priced.distance), method: body.paymentMethod,
    delivery_json: address.json, delivery_text: address.text, delivery_lat: address.lat, delivery_lng: address.lng,
    minutes: String(vendor.averagePreparationTime + 15), entry: idNew('txn_'),
  };
}

async function placeOrder(user, body) {
  const [shop, address] = await Promise.all([shopGet(body.vendorId), defaultAddress(user)]);
  const priced = quote(shop, body.items, address.point);
  const [row] = await query('order_insert', values(user, body, shop, address, priced));
  if (row[0] === 'PLACED')
    return row[1];
  if (row[0] === 'PRICE_CHANGED')
    shops.delete(body.vendorId);
  const [status, code] = STATUS[row[0]] || [400, 'ORDER_REFUSED'];
  throw new Refused(status, code, row[0]);
}

module.exports = { placeOrder };
