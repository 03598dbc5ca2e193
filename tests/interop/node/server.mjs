// An echo server on `ws`. Ends with its standard input. See ends.py for the texts that are commands.
import { readFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer as createSecure } from "node:https";
import { WebSocketServer } from "ws";

const { folder, deflate, subprotocols } = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const http = folder
  ? createSecure({ cert: readFileSync(`${folder}/cert.pem`), key: readFileSync(`${folder}/key.pem`) })
  : createPlain();

const server = new WebSocketServer({
  server: http,
  perMessageDeflate: deflate ? { threshold: 0 } : false,
  handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
});

server.on("connection", (ws) => {
  ws.on("message", (data, isBinary) => {
    if (isBinary) {
      ws.send(data);
      return;
    }
    const text = data.toString();
    const [command, ...rest] = text.split(" ");
    if (command === "close") {
      ws.close(Number(rest[0]), rest.slice(1).join(" "));
    } else if (command === "fragments") {
      ws.send("one, ", { fin: false });
      ws.send("two, ", { fin: false });
      ws.send("three", { fin: true });
    } else if (command === "ping") {
      ws.once("pong", (payload) => ws.send(`pong ${payload}`));
      ws.ping(rest.join(" "));
    } else {
      ws.send(text);
    }
  });
  ws.on("close", (code, reason) => say({ closed: [code, reason.toString()] }));
});

http.listen(0, "127.0.0.1", () => say({ port: http.address().port }));
process.stdin.on("end", () => process.exit(0)).resume();
