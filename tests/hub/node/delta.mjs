// Follows publications with deltas as the SDK does, and says what an application would have got.
//
// Arguments: json or protobuf. Input: a JSON array of streams, each an array of [data, is a delta]; data of protobuf is
// in base64. Output: a JSON array of the same shape: what was in the publications (protobuf: base64).

import { text } from "node:stream/consumers";

const binary = process.argv[2] === "protobuf";
const { Centrifuge } = await import(binary ? "centrifuge/build/protobuf" : "centrifuge");

const codec = new Centrifuge("ws://127.0.0.1:1/", { websocket: class {} })._codec;

const streams = JSON.parse(await text(process.stdin));
const received = streams.map((publications) => {
  let previous = null;
  return publications.map(([sent, delta]) => {
    const data = binary ? new Uint8Array(Buffer.from(sent, "base64")) : sent;
    const { newData, newPrevValue } = codec.applyDeltaIfNeeded({ data, delta }, previous);
    previous = newPrevValue;
    return binary ? Buffer.from(newData).toString("base64") : newData;
  });
});
process.stdout.write(JSON.stringify(received));
