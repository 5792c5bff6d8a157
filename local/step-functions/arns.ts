/** ARNs of the local endpoint: those of an account that nobody has, in a region that there is not. */

const PREFIX = 'arn:aws:states:local:000000000000';

export const STATE_MACHINE_NAME = 'p2pfk';
export const STATE_MACHINE_ARN = `${PREFIX}:stateMachine:${STATE_MACHINE_NAME}`;

/** In AWS the role that the state machine runs under. Here there is none; the histories of AWS have it in their first event. */
export const ROLE_ARN = 'arn:aws:iam::000000000000:role/p2pfk';

/** @param name of the execution */
export function executionArn(name: string): string {
  return `${PREFIX}:execution:${STATE_MACHINE_NAME}:${name}`;
}
