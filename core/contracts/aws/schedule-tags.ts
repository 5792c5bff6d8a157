/** Tags that the stack writes on its state machine, and `p2pfk schedule` reads there. */
export const ScheduleTag = {
  /** ARN of the role by which EventBridge Scheduler starts the state machine. */
  Role: 'p2pfk:schedule-role',
  /** ARN of the queue for openings that could not be delivered. */
  DeadLetterQueue: 'p2pfk:schedule-dead-letters',
  /** Name of the schedule group that the role trusts. */
  Group: 'p2pfk:schedule-group',
} as const;
