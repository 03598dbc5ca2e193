// Socket.IO on Node: the same tasks as its Python counterpart.
'use strict';

const http = require('node:http');
const { Server } = require('socket.io');

const server = http.createServer();
const io = new Server(server, {
  transports: ['websocket'],
  serveClient: false,
  maxHttpBufferSize: 4 * 2 ** 20,
});

io.on('connection', (socket) => {
  socket.join('fan');
  socket.on('m', (data) => io.to('fan').emit('m', data));
  socket.on('echo', (data, answer) => answer(data));
});

server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`listening ${server.address().port}`);
});
