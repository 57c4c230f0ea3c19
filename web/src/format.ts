// Times and texts in the few characters that a row has for them; the same steps as in the terminal display.

import { REASONS } from "./wire";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** `8 ms`, `2.1 s`, `12 s`, `3 min`, `2 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  return `${Math.floor(seconds / HOUR)} h`;
}

/** How long ago: `<5s`, `3m`, `2h`, `4d`. */
export function age(time: string | undefined, now: number): string {
  if (!time) return "";
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  for (const [bound, text] of [[5, "<5s"], [15, "<15s"], [30, "<30s"], [45, "<45s"], [60, "<1m"]] as const) {
    if (seconds < bound) return text;
  }
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h`;
  return `${Math.floor(seconds / DAY)}d`;
}

/** `12:03:04` in the time zone of the browser. */
export function clock(time: string): string {
  return new Date(time).toLocaleTimeString("en-GB");
}

export function moment(time: string): string {
  return time ? new Date(time).toLocaleString("sv-SE") : "";
}

/** Why an update ran, as `Reason.shown` of the models has it. */
export function reason(flags: number): string {
  const found = REASONS.filter(([flag]) => flag & flags);
  const alone = found.find(([, , stands]) => stands);
  return alone ? alone[1] : found.map(([, text]) => text).join(" | ");
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
