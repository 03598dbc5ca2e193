// Node's ws: the same task as the servers in Python, the same arguments.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { parseArgs } = require('node:util');
const { WebSocketServer } = require('ws');

const { values } = parseArgs({
  options: {
    fanout: { type: 'boolean' },
    text: { type: 'boolean' },
    deflate: { type: 'string', default: 'none' },
    chain: { type: 'string' },
    key: { type: 'string' },
  },
});

const server = values.chain
  ? https.createServer({ cert: fs.readFileSync(values.chain), key: fs.readFileSync(values.key) })
  : http.createServer();
const wss = new WebSocketServer({
  server,
  clientTracking: Boolean(values.fanout),
  maxPayload: 4 * 2 ** 20,
  // `threshold: 0`: the other peers compress every message of these works too.
  perMessageDeflate: values.deflate === 'none' ? false : { threshold: 0 },
});

wss.on('connection', (ws) => {
  ws.on('error', () => {});
  ws.on('message', (data, isBinary) => {
    const message = values.text ? data.toString() : data;
    if (!values.fanout) {
      ws.send(message, { binary: isBinary });
      return;
    }
    for (const receiver of wss.clients) receiver.send(message, { binary: isBinary });
  });
});

server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`listening ${server.address().port}`);
});
