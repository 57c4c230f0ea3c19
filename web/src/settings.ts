// What a person has chosen, kept in the browser.

import { effect, signal, type Signal } from "@preact/signals";

function kept<T>(name: string, initial: T): Signal<T> {
  let value = initial;
  try {
    const text = localStorage.getItem(`tilt.${name}`);
    if (text !== null) value = JSON.parse(text) as T;
  } catch {
    // A browser that keeps nothing starts afresh each time.
  }
  const made = signal(value);
  effect(() => {
    try {
      localStorage.setItem(`tilt.${name}`, JSON.stringify(made.value));
    } catch {
      // The same.
    }
  });
  return made;
}

export type Theme = "system" | "light" | "dark" | "contrast";
export type Times = "clock" | "age" | "none";

export const theme = kept<Theme>("theme", "system");
export const stars = kept<string[]>("stars", []);
export const folded = kept<string[]>("folded", []);
export const times = kept<Times>("times", "clock");
export const wrap = kept("wrap", true);
export const notify = kept("notify", false);

const phone = matchMedia("(max-width: 720px)");

/** Is there no room for a table? The style has the same width. */
export const narrow = signal(phone.matches);
phone.addEventListener("change", () => (narrow.value = phone.matches));

effect(() => document.documentElement.setAttribute("data-theme", theme.value));

export function toggled(list: readonly string[], item: string): string[] {
  return list.includes(item) ? list.filter((each) => each !== item) : [...list, item];
}
