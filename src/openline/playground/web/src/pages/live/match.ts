/** The match whose whole state comes with every change, mostly as a patch. */

import type { Reader } from "./reader";

export const SCORE = "score:final";

export interface Team {
  name: string;
  goals: number;
  shots: number;
  ball: number;
}

export interface Score {
  minute: number;
  teams: [Team, Team];
  events: { minute: number; what: "goal" | "shot" | "card"; team: 0 | 1; player: string }[];
  /** Bytes of the whole state. */
  whole: number;
  /** Bytes that came for it, and whether as a patch. */
  sent: number;
  patch: boolean;
}

export function followMatch(reader: Reader, show: (score: Score) => void): void {
  const subscription = reader.client.newSubscription(SCORE, { delta: "fossil", recoverable: true });
  subscription.on("publication", ({ data }) => {
    const whole = JSON.stringify(data).length;
    const { sent, patch } = reader.patch ?? { sent: whole, patch: false };
    show({ ...(data as Omit<Score, "whole" | "sent" | "patch">), whole, sent: patch ? sent : whole, patch });
  });
  subscription.subscribe();
}
