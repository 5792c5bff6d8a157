/** The tables of docs/compatibility.md, whose columns are versions. */

/**
 * The page with these columns alone, and without the scenarios that none of them can have. All other lines as they are.
 *
 * @param columns headings, such as `13`
 */
export function columnsOf(page: string, columns: readonly string[]): string {
  const lines: string[] = [];
  let kept: readonly number[] = [];
  for (const line of page.split('\n')) {
    if (!line.startsWith('| ')) {
      lines.push(line);
      continue;
    }
    // A `|` of the scenario's own has a backslash before it.
    const [title = '', ...cells] = line.slice(2, -2).split(' | ');
    if (title === 'scenario') kept = columns.map((column) => cells.indexOf(column));
    const chosen = kept.map((index) => cells[index]?.trim() ?? '');
    if (chosen.some((cell) => cell !== '')) lines.push(`| ${[title, ...chosen].join(' | ')} |`);
  }
  return lines.join('\n');
}
