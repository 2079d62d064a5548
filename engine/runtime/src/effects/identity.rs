//! What makes a write this write and no other, and which record it is about.

use sdk::faults::planted;
use sdk::{EffectId, Match, RecordId, Value, Verb};

use super::Asked;
use super::change::Change;
use crate::connections::OpenConnection;

/// The write's id: the same for every attempt, restart and renaming of its flow.
pub(super) fn effect_id(asked: &Asked<'_>) -> EffectId {
    let Asked { run, key, connection, .. } = asked;
    if planted("run id in the effect id") {
        return EffectId::new(format!("{}-{}-{key}", run.id, run.attempt));
    }
    let item = if planted("no item in the effect id") { "" } else { key.item.as_str() };
    let occasion = format!("{}@{}#{:x}", run.record.id, run.version.stamp.millis(), run.version.hash);
    EffectId::derive(asked.flow_identity, &key.step, &connection.name, item, &occasion, &run.nonce)
}

/// Which record at the target a write is about, so that two such writes never overlap; `None` for a plain
/// create, and for an action, which may be about several.
pub(super) fn target_key(connection: &OpenConnection, change: &Change) -> Option<String> {
    let Change::Write(write) = change else { return None };
    let id_key = |id: &RecordId| format!("{}.{} id={id}", connection.name, write.object);
    match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => None,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } | Verb::Delete { id } => Some(id_key(id)),
        Verb::Upsert { by: Match::Fields(fields), .. } => {
            let values = fields.iter().map(|field| format!(" {field}={}", key_text(write.fields.get(field))));
            Some(format!("{}.{}{}", connection.name, write.object, values.collect::<String>()))
        }
    }
}

/// A key's value as services compare it: they trim, and few tell case apart. Two that are taken for one only wait for
/// each other.
pub(super) fn key_text(value: Option<&Value>) -> String {
    value.map(Value::to_text).unwrap_or_default().trim().to_lowercase()
}

/// Hash over what is written, for those who look whether two writes were the same.
pub(super) fn request_hash(change: &Change) -> u64 {
    let text = Value::Map(change.fields().clone()).to_stored_json().to_string();
    crate::hash::first_eight(&blake3::hash(text.as_bytes()))
}
