//! Flows that go by the clock: which time comes next, and what wakes the loop for it.
//!
//! The next time of each flow is kept in the store. An [`Alarm`] only says "look there": a tick that is lost, doubled
//! or early changes nothing.

mod alarm;
mod calendar;
mod cron;

pub use alarm::{Alarm, QueueAlarm};
pub(crate) use calendar::{Calendar, Decision};
pub use cron::CronAlarm;
