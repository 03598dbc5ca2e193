/** One notification. */

import { useEffect, useRef } from "preact/hooks";

import { CrossIcon } from "./icons";
import type { Item } from "./inbox";
import { topicName } from "./topics";

interface ItemRowProps {
  item: Item;
  now: number;
  disabled: boolean;
  onRead(): void;
  onRemove(): void;
}

export function ItemRow({ item, now, disabled, onRead, onRemove }: ItemRowProps) {
  const { title, text } = item.data;
  const row = useRef<HTMLLIElement>(null);
  const asked = location.hash === `#${encodeURIComponent(item.id)}`; // by a click on what Web Push has shown
  useEffect(() => {
    if (asked) row.current?.scrollIntoView({ block: "nearest" });
  }, [asked]);
  return (
    <li ref={row} class={`item ${item.read ? "is-read" : "is-unread"} ${asked ? "is-asked" : ""}`} data-id={item.id}>
      <button
        class="item-main"
        type="button"
        disabled={disabled}
        onClick={onRead}
      >
        <span class="item-dot" />
        <span class="unseen">{item.read ? "Mark as unread:" : "Mark as read:"}</span>
        <span class="item-title">{title}</span>
        <span class="item-time">{ago(now - item.time)}</span>
        <span class="item-text">{text}</span>
        <span class="item-tags">
          <span class={`topic topic-${item.topic}`}>{topicName(item.topic)}</span>
          {item.expires !== undefined && item.expires - now < 3_600_000 && (
            <span class="expiry">gone in {left(item.expires - now)}</span>
          )}
        </span>
      </button>
      <button
        class="item-remove"
        type="button"
        disabled={disabled}
        aria-label={`Remove: ${title}`}
        onClick={onRemove}
      >
        <CrossIcon />
      </button>
    </li>
  );
}

function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 5) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function left(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
