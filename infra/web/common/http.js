// Requests to a JSON API whose refusals are problem+json (RFC 9457).

const TRIES = 4;

/** The API's no. `code` is the stable end of the problem's type. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.code = String(problem.type ?? "")
      .split(":")
      .pop();
  }
}

/** No answer at all, after repeating what may be repeated. */
export class Unreachable extends Error {}

/** A new random key, for an Idempotency-Key. */
export function newKey() {
  return crypto.randomUUID();
}

/**
 * JSON in, JSON out. Raises Refused or Unreachable. What got no answer, or 429 or 503, is asked
 * again with the same Idempotency-Key, so that it happens once.
 */
export async function request(method, url, { body, headers = {}, key } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  if (key) options.headers["Idempotency-Key"] = key;
  const repeatable = method === "GET" || method === "PUT" || method === "DELETE" || Boolean(key);
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === TRIES || !repeatable;
    let answer = null;
    try {
      answer = await fetch(url, options);
    } catch (error) {
      if (last) throw new Unreachable(error.message);
    }
    if (answer && (last || (answer.status !== 429 && answer.status !== 503))) return read(answer);
    await new Promise((wake) => setTimeout(wake, 250 * 2 ** attempt * Math.random()));
  }
}

async function read(answer) {
  const text = await answer.text();
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    value = { detail: text.slice(0, 200) };
  }
  if (!answer.ok) throw new Refused(answer.status, value ?? {});
  return value;
}

let config = null;

/** Where the API is and what else the console tells its pages. */
export function configuration() {
  config ??= request("GET", "/local/config.json");
  return config;
}
