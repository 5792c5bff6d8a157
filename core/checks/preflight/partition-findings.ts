/** Findings about partitions: partitions without a partner, foreign tables, missing indexes. */
import type { Client } from 'pg';
import { asParameter, FOREIGN_TABLE, hasForeignTable, holdingRows, type Pairing } from '../../catalog/pairs.ts';
import type { Unpaired } from '../../contracts/column-types.ts';
import type { PlanFinding, UnpairedPartition } from '../../contracts/documents.ts';
import { finding, list, type PreflightSubject } from './finding.ts';
import { readFinding } from './sql-findings.ts';

/**
 * Decides about unpaired partitions. A referencing one may hold keys that no pair FK would guard; its rows are read, because
 * statistics are not exact.
 */
export async function judgeUnpaired(
  client: Client,
  { foreignKey, pairing: { unpaired } }: PreflightSubject,
): Promise<{ findings: PlanFinding[]; partitions: UnpairedPartition[] }> {
  const holding = await holdingRows(client, foreignKey, unpaired);
  const { refused, partitions } = decideUnpaired(unpaired, holding);
  const findings = [
    ...refused,
    ...(await readFinding(client, 'findings/unpaired-empty-partition', {
      unpaired: unpaired.map(asParameter),
      filled: [...holding],
    })),
  ];
  const lone = unpaired.filter((partition) => partition.side === 'referenced');
  if (lone.length > 0) {
    findings.push(
      finding(
        'unpaired-referenced-partition',
        'info',
        `${lone.length} referenced partition(s) have no referencing partner: ${list(lone.map((partition) => partition.partition))}`,
        'nothing to do: no row can reference them',
      ),
    );
  }
  return { findings, partitions };
}

/**
 * What is done about each unpaired partition, and which of them refuse a migration.
 *
 * @param holding oids of those that hold a row which needs a foreign key
 */
export function decideUnpaired(
  unpaired: readonly Unpaired[],
  holding: ReadonlySet<number>,
): { refused: PlanFinding[]; partitions: UnpairedPartition[] } {
  const refused: PlanFinding[] = [];
  const partitions: UnpairedPartition[] = [];
  for (const partition of unpaired) {
    const { side, rows, keyless = false, needsPair = true, why = '' } = partition;
    if (side === 'referenced') {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'left as it is: no referencing partition lies in it',
      });
      continue;
    }
    if (keyless) {
      // Its finding is sql/findings/null-only-partition.sql.
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: needsPair
          ? 'refused: MATCH FULL would not be checked'
          : 'needs no foreign key: it can hold no complete key',
      });
      continue;
    }
    if (partition.kind === FOREIGN_TABLE && needsPair) {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'refused: a foreign table can have no foreign key',
      });
      refused.push(
        finding(
          'foreign-table-partition',
          'error',
          `referencing partition ${partition.partition} (${partition.bound}) is a foreign table; p2pfk does not read its rows`,
          'a foreign table cannot have or be the target of a foreign key: detach it first',
        ),
      );
    } else if (holding.has(partition.oid)) {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'refused: its rows would have no foreign key',
      });
      refused.push(
        finding(
          'unpaired-referencing-partition',
          'error',
          `referencing partition ${partition.partition} (${partition.bound}) holds rows, and ${why}`,
          'split one side so that every referencing partition lies in one referenced partition, or move its rows',
        ),
      );
    } else {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'left without a foreign key: it holds no row that needs one',
      });
    }
  }
  return { refused, partitions };
}

/**
 * Whether each referencing leaf has its partner, or needs none: then it does not matter how the partitioned tables are
 * partitioned.
 */
export function isComplete({ pairs, unpaired }: Pairing): boolean {
  return pairs.length > 0 && unpaired.every(({ side, needsPair = true }) => side === 'referenced' || !needsPair);
}

/** Findings about the pairs. */
export function checkPairs({ foreignKey, pairing, input }: PreflightSubject): PlanFinding[] {
  const findings: PlanFinding[] = [];
  const { pairs } = pairing;
  const foreign = pairs.filter(hasForeignTable);
  if (foreign.length > 0) {
    findings.push(
      finding(
        'foreign-table-partition',
        'error',
        `${foreign.length} pair(s) have a foreign table: ${list(foreign.map((pair) => pair.referencing))}`,
        'a foreign table cannot have or be the target of a foreign key: detach it first',
      ),
    );
  }
  if (pairs.length === 0) {
    findings.push(
      finding(
        'no-pairs',
        'error',
        `${foreignKey.table} and ${foreignKey.referencedTable} have no two partitions with the same bound, nor one that lies in another`,
        'there is nothing to connect partition to partition',
      ),
    );
  }
  if (foreignKey.validated === false && foreignKey.migrationId === null) {
    findings.push(
      finding(
        'parent-not-validated',
        'error',
        `foreign key ${foreignKey.constraint_name} is NOT VALID: rows may lie there that it has never checked`,
        'ALTER TABLE ... VALIDATE CONSTRAINT it first: a rollback could not bring it back as it is',
      ),
    );
  }
  const unindexed = pairs.filter((pair) => !pair.has_index);
  if (unindexed.length > 0 && input.noIndexes) {
    findings.push(
      finding(
        'no-indexes',
        'warning',
        `${unindexed.length} referencing partition(s) have no index that serves the foreign key, and none is to be built: a DELETE or UPDATE of a referenced row scans its whole referencing partition, as it does today: ${list(unindexed.map((pair) => pair.referencing))}`,
        'leave --no-indexes out; or build the indexes yourself, before rows of the referenced table are deleted',
      ),
    );
  } else if (unindexed.length > 0) {
    findings.push(
      finding(
        'missing-index',
        'info',
        `${unindexed.length} referencing partition(s) have no index on (${foreignKey.columns}): every DELETE on the referenced side scans them`,
        'none needed: the migration builds them, CONCURRENTLY, before anything else',
      ),
    );
  }
  if (foreignKey.constraint_oid === null) {
    const open = pairs.filter((pair) => !pair.validated || !pair.enforced);
    if (open.length > 0 && foreignKey.migrationId === null) {
      findings.push(
        finding(
          'pair-foreign-key-missing',
          'error',
          `there is no parent foreign key, and ${open.length} pair(s) have no valid, enforced pair foreign key: ${list(open.map((pair) => pair.referencing))}`,
          'run p2pfk verify to see all of them',
        ),
      );
    }
  }
  return findings;
}
