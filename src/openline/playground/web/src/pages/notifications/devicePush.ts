/** Web Push in this browser: what it can do, and what it has been allowed. */

import type { Centrifuge } from "centrifuge";

export type PushState =
  | "unsupported" // this browser has no Web Push
  | "insecure" // pages over plain http have none, but for localhost
  | "denied" // the visitor has said no, and the browser asks no more
  | "off"
  | "on"
  | "unreachable"; // the browser could not reach its push service

const WORKER = "/push-worker.js";

export interface Registered {
  id: string;
  name: string;
  added: number;
}

interface Devices {
  key: string;
  devices: Registered[];
}

export function possible(): PushState {
  if (!isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "unsupported";
  return Notification.permission === "denied" ? "denied" : "off";
}

export async function devices(hub: Centrifuge): Promise<Devices> {
  return ((await hub.rpc("inbox.devices", {})) as { data: Devices }).data;
}

/** Look whether this browser is registered already, and renew that: the server may have lost it, or have another key. */
export async function current(hub: Centrifuge): Promise<PushState> {
  const state = possible();
  if (state !== "off") return state;
  const registration = await navigator.serviceWorker.register(WORKER);
  const subscription = await registration.pushManager.getSubscription();
  if (!subscription || Notification.permission !== "granted") return "off";
  return isFor(subscription, (await devices(hub)).key) && (await add(hub, subscription)) ? "on" : "off";
}

/** Ask for permission, subscribe, and tell the server. Must be called by a click. */
export async function turnOn(hub: Centrifuge): Promise<PushState> {
  const state = possible();
  if (state !== "off") return state;
  const permission = await Notification.requestPermission();
  if (permission !== "granted") return permission === "denied" ? "denied" : "off";
  const registration = await navigator.serviceWorker.register(WORKER);
  await navigator.serviceWorker.ready;
  const { key } = await devices(hub);
  try {
    const old = await registration.pushManager.getSubscription();
    if (old && !isFor(old, key)) await old.unsubscribe(); // made for another key
    const subscription = await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: key,
    });
    return (await add(hub, subscription)) ? "on" : "off";
  } catch {
    return "unreachable";
  }
}

export async function turnOff(hub: Centrifuge): Promise<PushState> {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription) {
    const { data } = (await hub.rpc("inbox.devices.add", { subscription: subscription.toJSON(), name: browser() })) as {
      data: { id: string };
    };
    await hub.rpc("inbox.devices.remove", { id: data.id });
    await subscription.unsubscribe();
  }
  return "off";
}

async function add(hub: Centrifuge, subscription: PushSubscription): Promise<boolean> {
  await hub.rpc("inbox.devices.add", { subscription: subscription.toJSON(), name: browser() });
  return true;
}

function isFor(subscription: PushSubscription, key: string): boolean {
  const bound = subscription.options.applicationServerKey;
  if (!bound) return false;
  const text = btoa(String.fromCharCode(...new Uint8Array(bound)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") === key;
}

/** What this browser may be called in a list of devices. */
function browser(): string {
  const agent = navigator.userAgent;
  const name = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((one) => agent.includes(one)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((one) => agent.includes(one));
  const known = { Edg: "Edge", OPR: "Opera" }[name] ?? name;
  return system ? `${known} on ${system}` : known;
}
