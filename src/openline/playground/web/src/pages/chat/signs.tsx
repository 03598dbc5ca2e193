/** The signs that one may react with: drawn here, so that they look alike on all machines. */

import type { Sign } from "./events";

export const SIGN_NAMES: Record<Sign, string> = {
  like: "Like",
  love: "Love",
  laugh: "Funny",
  star: "Great",
  look: "Seen",
  done: "Done",
};

const DRAWINGS: Record<Sign, preact.ComponentChildren> = {
  like: <path d="M6.5 9 9.6 2.9c1.3 1.3 1.4 1.9 1.4 2.6V7.3h4.2c1.1 0 1.9 1 1.6 2l-1.5 5.7c-.2.9-1 1.5-1.9 1.5H6.5zM6.5 9H3.3v7.5h3.2" />,
  love: <path d="M10 16.6 3.9 10.3a3.9 3.9 0 0 1 5.5-5.5l.6.6.6-.6a3.9 3.9 0 0 1 5.5 5.5z" />,
  laugh: (
    <>
      <circle cx="10" cy="10" r="7.2" />
      <path class="sign-line" d="M6.2 11.3h7.6a3.8 3.8 0 0 1-7.6 0zM7.3 7.6v.9M12.7 7.6v.9" />
    </>
  ),
  star: <path d="m10 2.8 2.2 4.7 5.1.6-3.8 3.5 1 5.1L10 14.2l-4.5 2.5 1-5.1-3.8-3.5 5.1-.6z" />,
  look: (
    <>
      <path d="M1.9 10C3.5 6.8 6.5 4.9 10 4.9s6.5 1.9 8.1 5.1c-1.6 3.2-4.6 5.1-8.1 5.1S3.5 13.2 1.9 10z" />
      <circle class="sign-line" cx="10" cy="10" r="2.3" />
    </>
  ),
  done: (
    <>
      <circle cx="10" cy="10" r="7.2" />
      <path class="sign-line" d="m6.6 10.3 2.3 2.3 4.5-4.9" />
    </>
  ),
};

export function SignIcon({ sign }: { sign: Sign }) {
  return (
    <svg class={`sign sign-${sign}`} viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
      {DRAWINGS[sign]}
    </svg>
  );
}
