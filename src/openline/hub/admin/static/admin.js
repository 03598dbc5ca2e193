// The admin page: asks for numbers while it is looked at, and shows them.

import { act, facts, NotLoggedIn } from "./api.js";
import { Sparkline } from "./charts.js";
import { bytes, duration, element, fillRows, latency, moment, number, rate } from "./dom.js";

const EVERY = 2000; // milliseconds between two looks

const at = (id) => document.getElementById(id);

// Who is in.

let timer = 0;
let before = null; // the last overview, to make rates of

function showEntrance() {
  clearTimeout(timer);
  before = null;
  at("details").close();
  at("inside").hidden = true;
  at("entrance").hidden = false;
  at("password").focus();
}

at("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("login-error").textContent = "";
  try {
    await act("auth", { password: at("password").value });
  } catch (error) {
    at("login-error").textContent = error.message;
    at("password").select();
    return;
  }
  at("password").value = "";
  look();
});

at("leave").addEventListener("click", async () => {
  await act("leave").catch(() => {});
  showEntrance();
});

// Light and dark.

const themes = ["automatic", "light", "dark"];

function setTheme(theme) {
  if (theme === "automatic") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  at("theme").textContent = `Theme: ${theme}`;
  localStorage.setItem("theme", theme);
}

at("theme").addEventListener("click", () => {
  const now = themes.indexOf(localStorage.getItem("theme") ?? "automatic");
  setTheme(themes[(now + 1) % themes.length]);
});
setTheme(themes.find((theme) => theme === localStorage.getItem("theme")) ?? "automatic");

// The numbers.

const tiles = new Map();

function tile(name, value, { more = "", chart = null, alarm = false } = {}) {
  let known = tiles.get(name);
  if (known === undefined) {
    known = { value: element("span"), more: element("span", { class: "more" }), line: new Sparkline() };
    known.element = element(
      "div",
      { class: "tile" },
      element("dt", {}, name),
      element("dd", {}, known.value, " ", known.more, known.line.element),
    );
    tiles.set(name, known);
    at("tiles").append(known.element);
  }
  known.value.textContent = value;
  known.more.textContent = more;
  known.element.classList.toggle("alarm", alarm);
  if (chart !== null) known.line.add(chart);
}

function sum(counted) {
  return Object.values(counted).reduce((total, one) => total + one, 0);
}

function showNumbers(now) {
  const seconds = before === null || before.node !== now.node ? null : now.now - before.now;
  const perSecond = (get) => (seconds === null || seconds <= 0 ? null : (get(now) - get(before)) / seconds);
  const publications = perSecond((one) => one.counters.publications);
  const deliveries = perSecond((one) => one.counters.deliveries);
  const commands = perSecond((one) => sum(one.commands));
  const lost = (one) => sum(one.drops) + one.counters.overruns;
  const ways = Object.entries(now.transports).map(([name, count]) => `${number(count)} ${name}`);
  tile("Sessions", number(now.sessions), { more: `of ${number(now.users)} ${now.users === 1 ? "user" : "users"}`, chart: now.sessions });
  tile("Subscriptions", number(now.current_subscriptions), {
    more: `in ${number(now.channels)} ${now.channels === 1 ? "channel" : "channels"}`,
    chart: now.current_subscriptions,
  });
  tile("Publications a second", rate(publications), {
    more: `${number(now.counters.publications)} in all`,
    chart: publications,
  });
  tile("Deliveries a second", rate(deliveries), {
    more: `${number(now.counters.deliveries)} in all`,
    chart: deliveries,
  });
  tile("Commands a second", rate(commands), { more: `${number(sum(now.commands))} in all`, chart: commands });
  tile("Waiting for slow clients", bytes(now.unsent), { chart: now.unsent });
  tile("Dropped or cut off", number(lost(now)), {
    more: `${number(now.counters.conflated)} conflated`,
    chart: perSecond(lost),
  });
  tile("Time to publish", latency(now.publish_p50), { more: `99 %: ${latency(now.publish_p99)}` });
  tile("Broker errors", number(now.counters.broker_errors), {
    alarm: now.counters.broker_errors > (before?.counters.broker_errors ?? now.counters.broker_errors),
    chart: perSecond((one) => one.counters.broker_errors),
  });
  tile("Recoveries", number(now.counters.recovered), {
    more: `${number(now.counters.unrecovered)} could not`,
    chart: perSecond((one) => one.counters.recovered),
  });

  at("name").textContent = now.name;
  at("state").textContent = now.draining ? "draining" : "serving";
  at("state").classList.toggle("warn", now.draining);
  at("insecure").hidden = !now.insecure;
  at("uptime").textContent = `up for ${duration(now.uptime)}${ways.length ? `; ${ways.join(", ")}` : ""}`;

  const codes = [
    ...now.errors.map((row) => ({ ...row, kind: "error" })),
    ...now.disconnects.map((row) => ({ ...row, kind: "end" })),
  ];
  at("codes-none").hidden = codes.length > 0;
  fillRows(
    at("codes"),
    codes.map(({ kind, code, text, number: times }) => ({
      key: `${kind} ${code}`,
      cells: [element("td", { class: "mono" }, String(code)), element("td", {}, text), cell(number(times))],
    })),
  );
  fillRows(
    at("nodes"),
    now.nodes.map((node) => ({
      key: node.uid,
      cells: [
        element("td", {}, node.name, node.uid === now.node ? element("span", { class: "quiet" }, " (this one)") : null),
        cell(number(node.num_clients)),
        cell(duration(node.uptime)),
      ],
    })),
  );
  before = now;
}

