// Where the page is: the address says it all, so that every place can be linked and found again.

import { computed, signal } from "@preact/signals";
import { snapshot } from "./snapshot";

export type Place = { at: "overview" | "log" | "timeline" | "graph" } | { at: "resource"; name: string; tab: string };

const address = signal(current());

function current(): string {
  return snapshot ? location.hash.slice(1) || "/" : location.pathname + location.search;
}

addEventListener("popstate", () => (address.value = current()));
addEventListener("hashchange", () => (address.value = current()));

export const place = computed<Place>(() => {
  const path = address.value.split("?")[0] ?? "/";
  const found = /^\/r\/(.+?)(?:\/(overview|updates|pods|definition))?\/?$/.exec(path);
  if (found) {
    const name = decoded(found[1] ?? "");
    if (name === "(all)") return { at: "log" };
    return { at: "resource", name, tab: !found[2] || found[2] === "overview" ? "log" : found[2] };
  }
  const word = path.slice(1);
  return word === "log" || word === "timeline" || word === "graph" ? { at: word } : { at: "overview" };
});

export const query = computed(() => new URLSearchParams(address.value.split("?")[1] ?? ""));

export function go(to: string): void {
  if (to === address.value) return;
  if (snapshot) location.hash = to;
  else history.pushState(null, "", to);
  address.value = to;
}

/** Change a part of the query and stay where it is; an empty value takes it away. */
export function setQuery(changes: Record<string, string>): void {
  const wanted = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) wanted.set(name, value);
    else wanted.delete(name);
  }
  const text = wanted.toString();
  const to = (address.value.split("?")[0] ?? "/") + (text ? `?${text}` : "");
  if (to === address.value) return;
  if (snapshot) history.replaceState(null, "", `#${to}`);
  else history.replaceState(null, "", to);
  address.value = to;
}

export function resourcePath(name: string, tab = "overview"): string {
  return `/r/${encodeURIComponent(name)}/${tab}`;
}

/** What an address says; anybody may have written it, a `%` too that encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Several names as one value of the query; a name may have commas. */
export function listed(names: readonly string[]): string {
  return names.map(encodeURIComponent).join(",");
}

export function namesIn(list: string | null): string[] {
  return (list ?? "").split(",").filter(Boolean).map(decoded);
}

/** The address that a link of the page has, in a snapshot too. */
export function href(to: string): string {
  return snapshot ? `#${to}` : to;
}

/** Go there without loading the page anew; clicks with a modifier open another tab as everywhere. */
export function onLink(event: MouseEvent, to: string): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(to);
}
