/** A new pair as a person reads it. Pure. */
import { blockedInWords } from '../../core/contracts/blocked.ts';
import type { Provisioned } from '../../core/provision/provision-pair.ts';
import { oneLine } from '../text.ts';

export function provisionedLines(made: Provisioned): string[] {
  const { referencing, referenced, bound, pairConstraint, index, lockWaitMs, heldMs } = made;
  const dry = made.status === 'DRY_RUN';
  return [
    `${dry ? '✓ Dry run: can be created' : '✓ Created'}: ${referencing} → ${referenced}`,
    `  Bound        ${oneLine(bound)}`,
    ...(made.referencingCreated ? [] : [`  Partner      ${referencing} stood already, empty`]),
    ...(made.referencedCreated ? [] : [`  Partner      ${referenced} stood already and holds these keys`]),
    `  Foreign key  ${pairConstraint}`,
    `  Index        ${index}`,
    `  Locks        waited ${lockWaitMs} ms, held ${heldMs} ms`,
    ...(made.blocked.tries === 0
      ? ['  Blocked      no reader and no writer']
      : [`  Blocked      others for ${blockedInWords(made.blocked)}`]),
    ...(dry ? ['', 'Done and rolled back, nothing was changed:', ...statementLines(made)] : []),
  ];
}

function statementLines({ statements }: Provisioned): string[] {
  return statements.flatMap(({ sql, lock }) => [`  -- ${oneLine(lock)}`, `  ${oneLine(sql)};`]);
}
