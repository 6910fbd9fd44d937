// Addresses of pages.

/** The address of a search; `changes` on top of `asked`, empty values leave a filter out. */
export function address(asked, changes = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...asked, ...changes }))
    if (value) query.set(name, value);
  const text = query.toString();
  return text ? `#/?${text}` : "#/";
}
