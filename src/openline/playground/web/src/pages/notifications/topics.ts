/** How topics are called, and what one sends oneself of each. */

export const TOPIC_NAMES: Record<string, string> = {
  mentions: "Mentions",
  builds: "Builds",
  offers: "Offers",
  news: "News",
};

export const SAMPLES: Record<string, [string, string][]> = {
  mentions: [
    ["Ines mentioned you", "“This is what I meant. Have a look?”"],
    ["Piotr wrote to you", "“Lunch at one?”"],
    ["Ada replied", "“It can only do what we know how to order it to.”"],
  ],
  builds: [
    ["Build 118 is green", "All 640 tests passed"],
    ["Build 119 failed", "One test of 640: the clock went back"],
    ["Deployed to production", "Version 3.1, in 42 s"],
  ],
  offers: [
    ["Half off umbrellas", "Only while it does not rain"],
    ["Your cart is lonely", "One left-handed screwdriver"],
  ],
};

export function topicName(topic: string): string {
  return TOPIC_NAMES[topic] ?? topic;
}
