/** Hears what becomes of messages to webhooks: for metrics. Called in the sender's loop, so it must not throw. */
export interface NotificationObserver {
  /**
   * A try has ended, or a message was given up without one. `sent`: the webhook
   * has it, as far as one can know. `retry`: it is tried again. `dropped`: it is
   * given up; called once for each message.
   */
  tried(outcome: "sent" | "retry" | "dropped"): void;
}
