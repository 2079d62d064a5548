//! The names that a run's expressions see, converted once and used by every expression of the run.

use jiff::tz::TimeZone;
use rhai::{Dynamic, Map};
use sdk::{Fields, Record, RunId, Timestamp, Value};

use super::convert;
use crate::model::{Input, Manual, Schedule, Trigger};

/// The names that a run's expressions see, with their values.
#[derive(Clone, Debug)]
pub struct Scope {
    /// All constants: nothing that an expression calls could change them.
    pub(super) names: rhai::Scope<'static>,
    pub(super) zone: TimeZone,
}

impl Scope {
    /// `run`, `flow` and `now` of one run, with its `record` where the flow's trigger has records. What a caller gave
    /// to a manual flow is kept as such a record, and is seen as `inputs`.
    pub fn new(flow: &crate::Flow, record: &Record, run: RunId, now: Timestamp) -> Self {
        let about_flow = [("id".into(), flow.id.as_str().into())].into_iter().collect::<Map>();
        let about_run = [("id".into(), run.to_string().into())].into_iter().collect::<Map>();
        let mut scope = Self { names: rhai::Scope::new(), zone: flow.timezone.clone() };
        // What its template's form says, and what a caller gives: no name is among both.
        let mut inputs = flow.inputs.clone();
        match &flow.trigger {
            Trigger::Manual(manual) => inputs.extend(given(manual, &record.fields)),
            Trigger::Poll(_) | Trigger::Schedule(Schedule { walk: Some(_), .. }) => {
                scope.names.push_constant_dynamic("record", record_map(record));
            }
            // What a service told is kept as the fields of such a record.
            Trigger::Webhook(_) => {
                scope.names.push_constant_dynamic("body", convert::fields_of("body", &record.fields));
            }
            Trigger::Schedule(Schedule { walk: None, .. }) => {}
        }
        if !inputs.is_empty() || matches!(flow.trigger, Trigger::Manual(_)) {
            scope.names.push_constant_dynamic("inputs", convert::fields_of("inputs", &inputs));
        }
        scope.names.push_constant_dynamic("run", about_run.into());
        scope.names.push_constant_dynamic("flow", about_flow.into());
        scope.names.push_constant_dynamic("now", Dynamic::from(now));
        scope
    }

    /// Adds a name made by a step; it hides an earlier one.
    pub fn set(&mut self, name: &str, value: &Value) {
        self.names.push_constant_dynamic(name, convert::root(name, value));
    }

    /// When a day begins where the flow is at home; `None` for a day outside of all calendars.
    pub fn begin_of(&self, day: jiff::civil::Date) -> Option<Timestamp> {
        let begin = day.to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_millis(begin.timestamp().as_millisecond()))
    }

    /// How many names there are, for [`Scope::truncate`].
    #[expect(clippy::len_without_is_empty, reason = "it is a mark to return to; no scope is empty")]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Forgets the names made since there were `len`.
    pub fn truncate(&mut self, len: usize) {
        self.names.rewind(len);
    }
}

/// Every input of the flow: as it was given, else its default, else `()`.
fn given(manual: &Manual, fields: &Fields) -> Fields {
    let value = |input: &Input| {
        let given = fields.get(&input.name).filter(|value| !value.is_null());
        given.or(input.default.as_ref()).cloned().unwrap_or(Value::Null)
    };
    manual.inputs.iter().map(|input| (input.name.clone(), value(input))).collect()
}

/// The fields, with `id` and `meta`, which hide fields of those names.
fn record_map(record: &Record) -> Dynamic {
    let mut fields = convert::fields_of("record", &record.fields);
    let created = record.created.map_or(Dynamic::UNIT, Dynamic::from);
    let meta: Map =
        [("created".into(), created), ("updated".into(), Dynamic::from(record.modified))].into_iter().collect();
    if let Some(mut map) = fields.write_lock::<Map>() {
        map.insert("id".into(), record.id.as_str().into());
        map.insert("meta".into(), meta.into());
    }
    fields
}
