/** The JSON documents with a published schema, docs/schemas/<name>.schema.json. docs/json.md and the pages of the commands name them. */
import type * as z from 'zod';
import { ScanDocument } from '../scan-document.ts';
import { ApprovalDocument, WithdrawalDocument } from './approval.ts';
import { AuditDocument, ProvisionDocument } from './audit.ts';
import {
  DemoDocument,
  HistoryDocument,
  ScheduledDocument,
  SchedulesDocument,
  ServedDocument,
  StartedDocument,
  StoppedDocument,
  UnscheduledDocument,
} from './executions.ts';
import { FailureDocument } from './failure.ts';
import { EventLineDocument, MigrationDocument, VerificationDocument } from './migration.ts';
import { PlanDocument, SavedPlanDocument } from './plan.ts';
import { DoctorDocument, ListDocument, PaceDocument, StatusDocument } from './status.ts';

interface Published {
  /** The file is docs/schemas/<name>.schema.json, but for `scan`, which was published before there were others. */
  readonly name: string;
  /** The commands that print it. */
  readonly commands: readonly string[];
  /** How they are called for it. */
  readonly option: string;
  readonly schema: z.ZodType;
}

export const PUBLISHED: readonly Published[] = [
  { name: 'scan', commands: ['scan'], option: '--json', schema: ScanDocument },
  { name: 'plan', commands: ['plan'], option: '--json', schema: PlanDocument },
  { name: 'saved-plan', commands: ['plan'], option: '--out', schema: SavedPlanDocument },
  { name: 'migration', commands: ['migrate', 'rollback', 'watch'], option: '--json', schema: MigrationDocument },
  { name: 'migration', commands: ['start'], option: '--wait --json', schema: MigrationDocument },
  { name: 'event-line', commands: ['migrate', 'rollback', 'watch'], option: '--json-lines', schema: EventLineDocument },
  { name: 'approval', commands: ['approve'], option: '--json', schema: ApprovalDocument },
  { name: 'withdrawal', commands: ['approve'], option: '--withdraw --json', schema: WithdrawalDocument },
  { name: 'verification', commands: ['verify'], option: '--json', schema: VerificationDocument },
  { name: 'list', commands: ['list'], option: '--json', schema: ListDocument },
  { name: 'status', commands: ['status'], option: '--json', schema: StatusDocument },
  { name: 'provision', commands: ['provision'], option: '--json', schema: ProvisionDocument },
  { name: 'audit', commands: ['audit'], option: '--json', schema: AuditDocument },
  { name: 'pace', commands: ['throttle', 'hold', 'resume'], option: '--json', schema: PaceDocument },
  { name: 'doctor', commands: ['doctor'], option: '--json', schema: DoctorDocument },
  { name: 'started', commands: ['start'], option: '--json', schema: StartedDocument },
  { name: 'stopped', commands: ['stop'], option: '--json', schema: StoppedDocument },
  { name: 'history', commands: ['history'], option: '--json', schema: HistoryDocument },
  { name: 'scheduled', commands: ['schedule'], option: '--json', schema: ScheduledDocument },
  { name: 'schedules', commands: ['schedule'], option: '--list --json', schema: SchedulesDocument },
  { name: 'unscheduled', commands: ['schedule'], option: '--remove NAME --json', schema: UnscheduledDocument },
  { name: 'served', commands: ['serve'], option: '--json', schema: ServedDocument },
  { name: 'demo', commands: ['demo'], option: '--json', schema: DemoDocument },
  { name: 'error', commands: [], option: '--json', schema: FailureDocument },
];
