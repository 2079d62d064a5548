//! Comparing: only what has the same type, and anything with `()` by `==` and `!=`. Rhai alone would call different
//! types unequal and say nothing, and a condition on a number that arrived as text would skip every record.

use std::any::TypeId;
use std::cmp::Ordering;
use std::ops::{Range, RangeInclusive};

use jiff::civil::Date;
use rhai::{Array, Dynamic, Engine, FnPtr, ImmutableString, Map};
use sdk::Timestamp;

use super::convert::TooLarge;
use super::failure::{Complaint, Failed, refuse};
use super::limits;

/// The operator's name where items of two lists or maps are compared, not what stands beside the operator.
pub(super) const ITEMS: &str = "items";

/// A value's type as authors know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `()`.
    Nothing,
    /// True or false.
    Boolean,
    /// With or without a fraction.
    Number,
    /// Text, a single character of one too.
    Text,
    /// A day.
    Date,
    /// A moment.
    Moment,
    /// A list.
    List,
    /// Named values.
    Map,
    /// Such as `1..5`.
    Range,
    /// Such as `|x| x`.
    Function,
    /// What can only be passed on whole.
    TooLarge,
}

impl Kind {
    /// The kind of a value.
    pub(super) fn of(value: &Dynamic) -> Self {
        if value.is_unit() {
            Self::Nothing
        } else if value.is_int() || value.is_float() {
            Self::Number
        } else if value.is_string() || value.is_char() {
            Self::Text
        } else if value.is_bool() {
            Self::Boolean
        } else if value.is_array() {
            Self::List
        } else if value.is_map() {
            Self::Map
        } else if value.is::<Date>() {
            Self::Date
        } else if value.is::<Timestamp>() {
            Self::Moment
        } else if value.is::<FnPtr>() {
            Self::Function
        } else if value.is::<TooLarge>() {
            Self::TooLarge
        } else {
            Self::Range
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Text => "text",
            Self::Date => "date",
            Self::Moment => "moment",
            Self::List => "list",
            Self::Map => "map",
            Self::Range => "range",
            Self::Function => "function",
            Self::TooLarge => "too large a value",
        }
    }

    /// How a sentence says what something of it is: `text`, `a number`.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Date => "a date",
            Self::Moment => "a moment",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Range => "a range",
            Self::Function => "a function such as `|x| …`",
            Self::TooLarge => "too large a value",
        }
    }
}

/// Makes every comparison ours. Rhai's own are only asked where nothing is registered.
pub(super) fn register(engine: &mut Engine) {
    // The usual pairs are registered by their own types as well: found at the first look instead of the fourth.
    let any = TypeId::of::<Dynamic>();
    let text = TypeId::of::<ImmutableString>();
    let (int, float, nothing) = (TypeId::of::<i64>(), TypeId::of::<f64>(), TypeId::of::<()>());
    let pairs = [
        [any, any],
        [text, text],
        [int, int],
        [float, float],
        [int, float],
        [float, int],
        [text, nothing],
        [int, nothing],
        [float, nothing],
        [TypeId::of::<Map>(), nothing],
        [TypeId::of::<bool>(), TypeId::of::<bool>()],
    ];
    for pair in pairs {
        engine.register_raw_fn("==", pair, |_, operands| equal(operands[0], operands[1], "=="));
        engine.register_raw_fn("!=", pair, |_, operands| Ok(!equal(operands[0], operands[1], "!=")?));
        engine.register_raw_fn("<", pair, |_, operands| Ok(order(operands[0], operands[1], "<")?.is_lt()));
        engine.register_raw_fn("<=", pair, |_, operands| Ok(order(operands[0], operands[1], "<=")?.is_le()));
        engine.register_raw_fn(">", pair, |_, operands| Ok(order(operands[0], operands[1], ">")?.is_gt()));
        engine.register_raw_fn(">=", pair, |_, operands| Ok(order(operands[0], operands[1], ">=")?.is_ge()));
    }
}

/// Whether two values are equal; values of different types are a mistake, save that `()` is unequal to all others.
pub(super) fn equal(left: &Dynamic, right: &Dynamic, operator: &'static str) -> Result<bool, Failed> {
    equal_at(left, right, operator, 0)
}

