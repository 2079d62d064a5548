//! `each`: steps for every item of a list, several items at once.
//!
//! The list is journaled, and every item has a key that stays its own when the list is another: an item's effects are
//! known by it in later attempts, and in later versions of the record. All items are brought as far as they get,
//! whatever becomes of the others, so that the outcome does not hang on which of them was faster.

use std::collections::{BTreeMap, BTreeSet};

use flow::{EachStep, Scope, Step};
use futures::StreamExt;
use futures::stream;
use sdk::{Timestamp, Value};
use store::Failure;

use super::{Halt, Interpreter};
use crate::durable::Interrupt;

/// Items at work at once, of one list.
const AT_ONCE: usize = 32;

impl Interpreter<'_> {
    pub(super) async fn each(&mut self, step: &Step, each: &EachStep) -> Result<Value, Halt> {
        let items = self.items(step, each).await?;
        let keys = self.item_keys(step, each, &items).await?;
        let numbered: Vec<(usize, (Value, String))> = items.into_iter().zip(keys).enumerate().collect();
        let begun = numbered.into_iter().map(|(number, (item, key))| {
            let mut inner = self.inside(&key);
            async move {
                inner.scope().set(&each.item, &item);
                (number, inner.steps(&each.steps).await)
            }
        });
        // Collected first, so that no future borrows from a closure's captures.
        let begun: Vec<_> = begun.collect();
        let mut ended: Vec<(usize, Result<Value, Halt>)> =
            stream::iter(begun).buffer_unordered(AT_ONCE).collect().await;
        ended.sort_by_key(|(number, _)| *number);
        together(ended.into_iter().map(|(_, result)| result)).map(Value::List)
    }

    /// The list, as it was when it was first looked at.
    async fn items(&mut self, step: &Step, each: &EachStep) -> Result<Vec<Value>, Halt> {
        let key = self.key(step);
        let list = match self.world.kept(&key) {
            Some(kept) => kept,
            None => {
                let list = each.list.clone();
                let list = self.compute(step, move |scope| list.evaluate(scope)).await?;
                let n_items = if let Value::List(items) = &list { items.len() } else { 0 };
                if n_items > each.limit {
                    let message = format!(
                        "the list has {n_items} items, and `limit` is {}; raise `limit` or shorten the list",
                        each.limit
                    );
                    return Err(self.failed(step, "invalid", message));
                }
                self.world.keep(&key, list).await?
            }
        };
        match list {
            Value::List(items) => Ok(items),
            Value::Null => Ok(Vec::new()),
            other => {
                let message = format!("`each` takes a list, and found {}", other.type_name());
                Err(self.failed(step, "invalid", message))
            }
        }
    }

    async fn item_keys(&mut self, step: &Step, each: &EachStep, items: &[Value]) -> Result<Vec<String>, Halt> {
        let Some(template) = each.key.clone() else { return Ok(own_keys(items)) };
        let (name, values) = (each.item.clone(), items.to_vec());
        let keys = self
            .compute(step, move |scope| {
                let names_before = scope.len();
                let mut keys = Vec::new();
                for value in &values {
                    scope.set(&name, value);
                    keys.push(template.evaluate(scope)?.to_text());
                    scope.truncate(names_before);
                }
                Ok(keys)
            })
            .await?;
        let mut seen = BTreeSet::new();
        if let Some(bad) = keys.iter().find(|key| key.is_empty() || !seen.insert(key.as_str())) {
            let message = match bad.is_empty() {
                true => "the `key` of an item is empty, so nothing tells it from the others".to_owned(),
                false => format!("two items have the `key` `{bad}`; it must tell each from the others"),
            };
            return Err(self.failed(step, "invalid", message));
        }
        Ok(keys)
    }

    /// The same run, in one item more.
    fn inside(&mut self, key: &str) -> Self {
        let scope: Scope = self.scope().clone();
        Self {
            run: self.run.clone(),
            world: self.world,
            pace: self.pace,
            scope: Some(scope),
            // Doubled, a bracket in a key ends none of ours.
            item: format!("{}[{}]", self.item, key.replace(']', "]]")),
            errors: self.errors.clone(),
            goes_on: self.goes_on,
        }
    }
}

/// What tells items apart where the author does not say: their `id`, else what they are. Never their position, which
/// another version of the list gives to another item.
fn own_keys(items: &[Value]) -> Vec<String> {
    let mut n_called = BTreeMap::<String, usize>::new();
    let mut taken = BTreeSet::new();
    let key = |item: &Value| match item {
        Value::Map(fields) if fields.get("id").is_some_and(|id| !id.is_null()) => {
            fields.get("id").map(Value::to_text).unwrap_or_default()
        }
        Value::List(_) | Value::Map(_) => {
            blake3::hash(item.to_stored_json().to_string().as_bytes()).to_hex()[..12].to_owned()
        }
        plain => plain.to_text(),
    };
    let mut own_key = |item: &Value| {
        let key = key(item);
        let n_called = n_called.entry(key.clone()).or_default();
        loop {
            *n_called += 1;
            let numbered = if *n_called == 1 { key.clone() } else { format!("{key}#{n_called}") };
            // Another item may read like a number of this one.
            if taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    };
    items.iter().map(&mut own_key).collect()
}

/// What the items' ends mean for the run. As long as one of them is to be tried again, the run is; then those count
/// that ended it, in the order of the list.
fn together(ended: impl Iterator<Item = Result<Value, Halt>>) -> Result<Vec<Value>, Halt> {
    let mut results = Vec::new();
    let mut halted: Option<Halt> = None;
    for end in ended {
        match end {
            Ok(result) => results.push(result),
            Err(halt) => {
                halted = Some(match halted {
                    Some(other) => weightier(other, halt),
                    None => halt,
                });
            }
        }
    }
    match halted {
        Some(halt) => Err(halt),
        None => Ok(results),
    }
}

fn weightier(first: Halt, second: Halt) -> Halt {
    match (weight(&first), weight(&second)) {
        (first_weight, second_weight) if first_weight < second_weight => second,
        _ => first,
    }
}

/// A store that cannot keep anything comes first, then that the run is to stop: items that did not begin have no
/// outcome. A failure after the last try of something that may pass ends the run, or two of them would keep each other
/// trying for ever. Then whatever is tried again: the last of them, so that none comes before its time. Then whatever
/// waits: the first to wake.
fn weight(halt: &Halt) -> (u8, Option<Timestamp>, Option<std::cmp::Reverse<Timestamp>>) {
    match halt {
        Halt::Interrupted(Interrupt::Store(_)) => (5, None, None),
        Halt::Interrupted(Interrupt::Stopped) => (4, None, None),
        Halt::Failed(Failure { class, .. }) if *class == sdk::Class::Transient.as_str() => (3, None, None),
        Halt::Interrupted(Interrupt::Park { due_at, .. }) => (2, Some(*due_at), None),
        Halt::Interrupted(Interrupt::Wait { due_at }) => (1, None, Some(std::cmp::Reverse(*due_at))),
        Halt::Failed(_) | Halt::Ended(_) => (0, None, None),
    }
}
