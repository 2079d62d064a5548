//! Time, order and retries: scheduler, poller, dispatcher, interpreter, effects.
