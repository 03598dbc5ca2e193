/** The 128 random bits by which the server knows which line the inspector on this very page looks at. */

export const token: string = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
  .replaceAll("+", "-")
  .replaceAll("/", "_")
  .replaceAll("=", "");
