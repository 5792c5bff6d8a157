/** The tables of docs/compatibility.md, whose columns are versions. */

/**
 * The page with these columns alone, and without the scenarios that none of them can have. All other lines as they are, but the scenarios of a
 * table in alphabetical order: those that the oldest version cannot have come in the order of the versions that ran.
 *
 * @param columns headings, such as `13`
 */
export function columnsOf(page: string, columns: readonly string[]): string {
  const lines: string[] = [];
  let kept: readonly number[] = [];
  let scenarios: string[] = [];
  for (const line of page.split('\n')) {
    if (!line.startsWith('| ')) {
      lines.push(...scenarios.sort(), line);
      scenarios = [];
      continue;
    }
    // A `|` of the scenario's own has a backslash before it.
    const [title = '', ...cells] = line.slice(2, -2).split(' | ');
    if (title === 'scenario') kept = columns.map((column) => cells.indexOf(column));
    const chosen = kept.map((index) => cells[index]?.trim() ?? '');
    const isHead = title === 'scenario' || title === '---';
    const row = `| ${[title, ...chosen].join(' | ')} |`;
    if (isHead) lines.push(row);
    else if (chosen.some((cell) => cell !== '')) scenarios.push(row);
  }
  return [...lines, ...scenarios.sort()].join('\n');
}
