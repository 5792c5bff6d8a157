/** Severities of notices and alarms: how soon a person has to look. */
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/**
 * - `page`: a person is needed now; every row is still guarded.
 * - `warning`: look today: something did not succeed, or waits for a person.
 * - `info`: news, and refusals, which changed nothing.
 */
export type Severity = 'page' | 'warning' | 'info';

/** The SNS topic of each severity. */
export type Topics = Readonly<Record<Severity, ITopic>>;
