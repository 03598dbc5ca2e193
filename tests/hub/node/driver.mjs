// What a test tells a client of centrifuge-js, and what it hears of it: the same on Node and in a page.
//
//   {id, do, arguments}       a command; answered by {reply: id, result} or {reply: id, error: {code, message}}
//   {event, channel, ...}     what the SDK reports, under the protocol's names
//   {ask, channel}            a token is wanted; answered by the command {answer: ask, token}

const CLIENT_EVENTS = [
  "connecting", "connected", "disconnected", "message", "error",
  "subscribed", "subscribing", "unsubscribed", "publication", "join", "leave",
];
const SUBSCRIPTION_EVENTS = ["subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error"];

const snake = (name) => name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());

/** Payloads are bytes in protobuf; everything else is plain. */
function plain(value) {
  if (value instanceof Uint8Array) {
    const text = new TextDecoder().decode(value);
    return text === "" ? null : JSON.parse(text);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, part]) => [key, plain(part)]));
  if (value && typeof value === "object") return values(value);
  return value ?? null;
}

/** Names that the SDK gives; payloads keep theirs. */
function values(object) {
  const result = {};
  for (const [name, part] of Object.entries(object)) {
    const payload = ["data", "connInfo", "chanInfo"].includes(name) && !(part instanceof Uint8Array);
    result[snake(name)] = payload ? part ?? null : name === "tags" ? { ...part } : plain(part);
  }
  return result;
}

/**
 * @param Centrifuge the SDK's class
 * @param say takes what is to be told
 * @param more options of the SDK that this place needs
 * @returns a function that takes commands
 */
export function driver(Centrifuge, say, more = {}) {
  let client;
  let binary = false;
  let asked = 0;
  const asking = new Map();
  const encode = (data) => (binary ? new TextEncoder().encode(JSON.stringify(data)) : data);

  const ask = (channel) =>
    new Promise((resolve) => {
      asking.set(++asked, resolve);
      say({ ask: asked, channel });
    });

  function note(emitter, events, channel) {
    for (const event of events) {
      emitter.on(event, (context) => {
        const { channel: itsChannel, error, ...rest } = context;
        const what = values(rest);
        if (error) Object.assign(what, { error_code: error.code, error_message: error.message });
        say({ ...what, event, channel: channel ?? itsChannel ?? "" });
      });
    }
  }

  const commands = {
    make(o) {
      binary = o.protobuf;
      const where =
        o.transport === "websocket" ? o.endpoint : [{ transport: o.transport, endpoint: o.endpoint }];
      client = new Centrifuge(where, {
        minReconnectDelay: 20,
        maxReconnectDelay: 200,
        emulationEndpoint: o.emulation,
        token: o.token,
        getToken: o.asks_for_token ? () => ask("") : null,
        data: o.data === null ? null : encode(o.data),
        ...(o.name ? { name: o.name } : {}),
        version: o.version,
        ...more,
      });
      note(client, CLIENT_EVENTS);
    },
    connect: () => client.connect(),
    disconnect: () => client.disconnect(),
    subscribe(o) {
      const subscription = client.newSubscription(o.channel, {
        minResubscribeDelay: 20,
        maxResubscribeDelay: 200,
        token: o.token,
        getToken: o.asks_for_token ? () => ask(o.channel) : null,
        data: o.data === null ? null : encode(o.data),
        recoverable: o.recoverable,
        positioned: o.positioned,
        joinLeave: o.join_leave,
        ...(o.delta ? { delta: "fossil" } : {}),
      });
      note(subscription, SUBSCRIPTION_EVENTS, o.channel);
      subscription.subscribe();
    },
    unsubscribe({ channel }) {
      const subscription = client.getSubscription(channel);
      subscription.unsubscribe();
      client.removeSubscription(subscription);
    },
    publish: ({ channel, data }) => client.publish(channel, encode(data)),
    async presence({ channel }) {
      const { clients } = await client.presence(channel);
      return new Map([["clients", new Map(Object.entries(clients))]]);
    },
    presence_stats: ({ channel }) => client.presenceStats(channel),
    history: ({ channel, ...options }) => client.history(channel, options),
    rpc: ({ method, data }) => client.rpc(method, encode(data)),
    send: ({ data }) => client.send(encode(data)),
  };

  return async function obey(command) {
    if (command.answer !== undefined) {
      asking.get(command.answer)(command.token);
      asking.delete(command.answer);
      return;
    }
    const { id, do: name, arguments: given } = command;
    try {
      const result = await commands[name](given);
      say({ reply: id, result: result ? plain(result) : {} });
    } catch (error) {
      say({ reply: id, error: { code: error.code ?? -1, message: error.message ?? String(error) } });
    }
  };
}
