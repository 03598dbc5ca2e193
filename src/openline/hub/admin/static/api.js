// What the page asks the server for. Every answer is JSON; what is refused is an Error with the server's words.

export class NotLoggedIn extends Error {}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  let said = {};
  try {
    said = await response.json();
  } catch {
    // A proxy on the way may answer with a page of its own.
  }
  if (response.status === 401 && path !== "auth") throw new NotLoggedIn("The password is needed.");
  if (response.status === 429) {
    throw new Error(`Too many attempts. Try again in ${response.headers.get("Retry-After") ?? "60"} seconds.`);
  }
  if (!response.ok) throw new Error(said.error ?? `The server answered with ${response.status}.`);
  return said;
}

export function facts(name, wanted = "") {
  return ask(`facts/${name}?q=${encodeURIComponent(wanted)}`);
}

export function act(name, what = {}) {
  return ask(name, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(what),
  });
}
