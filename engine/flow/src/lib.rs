//! Flow files in, checked flows and diagnostics out: pure, no I/O, no async.

pub mod expr;
pub mod model;

pub use expr::{EvaluationError, Expression, Scope, Template};
pub use model::{
    Assignments, FindStep, Flow, Limits, Many, On, OnMissing, Poll, Retry, Start, Step, StepKind, Target, Trigger,
    UpsertKey, WriteStep,
};
