// The service worker of the notifications page: it shows what Web Push brings while the page is closed.

const PAGE = "/notifications";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.id));
});

/** A browser wants to see something for every message, whatever is in it. */
async function show(message) {
  let item = {};
  try {
    item = message.json() ?? {};
  } catch {
    // It is no JSON, or there is nothing in it.
  }
  const { title, text } = item.data ?? {}; // a large notification comes without its data
  await self.registration.showNotification(typeof title === "string" ? title : "You have a new notification", {
    body: typeof text === "string" ? text : "",
    tag: typeof item.id === "string" ? item.id : "", // the same one again takes its own place
    timestamp: typeof item.time === "number" ? item.time : Date.now(),
    icon: "/icon.svg",
    data: { id: item.id },
  });
}

/** Go to the page, if it is open; else open it. */
async function open(id) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = windows.find((one) => new URL(one.url).pathname === PAGE);
  if (page) await page.focus();
  else await self.clients.openWindow(id === undefined ? PAGE : `${PAGE}#${encodeURIComponent(id)}`);
}