function cell(text, attributes = {}) {
  return element("td", { class: "num", ...attributes }, text);
}

function total(shown, all) {
  return shown < all ? `${number(shown)} of ${number(all)}` : number(all);
}

function opener(label, open) {
  return element("button", { type: "button", class: "link", onclick: open }, label);
}

function showChannels({ rows, total: all }) {
  at("channels-total").textContent = total(rows.length, all);
  at("channels-none").hidden = rows.length > 0;
  fillRows(
    at("channels"),
    rows.map(({ channel, clients }) => ({
      key: channel,
      cells: [element("td", {}, opener(channel, () => showChannel(channel))), cell(number(clients))],
    })),
  );
}

function showSessions({ rows, total: all }) {
  at("sessions-total").textContent = total(rows.length, all);
  at("sessions-none").hidden = rows.length > 0;
  fillRows(
    at("sessions"),
    rows.map((one) => ({
      key: one.client,
      cells: [
        element("td", {}, opener(one.user || "(anonymous)", () => showSession(one.client))),
        element("td", { class: "way" }, one.transport, " ", element("span", { class: "quiet" }, one.encoding)),
        cell(number(one.subscriptions)),
        cell(bytes(one.unsent), { class: one.unsent > 65536 ? "num late" : "num" }),
        cell(duration(one.age)),
      ],
    })),
  );
}

async function look() {
  clearTimeout(timer);
  try {
    const [overview, channels, sessions] = await Promise.all([
      facts("overview"),
      facts("channels", at("channels-search").value),
      facts("sessions", at("sessions-search").value),
    ]);
    at("trouble").hidden = true;
    at("entrance").hidden = true;
    at("inside").hidden = false;
    showNumbers(overview);
    showChannels(channels);
    showSessions(sessions);
  } catch (error) {
    if (error instanceof NotLoggedIn) {
      showEntrance();
      return;
    }
    at("trouble").textContent = error.message;
    at("trouble").hidden = false;
    if (at("inside").hidden) showEntrance();
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(look, EVERY);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !at("inside").hidden) look();
});
for (const name of ["channels-search", "sessions-search"]) at(name).addEventListener("input", () => look());

// Details of one thing.

function openDetails(title, ...body) {
  at("details-title").textContent = title;
  at("details-body").replaceChildren(...body);
  if (!at("details").open) at("details").showModal();
}

at("details-close").addEventListener("click", () => at("details").close());

function list(pairs) {
  return element(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== "" && value !== null)
      .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function table(head, rows) {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, rows.map((cells) => element("tr", {}, cells.map((one) => element("td", {}, one))))),
  );
}

async function detail(get) {
  try {
    await get();
  } catch (error) {
    if (error instanceof NotLoggedIn) showEntrance();
    else openDetails("That did not work", element("p", { class: "error" }, error.message));
  }
}

