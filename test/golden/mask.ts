/** Makes two runs comparable: times, durations, sizes that the machine decides, and names that are drawn. */

/** Keys of numbers that the machine decides; a `null` stays, because whether it was measured is not the machine's choice. */
const MEASURED =
  /(Ms|_ms|PerSecond|Seconds|_seconds|Oid|oid|Oids|bytes|pid|timestamp|attempts?)$|^(from|to|at|began|ended|liveness_key)$/;

const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?))?/g, '<time>'],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?\b/g, '<clock>'],
  [/\+\d+:\d\d(?::\d\d)?\.\d{3}/g, '+<clock>'],
  [/\b(?:migrate|rollback)-[\w-]+-\d{8}T\d{6}Z-[0-9a-f]{8}\b/g, '<execution>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>'],
  [/\btest\\?_[a-z_\\]+_[0-9a-f]{12}\b/g, '<database>'],
  [/\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}\b/g, '<date>'],
  [/\bsha256:[0-9a-f]+/g, 'sha256:<hash>'],
  [/\b(?:localhost|127\.0\.0\.1|\[::1\]|::1):\d+/g, '<endpoint>'],
  [/\b\d{19}\b/g, '<system>'],
  [/\bpid \d+/g, 'pid <pid>'],
  [/\b\d+(?:\.\d+)? (?:ms|s|min|h|kB|KB|MB|GB)\b(?: \d+ (?:s|min)\b)?/g, '<amount>'],
  [/\b[\d.,]+(?= rows a second inserted into | deleted from )/g, '<rate>'],
  [/(?<=on average since )\d{4}-\d\d-\d\d/g, '<date>'],
  [/\/tmp\/[\w./-]+/g, '<file>'],
  [/, waited <amount> for locks/g, ''],
  // Comments of SQL files name source files.
  [/\bcore\/[\w/-]+\.ts\b/g, '<source>'],
  [/\boid (?:=\s*)?\d+/g, 'oid <oid>'],
];

function maskText(text: string): string {
  return (
    TEXTS.reduce((masked, [pattern, word]) => masked.replaceAll(pattern, word), text)
      // Columns are as wide as what was masked in them.
      .replaceAll(/^.*<(?:amount|clock|time|number)>.*$/gm, (line) =>
        line.replaceAll(/(?<=\S) {2,}|-{3,}|─{3,}/g, '  '),
      )
  );
}

/** Numbers under the keys above become `<number>`; texts are masked, those that hold JSON as JSON. */
export function maskJson(value: unknown, key = ''): unknown {
  if (typeof value === 'number') return MEASURED.test(key) ? '<number>' : value;
  if (typeof value === 'string') {
    // Inputs and outputs of states are JSON in a text; so are causes.
    if (/^[[{]/.test(value)) {
      try {
        return maskJson(JSON.parse(value));
      } catch {
        return maskText(value);
      }
    }
    return MEASURED.test(key) && /^\d+$/.test(value) ? '<number>' : maskText(value);
  }
  // Waits for locks are listed from a few milliseconds on.
  if (key === 'waits') return '<waits>';
  // Stack traces name source files and lines.
  if (key === 'trace') return '<trace>';
  if (Array.isArray(value)) return value.map((item) => maskJson(item, key));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskJson(inner, name)]));
  return value;
}

/** JSON documents and lines of JSON are masked by key, everything else as text. */
export function mask(output: string): string {
  if (/^\s*[[{]/.test(output)) {
    try {
      return `${JSON.stringify(maskJson(JSON.parse(output)), null, 2)}\n`;
    } catch {
      // Not one document.
    }
  }
  return maskText(output);
}

/** A page without its style, script and drawn shapes, one element a line, so that a difference is a line. */
export function maskHtml(html: string): string {
  const bare = html.replaceAll(/<(style|script)\b[\s\S]*?<\/\1>/g, '<$1></$1>').replaceAll('><', '>\n<');
  const masked = maskText(bare)
    .replaceAll(
      /(style|d|[xy]\d?|width|height|points|viewBox|transform|data-(?:from|to|v|at|[\w-]*ms))="[^"]*\d[^"]*"/g,
      '$1="<drawn>"',
    )
    .replaceAll(/(text-anchor)="\w+"/g, '$1="<drawn>"');
  // How many lines an axis has, and whether a bar has a wait in it, the durations decide.
  return masked
    .split('\n')
    .filter((line) => !/^<(line|rect)\b/.test(line) && !/^<text\b.*><amount><\/text>$/.test(line))
    .join('\n');
}
