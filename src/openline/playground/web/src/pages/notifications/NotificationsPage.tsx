/** Notifications: two devices of one visitor, what he sends himself, and what he wants. */

import "./notifications.css";
import "./controls.css";

import { useEffect, useRef, useState } from "preact/hooks";

import { useFrame } from "../../frame/frame";
import { Frame } from "../../frame/Frame";
import type { LineState } from "../../line/line";
import { DeviceCard } from "./Device";
import { Preferences } from "./Preferences";
import { Push } from "./Push";
import { Sender } from "./Sender";
import { type Device, useDevice } from "./useDevice";

export function NotificationsPage() {
  return (
    <Frame
      name="notifications"
      title="Notifications"
      lead={
        <>
          Two devices of yours, each on a line of its own. Read something on one, and it is read on the other; switch one off, and
          what came meanwhile is there when it is back, once.{" "}
          <a href="/notifications" target="_blank" rel="noopener">
            A second window
          </a>{" "}
          is a third device.
        </>
      }
    >
      <NotificationsApp />
    </Frame>
  );
}

function NotificationsApp() {
  const phone = useDevice("Phone");
  const laptop = useDevice("Laptop");
  const devices = [phone, laptop];
  const { report } = useFrame();
  const line = lineOf(devices);
  useEffect(() => report(line), [line]);
  const by = devices.find((device) => device.live);
  const now = useNow();
  const unread = (by ?? phone).state.unread;
  const title = useRef(document.title);
  useEffect(() => {
    document.title = unread ? `(${unread}) ${title.current}` : title.current;
  }, [unread]);
  return (
    <div class="notifications">
      <div class="devices">
        {devices.map((device) => (
          <DeviceCard key={device.name} device={device} now={now} />
        ))}
      </div>
      <Sender devices={devices} by={by} />
      <div class="wants">
        <Preferences by={by} of={phone} />
        <Push by={by} />
      </div>
    </div>
  );
}

/** How the page's line is: as the best of those that are switched on. */
function lineOf(devices: Device[]): LineState {
  const lines = devices.filter((device) => device.on).map((device) => device.line);
  return lines.includes("open") ? "open" : lines.includes("connecting") ? "connecting" : "lost";
}

/** The time, once a second: for what is so many seconds old, or goes in so many. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
