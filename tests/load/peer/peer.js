// SPDX-License-Identifier: MIT
//
// The peer that the server is compared with: the same four routes in an efficient Node service, on
// Fastify, in a cluster of workers that share a port.
'use strict';

const cluster = require('node:cluster');
const { settings } = require('./settings');

if (cluster.isPrimary) {
  for (let i = 0; i < settings.workers; i++)
    cluster.fork();
  const stop = () => {
    for (const worker of Object.values(cluster.workers))
      worker.process.kill('SIGTERM');
  };
  process.on('SIGTERM', stop);
  cluster.on('exit', () => process.exit(0));
} else {
  require('./app').listen({ port: settings.port, host: '127.0.0.1', backlog: 4096 });
  process.on('SIGTERM', () => process.exit(0));
}
