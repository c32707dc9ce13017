// SPDX-License-Identifier: MIT
//
// The price of a basket (contract §2.2), from the vendor's menu and never from the client.
'use strict';

const EARTH_KM = 6371;
const FREE_FROM = 10000;
const FEE_BASE = 1000;
const FEE_PER_KM = 200;
const MINIMUM = { FOOD: 2000, MART: 5000 };
const MAXIMUM = 500000;

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.statusCode = status;
    this.code = code;
  }
}

function distanceKm(a, b) {
  const radians = Math.PI / 180;
  const dLat = (b.lat - a.lat) * radians;
  const dLng = (b.lng - a.lng) * radians;
  const h = Math.sin(dLat / 2) ** 2 +
    Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * Math.sin(dLng / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.sqrt(h));
}

function lineOf(menu, wanted) {
  const item = menu.get(wanted.itemId);
  if (!item)
    throw new Refused(404, 'INVENTORY_6000', 'Item not found');
  if (!item.available)
    throw new Refused(400, 'INVENTORY_6002', `${item.name} is not available`);
  if (item.stock !== null && item.stock !== undefined && item.stock < wanted.quantity)
    throw new Refused(400, 'INVENTORY_6001', `Not enough of ${item.name}`);
  return {
    itemId: item.itemId,
    name: item.name,
    quantity: wanted.quantity,
    price: item.price,
    notes: wanted.notes || null,
    image: (item.images && item.images[0]) || null,
  };
}

// shop: {vendor, menu: Map of items}; to: {lat, lng}.
function quote(shop, wanted, to) {
  const { vendor, menu } = shop;
  if (!vendor.isOnline)
    throw new Refused(400, 'ORDER_4000', 'The vendor is offline');
  const lines = wanted.map((line) => lineOf(menu, line));
  const subtotal = lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  if (subtotal < Math.max(MINIMUM[vendor.serviceType] || 0, vendor.minOrderAmount || 0))
    throw new Refused(400, 'ORDER_4001', 'The order is below the minimum');
  if (subtotal > MAXIMUM)
    throw new Refused(400, 'VALIDATION_ERROR', 'The order is above the maximum');
  const distance = distanceKm(vendor.location.coordinates, to);
  const deliveryFee = subtotal >= FREE_FROM ? 0 : FEE_BASE + Math.ceil(distance) * FEE_PER_KM;
  return { lines, subtotal, distance, deliveryFee, total: subtotal + deliveryFee };
}

module.exports = { quote, Refused };
