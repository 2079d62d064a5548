//! Between our values and Rhai's: in once per record, out once per result. What is too large to compute with can
//! still be passed on as it is.

use std::sync::Arc;

use jiff::civil::Date;
use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map};
use sdk::{Fields, Timestamp, Value};

use super::limits;

/// A value that is too large to compute with. Any function refuses it by name; as a result it is passed on whole.
#[derive(Clone)]
pub(super) struct TooLarge(Arc<(String, Value)>);

impl TooLarge {
    /// Why it cannot be used.
    pub(super) fn complaint(&self) -> String {
        let (name, value) = &*self.0;
        let mut size = Size::default();
        size.add(value, 0);
        let what = value.type_name();
        let how_large = match value {
            Value::Text(text) => format!("{} KB", text.len() / 1024),
            Value::List(items) => format!("{} items, {} KB of text", items.len(), size.text / 1024),
            _ => format!("{} entries, {} KB of text", size.entries, size.text / 1024),
        };
        format!(
            "the {what} `{name}` is too large to compute with ({how_large}; at most {} KB of text, {} items, {} entries): \
             it can only be passed on whole",
            limits::TEXT / 1024,
            limits::LIST,
            limits::MAP
        )
    }

    /// The value itself.
    pub(super) fn value(&self) -> &Value {
        &self.0.1
    }
}

/// A root name's value. The entries of a map stand each for itself, so that a large one does not spoil the others.
pub(super) fn root(name: &str, value: &Value) -> Dynamic {
    match value {
        Value::Map(fields) => fields_of(name, fields),
        other => bounded(name, other),
    }
}

/// A record's fields, or those of a step's result.
pub(super) fn fields_of(name: &str, fields: &Fields) -> Dynamic {
    let map: Map = fields
        .iter()
        .map(|(field, value)| {
            let value = if is_small(value) { plain(value) } else { bounded(&format!("{name}.{field}"), value) };
            (field.as_str().into(), value)
        })
        .collect();
    map.into()
}

/// Whether it needs no measuring, as most fields do not.
fn is_small(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::Moment(_) => true,
        Value::Text(text) => text.len() <= limits::TEXT,
        Value::List(_) | Value::Map(_) => false,
    }
}

fn bounded(name: &str, value: &Value) -> Dynamic {
    let mut size = Size::default();
    size.add(value, 0);
    if size.fits() { plain(value) } else { Dynamic::from(TooLarge(Arc::new((name.to_owned(), value.clone())))) }
}

/// Without measuring: for values made within the limits.
pub(super) fn plain(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => ImmutableString::from(text.as_str()).into(),
        Value::Date(date) => Dynamic::from(*date),
        Value::Moment(moment) => Dynamic::from(*moment),
        Value::List(items) => items.iter().map(plain).collect::<Array>().into(),
        Value::Map(fields) => {
            fields.iter().map(|(name, value)| (name.as_str().into(), plain(value))).collect::<Map>().into()
        }
    }
}

/// Sizes as Rhai counts them.
#[derive(Default)]
struct Size {
    items: usize,
    entries: usize,
    text: usize,
    depth: usize,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize) {
        self.depth = self.depth.max(depth);
        match value {
            Value::Text(text) => self.text += text.len(),
            Value::List(items) => {
                self.items += items.len();
                items.iter().for_each(|item| self.add(item, depth + 1));
            }
            Value::Map(fields) => {
                self.entries += fields.len();
                fields.values().for_each(|field| self.add(field, depth + 1));
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::Moment(_) => {}
        }
    }

    fn fits(&self) -> bool {
        self.items <= limits::LIST
            && self.entries <= limits::MAP
            && self.text <= limits::TEXT
            && self.depth < limits::DEPTH
    }
}

/// A result as our value, or why it cannot be one.
pub(super) fn value_of(result: &Dynamic) -> Result<Value, String> {
    value_at(result, 0)
}

fn value_at(result: &Dynamic, depth: usize) -> Result<Value, String> {
    if depth > limits::DEPTH {
        return Err(format!("the result has more than {} lists and maps within each other", limits::DEPTH));
    }
    if result.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = result.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(number) = result.as_int() {
        return Ok(Value::Int(number));
    }
    if let Ok(number) = result.as_float() {
        return if number.is_finite() {
            Ok(Value::Float(number))
        } else {
            Err("the result is not a finite number; was something divided by zero, or too large?".to_owned())
        };
    }
    if let Some(text) = result.read_lock::<ImmutableString>() {
        return Ok(Value::Text(text.as_str().to_owned()));
    }
    if let Ok(character) = result.as_char() {
        return Ok(Value::Text(character.to_string()));
    }
    if let Some(date) = result.read_lock::<Date>() {
        return Ok(Value::Date(*date));
    }
    if let Some(moment) = result.read_lock::<Timestamp>() {
        return Ok(Value::Moment(*moment));
    }
    if let Some(large) = result.read_lock::<TooLarge>() {
        return Ok(large.value().clone());
    }
    if let Some(items) = result.read_lock::<Array>() {
        return items.iter().map(|item| value_at(item, depth + 1)).collect::<Result<_, _>>().map(Value::List);
    }
    if let Some(map) = result.read_lock::<Map>() {
        let fields = map.iter().map(|(name, value)| Ok((name.to_string(), value_at(value, depth + 1)?)));
        return fields.collect::<Result<_, String>>().map(Value::Map);
    }
    Err(match result.is::<FnPtr>() {
        true => "the result is a function such as `|x| …`, which is only of use inside `map`, `filter` and their like"
            .into(),
        false => "the result is a range such as `1..5`, which is only of use after `in` or in `[ ]`".into(),
    })
}
