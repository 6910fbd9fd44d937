// Words, money and dates in the reader's language.

import { recall, remember, tell } from "./state.js";

export const LANGUAGES = ["en", "de"];
let language = recall("language") ?? (navigator.language.startsWith("de") ? "de" : "en");
document.documentElement.lang = language;

let words = {};

/** Say what this page's words are, before anything is drawn. */
export function setWords(table) {
  words = table;
}

export const currentLanguage = () => language;

export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  remember("language", chosen);
  tell("language", chosen);
}

/** The words for `key`, with {names} filled in; `count` chooses between `key.one` and `key`. */
export function t(key, values = {}) {
  const table = words[values.count === 1 && `${key}.one` in words ? `${key}.one` : key];
  if (!table) throw new Error(`no words for ${key}`);
  const text = table[LANGUAGES.indexOf(language)];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Whether there are words for `key`. */
export const has = (key) => key in words;

/** One of the names an object has by language. */
export const named = (names) => names[language] ?? names.en ?? Object.values(names)[0] ?? "";

const digits = new Map();

function exponent(currency) {
  if (!digits.has(currency)) {
    const options = { style: "currency", currency };
    digits.set(
      currency,
      new Intl.NumberFormat("en", options).resolvedOptions().maximumFractionDigits,
    );
  }
  return digits.get(currency);
}

/** An amount in minor units as people write it. */
export function money({ minor, currency }) {
  const format = new Intl.NumberFormat(locale(), { style: "currency", currency });
  return format.format(minor / 10 ** exponent(currency));
}

/** Minor units as a plain number for an input, and back. */
export const toMajor = (minor, currency) => String(minor / 10 ** exponent(currency));
export const toMinor = (major, currency) => Math.round(Number(major) * 10 ** exponent(currency));

/** A local date (YYYY-MM-DD). */
export function day(text) {
  const options = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(`${text}T00:00:00Z`));
}

/** A window of dates. */
export function days(from, to) {
  return !to || from === to ? day(from) : `${day(from)} – ${day(to)}`;
}

/** A moment, in the reader's own time zone or in another one (IANA name). */
export function moment(text, timeZone = undefined) {
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(text));
}

/** A distance. */
export function kilometres(count) {
  const options = { style: "unit", unit: "kilometer", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), options).format(count);
}

function locale() {
  return language === "de" ? "de-DE" : "en-US";
}
