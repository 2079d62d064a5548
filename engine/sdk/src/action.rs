//! Actions that a connector declares under names of its own: what a flow's `do` runs.
//!
//! Creating, updating, finding and deleting records are not among them; every connector has the same words for those.

use crate::{EffectId, FieldType, Fields};

/// What is known of one action before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionSchema {
    /// Its name in flows: `[a-z][a-z0-9_]*`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// One sentence on what it does; empty where its title says it all.
    pub help: String,
    /// What it is given under `with`, in the order in which people are asked for it.
    pub inputs: Vec<ActionInput>,
    /// What it leaves behind; a step's `as` sees these.
    pub results: Vec<ActionResult>,
    /// What our credentials must be granted, any one of these; none where that is empty.
    pub scopes: Vec<String>,
}

/// One value that an action is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionInput {
    /// Its name under `with`.
    pub name: String,
    /// What it holds.
    pub field_type: FieldType,
    /// The values allowed of a choice; empty for other types.
    pub options: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// One sentence for the author.
    pub help: String,
}

/// One value that an action leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub field_type: FieldType,
}

/// One call of an action.
#[derive(Clone, Debug)]
pub struct ActionCall {
    /// The same for every attempt; the idempotency key where a service takes one.
    pub effect_id: EffectId,
    /// Which action.
    pub action: String,
    /// What it is given; an input that is missing here, or [`crate::Value::Null`], is not given.
    pub with: Fields,
}

/// How an action ended at the service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActionOutcome {
    /// The values that its schema names, each [`crate::Value::Null`] where the service did not tell.
    pub result: Fields,
}

impl ActionSchema {
    /// The input of a name.
    pub fn input(&self, name: &str) -> Option<&ActionInput> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The result of a name.
    pub fn result(&self, name: &str) -> Option<&ActionResult> {
        self.results.iter().find(|result| result.name == name)
    }
}
