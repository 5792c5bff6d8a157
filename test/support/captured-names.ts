/** Finds names in a SQL text that PostgreSQL looks up through the search_path, and so through schemas of other people. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Comments, literals, quoted names, words, casts, operators, white space; anything else is one character. */
const TOKEN =
  /--[^\n]*|\$re\$[\s\S]*?\$re\$|'(?:[^']|'')*'|:'\w+'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*|::|:=|:|\d+(?:\.\d+)?|[-+*/<>=~!@#%^&|`?]+|\s+|[\s\S]/g;

/** Words before a bracket that are grammar and name no function. */
const GRAMMAR = new Set(
  'all and any array as by case check coalesce else exists extract filter from greatest join key lateral least not on operator or over primary recursive select set some then unique using values view when where with within'.split(
    ' ',
  ),
);

/** PostgreSQL's own functions that are SQL without schemas (obj_description on 13): their bodies are read under the path of the caller. */
const READ_UNDER_THE_PATH = /^(?:obj|col|shobj)_description$/;

/** Grammar behind which PostgreSQL looks an operator up by its name. */
const HIDDEN_OPERATOR = /^(?:in|like|ilike|similar|between|nullif|distinct)$/;

/** A function with a search_path of its own: PostgreSQL reads its body under that one. */
const FUNCTION_WITH_PATH = /SET search_path = pg_catalog, pg_temp[^$]*AS \$(\w+)\$[\s\S]*?\$\1\$/g;

/** Not operators: what a setting or an option of RAISE is set to, grammar of PL/pgSQL, and psql's own commands. */
const ASSIGNMENT =
  /\bSET (?:LOCAL )?\w+ =|\b(?:ERRCODE|DETAIL|HINT|MESSAGE) =|\bFOREACH \w+ IN\b|\bGET DIAGNOSTICS \w+ =|^\\.*$/gm;

export interface Scan {
  /** pg_catalog is the first schema of the path and pg_temp the last: what a table or a type is cannot be captured. */
  readonly catalogFirst: boolean;
}

/** What could be captured, each as it is written; none where every name has its schema. */
export function capturable(sql: string, { catalogFirst }: Scan): string[] {
  const text = sql.replaceAll(FUNCTION_WITH_PATH, '').replaceAll(ASSIGNMENT, '');
  const tokens = (text.match(TOKEN) ?? []).filter((token) => !token.startsWith('--') && token.trim() !== '');
  const own = new Set([...text.matchAll(/\b(\w+)(?:\([\w, ]*\))? AS (?:MATERIALIZED )?\(/g)].map(([, name]) => name));
  const found: string[] = [];
  tokens.forEach((token, n) => {
    const before = tokens[n - 1] ?? '';
    const after = tokens[n + 1] ?? '';
    const word = token.toLowerCase();
    if (/^[-+*/<>=~!@#%^&|`?]+$/.test(token)) {
      const star = token === '*' && /^(?:[(.,]|select|distinct)$/i.test(before);
      const sign = /^[-+]$/.test(token) && /^(?:[(,[]|then|else|select)$/i.test(before);
      if (!star && !sign && before !== '.') found.push(token);
    } else if (/^[a-z_]/i.test(token)) {
      const isAlias = before === ')' || (/^\w+$/.test(before) && /^\w$/.test(token));
      if (HIDDEN_OPERATOR.test(word) && before.toLowerCase() !== 'select' && !(word === 'distinct' && before === '('))
        found.push(token);
      else if (word === 'case' && after.toLowerCase() !== 'when') found.push('CASE with a value');
      else if (READ_UNDER_THE_PATH.test(word) && after === '(') found.push(`${token}()`);
      else if (after === '(' && before !== '.' && before !== '::' && !GRAMMAR.has(word) && !own.has(token) && !isAlias)
        if (!(word === 'unnest' && isMulti(tokens, n + 1)))
          // A call with several arguments in FROM is PostgreSQL's own function, whatever the path is.
          found.push(`${token}()`);
      if (catalogFirst || after === '.' || before === '.') return;
      if (before === '::') found.push(`::${token}`);
      if (
        /^(?:from|join)$/i.test(before) &&
        after !== '(' &&
        !own.has(token) &&
        !/^(?:only|lateral|select)$/.test(word)
      )
        found.push(`FROM ${token}`);
    }
  });
  return found;
}

/** Whether the bracket at `opening` has more than one argument. */
function isMulti(tokens: readonly string[], opening: number): boolean {
  let depth = 0;
  for (const token of tokens.slice(opening)) {
    if (token === '(' || token === '[') depth += 1;
    if (token === ')' || token === ']') depth -= 1;
    if (depth === 1 && token === ',') return true;
    if (depth === 0) return false;
  }
  return false;
}

const OURS = /SET (?:LOCAL )?search_path = pg_catalog, pg_temp/;
const CALLERS = /set_config\('+search_path'+, (?:pg_catalog\.)?current_setting\('+p2pfk\.caller_search_path'+\)/;
const EVENT = new RegExp(
  String.raw`(?<include>^\\ir (?<file>.+)$)|(?<ours>${OURS.source})|(?<callers>${CALLERS.source})|(?<commit>^COMMIT;)`,
  'gm',
);

/** A piece of a psql script that runs under the caller's search_path. */
export interface Exposed {
  readonly file: string;
  readonly text: string;
  readonly catalogFirst: boolean;
}

/** Follows a psql script through its includes; what runs before the path is ours, and wherever the caller's is put back. */
export function exposedIn(script: string): Exposed[] {
  const exposed: Exposed[] = [];
  let path: 'caller' | 'ledger' | 'ours' = 'caller';
  const open: string[] = [];
  walk(script);
  return exposed;

  function walk(file: string): void {
    if (open.includes(file)) return;
    open.push(file);
    const text = readFileSync(file, 'utf8');
    let from = 0;
    const upTo = (end: number) => {
      if (path !== 'ours') exposed.push({ file, text: text.slice(from, end), catalogFirst: path === 'ledger' });
      from = end;
    };
    for (const event of text.matchAll(EVENT)) {
      const { include, file: included = '', ours, callers, commit } = event.groups ?? {};
      upTo(event.index);
      if (include !== undefined) {
        if (included.startsWith(':')) {
          if (path !== 'ours') throw new Error(`${file} includes ${included} under the caller's search_path`);
          continue;
        }
        const before: typeof path = path;
        walk(join(dirname(file), included));
        // It ends the script: what follows runs only where it was not called.
        if (included.endsWith('refuse.sql')) path = before;
        if (included.endsWith('session.sql')) path = 'ours';
        if (included.endsWith('give-back.sql')) path = 'caller';
        if (included.endsWith('ledger/search-path.sql')) path = 'ledger';
      }
      if (ours !== undefined) path = 'ours';
      // What follows in the same statement is read before it takes effect.
      if (callers !== undefined && !file.endsWith('search-path.sql')) {
        from = event.index + event[0].length;
        path = 'caller';
      }
      if (commit !== undefined && path === 'ledger') path = 'ours';
    }
    upTo(text.length);
    open.pop();
  }
}
