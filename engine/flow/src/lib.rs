//! Flow files in, checked flows and diagnostics out: pure, no I/O, no async.

pub mod access;
pub mod assist;
pub mod check;
pub mod codes;
pub mod definition;
pub mod expr;
mod instance;
pub mod language;
pub mod layout;
pub mod memory;
pub mod model;
pub mod parse;
pub mod project;
mod schedule;
pub mod template;

pub use access::Access;
pub use check::{Checked, CheckedSyncs, ProjectDefaults, check, check_syncs, check_tests};
pub use definition::{FlowDefinition, SyncDefinition, TestDefinition};
pub use expr::{EvaluationError, Expression, Scope, Template};
pub use layout::lay_out;
pub use memory::Memory;
pub use model::{
    Accepts, Assignments, AtLeast, Brake, Brakes, Conflict, Deleted, Direction, DoStep, EachStep, Every, Expect,
    FindStep, Flow, Hmac, HmacAlgorithm, HmacEncoding, Input, InputType, Limits, Manual, Many, Missed, Most, NotRun,
    On, OnError, OnMissing, Period, Policy, Poll, Retry, Rule, RuleQuestion, RunStep, Schedule, Side, Start, Step,
    StepKind, Sync, SyncField, SyncOf, Target, Times, Trigger, UpsertKey, Verify, Wait, Walk, Way, Webhook, WriteStep,
};
pub use parse::{Parsed, duration, parse};
pub use project::{
    ConnectionDefinition, ProjectFile, SettingText, overlay, parse_connections, parse_project, resolve_settings,
};

#[cfg(test)]
mod ui;
