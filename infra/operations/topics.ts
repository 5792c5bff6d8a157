/** Where notices and alarms go, by how soon a person has to look. */
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/**
 * - `page`: a person is needed now; every row is still guarded.
 * - `warning`: look today: something did not succeed, or waits for a person.
 * - `info`: news, and refusals, by which nothing was changed.
 */
export type Severity = 'page' | 'warning' | 'info';

export type Topics = Readonly<Record<Severity, ITopic>>;
