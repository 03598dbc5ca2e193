/** Small drawings; what they mean is said beside them. */

import type { ComponentChildren } from "preact";

function Icon({ children, size = 18 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      {children}
    </svg>
  );
}

export function BellIcon() {
  return (
    <Icon size={22}>
      <path d="M6 10a6 6 0 0 1 12 0c0 5 2 6 2 7H4c0-1 2-2 2-7Z" />
      <path d="M10 20.5a2.2 2.2 0 0 0 4 0" />
    </Icon>
  );
}

export function PhoneIcon() {
  return (
    <Icon>
      <rect x="7" y="2.5" width="10" height="19" rx="2.5" />
      <path d="M11 18.5h2" />
    </Icon>
  );
}

export function LaptopIcon() {
  return (
    <Icon>
      <rect x="4.5" y="5" width="15" height="10.5" rx="1.8" />
      <path d="M2 19h20" />
    </Icon>
  );
}

export function CrossIcon() {
  return (
    <Icon size={15}>
      <path d="m6 6 12 12M18 6 6 18" />
    </Icon>
  );
}

export function EmptyIcon() {
  return (
    <Icon size={34}>
      <path d="m4 14 2.5-8h11L20 14v4.5H4Z" />
      <path d="M4 14h4.5l1.2 2h4.6l1.2-2H20" />
    </Icon>
  );
}