fn equal_at(left: &Dynamic, right: &Dynamic, operator: &'static str, depth: usize) -> Result<bool, Failed> {
    if left.is_unit() || right.is_unit() {
        return Ok(left.is_unit() && right.is_unit());
    }
    let (left_kind, right_kind) = (Kind::of(left), Kind::of(right));
    match (left_kind, right_kind) {
        (Kind::TooLarge, _) | (_, Kind::TooLarge) => Err(too_large(left, right)),
        (Kind::List, Kind::List) => {
            let (Some(left), Some(right)) = (left.read_lock::<Array>(), right.read_lock::<Array>()) else {
                return Ok(false);
            };
            deeper(depth)?;
            limits::pay(left.len() * 8)?;
            if left.len() != right.len() {
                return Ok(false);
            }
            left.iter()
                .zip(right.iter())
                .try_fold(true, |so_far, (left, right)| Ok(so_far && equal_at(left, right, ITEMS, depth + 1)?))
        }
        (Kind::Map, Kind::Map) => {
            let (Some(left), Some(right)) = (left.read_lock::<Map>(), right.read_lock::<Map>()) else {
                return Ok(false);
            };
            deeper(depth)?;
            limits::pay(left.len() * 8)?;
            if !left.keys().eq(right.keys()) {
                return Ok(false);
            }
            left.values()
                .zip(right.values())
                .try_fold(true, |so_far, (left, right)| Ok(so_far && equal_at(left, right, ITEMS, depth + 1)?))
        }
        (Kind::Boolean, Kind::Boolean) => Ok(left.as_bool() == right.as_bool()),
        (Kind::Range, Kind::Range) => Ok(same::<Range<i64>>(left, right) || same::<RangeInclusive<i64>>(left, right)),
        (Kind::Function, _) | (_, Kind::Function) => Err(mismatch(operator, left_kind, right_kind)),
        _ => Ok(order(left, right, operator)?.is_eq()),
    }
}

fn same<T: PartialEq + Clone + Send + Sync + 'static>(left: &Dynamic, right: &Dynamic) -> bool {
    matches!((left.read_lock::<T>(), right.read_lock::<T>()), (Some(left), Some(right)) if *left == *right)
}

fn deeper(depth: usize) -> Result<(), Failed> {
    if depth < limits::DEPTH { Ok(()) } else { Err(refuse("these lists or maps are nested too deeply to be compared")) }
}

/// The order of two values of one type that has an order: numbers, texts, dates, moments.
pub(super) fn order(left: &Dynamic, right: &Dynamic, operator: &'static str) -> Result<Ordering, Failed> {
    let found = match (Kind::of(left), Kind::of(right)) {
        (Kind::Number, Kind::Number) => {
            let found = match (left.as_int(), right.as_int()) {
                (Ok(left), Ok(right)) => Some(left.cmp(&right)),
                _ => as_float(left).partial_cmp(&as_float(right)),
            };
            return found.ok_or_else(|| refuse("one of these is not a finite number; was something divided by zero?"));
        }
        (Kind::Text, Kind::Text) => match (left.read_lock::<ImmutableString>(), right.read_lock::<ImmutableString>()) {
            (Some(left), Some(right)) => {
                limits::pay(left.len().min(right.len()))?;
                Some(left.as_str().cmp(right.as_str()))
            }
            _ => Some(left.to_string().cmp(&right.to_string())), // a character, as `name[0]` gives
        },
        (Kind::Date, Kind::Date) => ordered::<Date>(left, right),
        (Kind::Moment, Kind::Moment) => ordered::<Timestamp>(left, right),
        (Kind::TooLarge, _) | (_, Kind::TooLarge) => return Err(too_large(left, right)),
        _ => None,
    };
    found.ok_or_else(|| mismatch(operator, Kind::of(left), Kind::of(right)))
}

fn ordered<T: Ord + Clone + Send + Sync + 'static>(left: &Dynamic, right: &Dynamic) -> Option<Ordering> {
    Some(left.read_lock::<T>()?.cmp(&*right.read_lock::<T>()?))
}

/// A number of either sort as a float.
pub(super) fn as_float(number: &Dynamic) -> f64 {
    number.as_int().map_or_else(|_| number.as_float().unwrap_or(f64::NAN), |whole| whole as f64)
}

fn too_large(left: &Dynamic, right: &Dynamic) -> Failed {
    let large = left.read_lock::<TooLarge>().or_else(|| right.read_lock::<TooLarge>());
    refuse(large.map_or_else(|| Kind::TooLarge.name().to_owned(), |large| large.complaint()))
}

fn mismatch(operator: &'static str, left: Kind, right: Kind) -> Failed {
    Complaint::Mismatch { operator, left, right }.into()
}
