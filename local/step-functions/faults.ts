/** Errors that the endpoint returns, with the names and messages of Step Functions. */
import { redact } from '../../core/contracts/redact.ts';

/** An error of the API. `name` is its type in the answer, from which the SDKs make their typed errors. */
export class ServiceFault extends Error {
  override readonly name: string;

  constructor(type: string, message: string) {
    super(message);
    this.name = type;
  }
}

export const invalidArn = (arn: string) =>
  new ServiceFault('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${redact(arn)}'`);

export const invalidName = (name: string) => new ServiceFault('InvalidName', `Invalid Name: '${redact(name)}'`);

export const invalidInput = (why: string) =>
  new ServiceFault('InvalidExecutionInput', `Invalid State Machine Execution Input: '${why}'`);

export const invalidToken = () => new ServiceFault('InvalidToken', "Invalid Token: 'Invalid token'");

export const noSuchExecution = (arn: string) =>
  new ServiceFault('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);

export const noSuchStateMachine = (arn: string) =>
  new ServiceFault('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);

export const alreadyExists = (arn: string) =>
  new ServiceFault('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);

export const invalidRequest = (field: string, problem: string) =>
  new ServiceFault(
    'ValidationException',
    `1 validation error detected: Value at '${field}' failed to satisfy constraint: ${problem}`,
  );

export const unknownOperation = (operation: string) =>
  new ServiceFault('UnknownOperationException', `The local endpoint has no operation ${operation}.`);

export const notJson = () => new ServiceFault('SerializationException', 'The request body is not a JSON object.');
