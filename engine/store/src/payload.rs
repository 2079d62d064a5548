//! Bodies as they are stored: JSON that keeps every type, compressed where that helps.
//!
//! The first byte says how the rest is to be read, so that an old body stays readable when a better way is found.

use sdk::{Fields, Record, RecordId, Timestamp, Value};
use serde_json::Value as Json;

use crate::{Error, error::Result};

/// Plain JSON follows.
const PLAIN: u8 = 0;
/// JSON compressed by LZ4 follows, behind its length.
const LZ4: u8 = 1;
/// Shorter bodies do not become smaller.
const WORTH_COMPRESSING: usize = 128;
/// No body of ours is larger; a damaged length must not make us reserve more.
const LARGEST: usize = 256 << 20;

/// A record as a body.
pub(crate) fn pack_record(record: &Record) -> Vec<u8> {
    let fields: serde_json::Map<String, Json> =
        record.fields.iter().map(|(name, value)| (name.clone(), value.to_stored_json())).collect();
    let mut json = serde_json::json!({
        "id": record.id.as_str(),
        "modified": record.modified.millis(),
        "fields": fields,
    });
    if let Some(created) = record.created {
        json["created"] = created.millis().into();
    }
    pack(&json)
}

/// The record of a body.
pub(crate) fn unpack_record(body: &[u8]) -> Result<Record> {
    let json = unpack(body)?;
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let millis = |name: &str| json.get(name).and_then(Json::as_i64);
    let (Some(id), Some(modified), Some(fields)) =
        (text("id"), millis("modified"), json.get("fields").and_then(Json::as_object))
    else {
        return Err(Error::corrupt("a stored record lacks its id, its stamp or its fields"));
    };
    Ok(Record {
        id: RecordId::new(id),
        created: millis("created").map(Timestamp::from_millis),
        modified: Timestamp::from_millis(modified),
        fields: fields.iter().map(|(name, value)| (name.clone(), Value::from_stored_json(value))).collect::<Fields>(),
    })
}

/// A value as a body.
pub(crate) fn pack_value(value: &Value) -> Vec<u8> {
    pack(&value.to_stored_json())
}

/// The value of a body.
pub(crate) fn unpack_value(body: &[u8]) -> Result<Value> {
    Ok(Value::from_stored_json(&unpack(body)?))
}

/// JSON as a body.
pub(crate) fn pack(json: &Json) -> Vec<u8> {
    let text = json.to_string();
    let (how, body) = if text.len() < WORTH_COMPRESSING {
        (PLAIN, text.into_bytes())
    } else {
        (LZ4, lz4_flex::block::compress_prepend_size(text.as_bytes()))
    };
    let mut packed = Vec::with_capacity(body.len() + 1);
    packed.push(how);
    packed.extend_from_slice(&body);
    packed
}

/// The JSON of a body.
pub(crate) fn unpack(packed: &[u8]) -> Result<Json> {
    let damaged = |what: String| Error::corrupt(format!("a stored body cannot be read: {what}"));
    let plain = match packed.split_first() {
        Some((&PLAIN, body)) => body.to_vec(),
        Some((&LZ4, body)) => match lz4_flex::block::uncompressed_size(body) {
            Ok((length, body)) if length <= LARGEST => {
                lz4_flex::block::decompress(body, length).map_err(|error| damaged(error.to_string()))?
            }
            Ok((length, _)) => return Err(damaged(format!("it claims {length} bytes"))),
            Err(error) => return Err(damaged(error.to_string())),
        },
        Some((how, _)) => return Err(damaged(format!("its form {how} is not known"))),
        None => return Err(damaged("it is empty".to_owned())),
    };
    serde_json::from_slice(&plain).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(note: &str) -> Record {
        Record {
            id: "0017".into(),
            created: Some(Timestamp::from_millis(5)),
            modified: Timestamp::from_millis(1_700_000_000_123),
            fields: Fields::from([
                ("note".to_owned(), Value::from(note)),
                ("$date".to_owned(), Value::from("2026-01-02")),
                ("born".to_owned(), Value::Date("2001-02-03".parse().unwrap())),
                ("at".to_owned(), Value::Moment(Timestamp::from_millis(-7))),
                ("list".to_owned(), Value::List(vec![Value::Null, Value::Bool(true), Value::Float(0.5)])),
            ]),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for note in ["short".to_owned(), "long and longer, ".repeat(1000)] {
            let mut record = record(&note);
            assert_eq!(unpack_record(&pack_record(&record)).unwrap(), record);
            record.created = None;
            assert_eq!(unpack_record(&pack_record(&record)).unwrap(), record);
        }
    }

    #[test]
    fn long_bodies_become_smaller() {
        let note = "long and longer, ".repeat(1000);
        assert!(pack_record(&record(&note)).len() < note.len() / 10);
    }

    #[test]
    fn a_damaged_body_is_an_error_and_reserves_nothing() {
        let good = pack_value(&Value::from("a text that is long enough to be compressed. ".repeat(20).as_str()));
        let mut huge = good.clone();
        huge[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        for damaged in [&[][..], &[9, 1, 2], &[PLAIN, b'{'], &good[..good.len() - 1], &huge] {
            assert!(matches!(unpack_value(damaged), Err(Error::Corrupt { .. })), "{damaged:?}");
        }
    }
}
