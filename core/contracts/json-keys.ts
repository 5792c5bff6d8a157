/** Duplicate keys in a JSON text, of which JSON.parse returns only the last. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** @param json a text that JSON.parse accepts */
export function hasKeyTwice(json: string): boolean {
  /** The keys of each open object; null for a list. */
  const open: (Set<unknown> | null)[] = [];
  let last = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const keys = open.at(-1);
      const key: unknown = JSON.parse(last);
      if (keys?.has(key)) return true;
      keys?.add(key);
    } else last = token;
  }
  return false;
}
