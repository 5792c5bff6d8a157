/** ARNs of the local endpoint, with an account and a region that do not exist. */

const PREFIX = 'arn:aws:states:local:000000000000';

export const STATE_MACHINE_NAME = 'p2pfk';
export const STATE_MACHINE_ARN = `${PREFIX}:stateMachine:${STATE_MACHINE_NAME}`;

/** In AWS, the role that the state machine runs as. There is none here, but the first event of a history has one. */
export const ROLE_ARN = 'arn:aws:iam::000000000000:role/p2pfk';

/** @param name name of the execution */
export function executionArn(name: string): string {
  return `${PREFIX}:execution:${STATE_MACHINE_NAME}:${name}`;
}