function payload(publication) {
  const text = publication.b64data === undefined ? JSON.stringify(publication.data, null, 1) : publication.b64data;
  return element("pre", { tabindex: "0" }, text);
}

function showChannel(name) {
  return detail(async () => {
    const said = await facts("channel", name);
    const { options, presence, history } = said;
    const body = [
      list([
        ["Clients on this node", number(said.clients_here)],
        ["History", options.history ? `${number(options.history)} publications, ${duration(options.ttl)}` : "none"],
        ["Recovery", options.recovery ? options.recovery_mode : "no"],
        ["Who may", `subscribe: ${options.subscribe}, publish: ${options.publish}`],
        ["Slow clients", options.slow_consumer],
        ["Position", history === null ? "" : `${history.offset} of epoch ${history.epoch}`],
      ]),
      element(
        "div",
        { class: "row" },
        element(
          "button",
          {
            type: "button",
            onclick: () => {
              at("publish-channel").value = name;
              at("details").close();
              at("publish-data").focus();
            },
          },
          "Publish to it",
        ),
      ),
    ];
    if (presence !== null) {
      body.push(element("h3", {}, `Present: ${number(presence.clients)} clients of ${number(presence.users)} users`));
      const rows = presence.rows.map((who) => [
        opener(who.user || "(anonymous)", () => showSession(who.client)),
        element("span", { class: "mono" }, who.client),
      ]);
      if (rows.length > 0) body.push(table(["User", "Client"], rows));
    }
    if (history !== null && history.rows.length > 0) {
      body.push(element("h3", {}, "Newest publications"));
      const rows = history.rows.map((one) => [String(one.offset ?? ""), one.info?.user ?? "the server", payload(one)]);
      body.push(table(["Offset", "From", "Data"], rows));
    }
    openDetails(name, ...body);
  });
}

function showSession(client) {
  return detail(async () => {
    const one = await facts("session", client);
    const said = element("p", { role: "status" });
    const disconnect = (label, reconnect, kind) =>
      element(
        "button",
        {
          type: "button",
          class: kind,
          onclick: async () => {
            try {
              const { number: ended } = await act("disconnect", { client, reconnect });
              said.textContent = ended ? "Disconnected." : "It was gone already.";
            } catch (error) {
              said.textContent = error.message;
            }
            look();
          },
        },
        label,
      );
    openDetails(
      one.user || "(anonymous)",
      list([
        ["Client", element("span", { class: "mono" }, one.client)],
        ["Way", `${one.transport}, ${one.encoding}`],
        ["Address", one.address],
        ["Calls itself", [one.name, one.version].filter(Boolean).join(" ")],
        ["Since", `${moment(one.connected_at)} (${duration(one.age)})`],
        ["Expires", moment(one.expire_at)],
        ["Unsent", bytes(one.unsent)],
        ["Reading", one.reading_paused ? "paused: too many commands wait" : "yes"],
        ["Page", one.origin],
        ["Browser", one.user_agent],
      ]),
      element(
        "div",
        { class: "row" },
        disconnect("Disconnect for good", false, "danger"),
        disconnect("Make it reconnect", true, ""),
        said,
      ),
      element("h3", {}, `Subscriptions: ${number(one.subscriptions)}`),
      one.channels.length === 0
        ? element("p", { class: "quiet" }, "None.")
        : table(
            ["Channel", "How", "Waiting"],
            one.channels.map((sub) => [
              opener(sub.channel, () => showChannel(sub.channel)),
              [sub.server_side && "by the server", sub.positioned && "positioned", sub.delta && "delta"]
                .filter(Boolean)
                .join(", ") || "–",
              number(sub.waiting),
            ]),
          ),
    );
  });
}

// Publishing.

at("publish").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = at("publish-said");
  said.className = "";
  let data;
  try {
    data = JSON.parse(at("publish-data").value);
  } catch (error) {
    said.className = "error";
    said.textContent = `This is not JSON: ${error.message}`;
    return;
  }
  try {
    const { offset } = await act("publish", { channel: at("publish-channel").value, data });
    said.textContent = offset ? `Published, offset ${offset}.` : "Published.";
  } catch (error) {
    if (error instanceof NotLoggedIn) return showEntrance();
    said.className = "error";
    said.textContent = error.message;
  }
  look();
});

look();
