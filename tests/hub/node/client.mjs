// A client of centrifuge-js on Node that does what the lines of its standard input say, and ends with it.
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { driver } from "./driver.mjs";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
let obey;

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const command = JSON.parse(line);
    if (command.do === "make") {
      // The two builds are two classes.
      const { Centrifuge } = await import(command.arguments.protobuf ? "centrifuge/build/protobuf" : "centrifuge");
      const headers = command.arguments.headers;
      class Socket extends WebSocket {
        constructor(url, protocols) {
          super(url, protocols, { headers });
        }
      }
      obey = driver(Centrifuge, say, { websocket: Socket });
    }
    await obey(command);
  })
  .on("close", () => process.exit(0));
