// A client on `ws` that does what the lines of its standard input say, and ends with it.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const { uri, folder, deflate, subprotocols } = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const unpack = (part) => part.text ?? Buffer.from(part.binary, "base64");

const ws = new WebSocket(uri, subprotocols, {
  perMessageDeflate: deflate ? { threshold: 0 } : false,
  ca: folder ? readFileSync(`${folder}/ca.pem`) : undefined,
});

ws.on("open", () => say({ open: { protocol: ws.protocol, extensions: ws.extensions } }));
ws.on("message", (data, isBinary) =>
  say({ message: isBinary ? { binary: data.toString("base64") } : { text: data.toString() } }),
);
ws.on("pong", (payload) => say({ pong: payload.toString("base64") }));
ws.on("close", (code, reason) => say({ closed: [code, reason.toString()] }));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { send, ping, close } = JSON.parse(line);
    send?.forEach((part, at) => ws.send(unpack(part), { fin: at === send.length - 1 }));
    if (ping !== undefined) ws.ping(Buffer.from(ping, "base64"));
    if (close) ws.close(...close);
  })
  .on("close", () => process.exit(0));
