//! Time, order and retries.
//!
//! In the order in which a record meets them: the scheduler says when to poll, the poller reads and checkpoints, the
//! dispatcher claims runs, the interpreter takes their steps, and effects carry writes to the services.

pub mod budgets;
pub mod calls;
pub mod connections;
pub mod durable;
pub mod effects;
pub mod engine;
pub mod events;
mod hash;
pub mod housekeeping;
pub mod inputs;
pub mod interpreter;
pub mod offload;
pub mod poller;
pub mod presence;
pub mod retry;
pub mod run_log;
pub mod scheduler;
pub mod server_clock;
pub mod status;
pub mod stopping;
#[cfg(test)]
mod testing;
mod walker;

pub use connections::Connections;
pub use engine::{Command, Drain, Engine, EngineOptions, Exchange, Exchanged, Handle, Removal};
pub use housekeeping::RetentionPolicy;
pub use poller::{PollError, PollFailed, PollOptions, Polled, Poller};
pub use scheduler::{Alarm, CronAlarm, QueueAlarm};
pub use status::{FlowStatus, LastPoll, TriggerKind};
