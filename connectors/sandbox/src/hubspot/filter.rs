//! The filters of a search: read, checked against the property's type, and asked of one indexed version.
//!
//! Text is compared without regard to case, except by `IN` and `NOT_IN`, whose values must be lower case. Enumerations
//! are compared exactly, by every operator. A missing value matches `NEQ`, `NOT_IN`, `NOT_CONTAINS_TOKEN` and
//! `NOT_HAS_PROPERTY`; for the first two that is only assumed of the service.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::definitions::{Definitions, PropertyType};
use super::envelope::Problem;
use super::kinds::Kind;
use super::table::Version;
use super::values::{only_members, stamp_of};

/// What a filter asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "EQ" => Self::Eq,
            "NEQ" => Self::Neq,
            "LT" => Self::Lt,
            "LTE" => Self::Lte,
            "GT" => Self::Gt,
            "GTE" => Self::Gte,
            "BETWEEN" => Self::Between,
            "IN" => Self::In,
            "NOT_IN" => Self::NotIn,
            "HAS_PROPERTY" => Self::HasProperty,
            "NOT_HAS_PROPERTY" => Self::NotHasProperty,
            "CONTAINS_TOKEN" => Self::ContainsToken,
            "NOT_CONTAINS_TOKEN" => Self::NotContainsToken,
            _ => return None,
        })
    }

    /// Whether it holds where its counterpart does not, so also where there is no value.
    fn is_negative(self) -> bool {
        match self {
            Self::Neq | Self::NotIn | Self::NotHasProperty | Self::NotContainsToken => true,
            Self::Eq | Self::Lt | Self::Lte | Self::Gt | Self::Gte | Self::Between | Self::In => false,
            Self::HasProperty | Self::ContainsToken => false,
        }
    }

    fn is_range(self) -> bool {
        match self {
            Self::Lt | Self::Lte | Self::Gt | Self::Gte | Self::Between => true,
            Self::Eq | Self::Neq | Self::In | Self::NotIn | Self::HasProperty | Self::NotHasProperty => false,
            Self::ContainsToken | Self::NotContainsToken => false,
        }
    }
}

/// How a property's values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Epoch milliseconds; dates are their midnight.
    Stamps,
    Numbers,
    Text,
    Phone,
    Exact,
}

/// One condition.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) name: Arc<str>,
    operator: Operator,
    order: Order,
    numbers: Vec<f64>,
    texts: Vec<String>,
}

impl Filter {
    /// Reads one filter; 400 for everything the service does not know.
    pub(super) fn parse(definitions: &Definitions, filter: &Value) -> Result<Self, Problem> {
        let Value::Object(map) = filter else {
            return Err(Problem::validation("Invalid input JSON: a filter must be an object"));
        };
        only_members(map, &["propertyName", "operator", "value", "values", "highValue"])?;
        let name = member(map, "propertyName")?.ok_or_else(|| missing("propertyName"))?;
        // How the service refuses a filter on an unknown property is not recorded; that it cannot answer is certain.
        let property = definitions.get(&name).ok_or_else(|| {
            Problem::validation(format!("There was a problem with the request: property '{name}' does not exist"))
        })?;
        let word = member(map, "operator")?.ok_or_else(|| missing("operator"))?;
        let operator = Operator::parse(&word)
            .ok_or_else(|| Problem::validation(format!("Invalid input JSON: '{word}' is not an operator")))?;
        let order = match property.data_type {
            PropertyType::Date | PropertyType::Datetime => Order::Stamps,
            PropertyType::Number => Order::Numbers,
            PropertyType::Bool | PropertyType::Enumeration => Order::Exact,
            PropertyType::PhoneNumber => Order::Phone,
            PropertyType::String if property.field_type == "phonenumber" => Order::Phone,
            PropertyType::String => Order::Text,
        };
        // Ranges over text are not documented: refused, so that nobody comes to rely on some collation.
        if operator.is_range() && matches!(order, Order::Exact | Order::Text | Order::Phone) {
            return Err(Problem::validation(format!(
                "Operator {word} is not supported for property '{name}' of type {}",
                property.data_type.as_str()
            )));
        }
        let texts = operands(operator, map)?;
        let numbers = texts.iter().map(|text| number(order, &name, text)).collect::<Result<_, _>>()?;
        Ok(Self { name: property.name.clone(), operator, order, numbers, texts })
    }

    /// Where this filter only says between which stamps a record must lie: those, both included.
    pub(super) fn stamp_range(&self) -> Option<(i64, i64)> {
        if self.order == Order::Exact || self.order == Order::Text || self.order == Order::Phone {
            return None;
        }
        // Stamps and ids are whole numbers far below 2^53, so nothing is lost here; fractions only narrow.
        let at = |place: usize| self.numbers.get(place).copied().unwrap_or(0.0);
        let (low, high) = (at(0).ceil() as i64, at(0).floor() as i64);
        match self.operator {
            Operator::Eq => Some((low, high)),
            Operator::Lt => Some((i64::MIN, low.saturating_sub(1))),
            Operator::Lte => Some((i64::MIN, high)),
            Operator::Gt => Some((high.saturating_add(1), i64::MAX)),
            Operator::Gte => Some((low, i64::MAX)),
            Operator::Between => Some((low, at(1).floor() as i64)),
            Operator::Neq | Operator::In | Operator::NotIn | Operator::HasProperty => None,
            Operator::NotHasProperty | Operator::ContainsToken | Operator::NotContainsToken => None,
        }
    }

    /// Whether this version is one of those asked for.
    pub(super) fn matches(&self, kind: &Kind, version: &Version) -> bool {
        match self.order {
            Order::Stamps | Order::Numbers => {
                let value = number_of(kind, version, &self.name, self.order);
                value.map_or(self.operator.is_negative(), |value| self.holds_for_number(value))
            }
            Order::Text | Order::Exact => {
                let value = version.text(kind, &self.name);
                value.map_or(self.operator.is_negative(), |value| self.holds_for_text(&value))
            }
            Order::Phone => {
                let value = version.values.get(&self.name).map(super::table::searchable_phone);
                value.map_or(self.operator.is_negative(), |value| self.holds_for_text(&value.unwrap_or_default()))
            }
        }
    }

    fn holds_for_number(&self, value: f64) -> bool {
        let at = |place: usize| self.numbers.get(place).copied().unwrap_or(f64::NAN);
        let equals = self.numbers.contains(&value);
        match self.operator {
            Operator::Eq | Operator::In | Operator::ContainsToken => equals,
            Operator::Neq | Operator::NotIn | Operator::NotContainsToken => !equals,
            Operator::Lt => value < at(0),
            Operator::Lte => value <= at(0),
            Operator::Gt => value > at(0),
            Operator::Gte => value >= at(0),
            Operator::Between => (at(0)..=at(1)).contains(&value),
            Operator::HasProperty => true,
            Operator::NotHasProperty => false,
        }
    }

    fn holds_for_text(&self, value: &str) -> bool {
        let exact = self.order == Order::Exact;
        let value: Cow<'_, str> = if exact { Cow::Borrowed(value) } else { Cow::Owned(value.to_lowercase()) };
        let among = |fold: bool| {
            self.texts.iter().any(|text| if fold && !exact { text.to_lowercase() == *value } else { *text == *value })
        };
        let first = self.texts.first().map(String::as_str).unwrap_or_default();
        match self.operator {
            Operator::Eq => among(true),
            Operator::Neq => !among(true),
            // An upper-case value here never matches text: the index is lower case, and `IN` does not fold what it is
            // given.
            Operator::In => among(false),
            Operator::NotIn => !among(false),
            Operator::ContainsToken => contains_token(&value, first, exact),
            Operator::NotContainsToken => !contains_token(&value, first, exact),
            Operator::HasProperty => true,
            Operator::NotHasProperty => false,
            Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte | Operator::Between => false,
        }
    }
}

/// A value that sorts and compares as a number, without writing it out first.
pub(super) fn number_of_property(definitions: &Definitions, kind: &Kind, version: &Version, name: &str) -> Option<f64> {
    let order = match definitions.get(name)?.data_type {
        PropertyType::Date | PropertyType::Datetime => Order::Stamps,
        PropertyType::Number => Order::Numbers,
        PropertyType::Bool | PropertyType::Enumeration | PropertyType::String | PropertyType::PhoneNumber => {
            return None;
        }
    };
    number_of(kind, version, name, order)
}

fn number_of(kind: &Kind, version: &Version, name: &str, order: Order) -> Option<f64> {
    match name {
        "hs_object_id" => Some(version.id as f64),
        _ if name == kind.modified => Some(version.modified_at.millis() as f64),
        _ if name == kind.created => Some(version.created_at.millis() as f64),
        _ => {
            let text = version.values.get(name)?;
            if order == Order::Stamps { stamp_of(text).map(|stamp| stamp.millis() as f64) } else { text.parse().ok() }
        }
    }
}

/// Each operator takes its own members: refusing the others' finds a client that means something else.
fn operands(operator: Operator, map: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    let one = |name: &'static str| member(map, name)?.ok_or_else(|| missing(name));
    match operator {
        Operator::HasProperty | Operator::NotHasProperty => Ok(Vec::new()),
        Operator::Between => Ok(vec![one("value")?, one("highValue")?]),
        Operator::In | Operator::NotIn => {
            let values = super::batch::strings(map, "values")?.ok_or_else(|| missing("values"))?;
            if values.is_empty() { Err(missing("values")) } else { Ok(values) }
        }
        Operator::Eq | Operator::Neq | Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte => {
            Ok(vec![one("value")?])
        }
        Operator::ContainsToken | Operator::NotContainsToken => Ok(vec![one("value")?]),
    }
}

fn number(order: Order, name: &str, text: &str) -> Result<f64, Problem> {
    let number = match order {
        Order::Stamps => stamp_of(text).map(|stamp| stamp.millis() as f64),
        Order::Numbers => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        Order::Text | Order::Phone | Order::Exact => Some(f64::NAN),
    };
    number.ok_or_else(|| {
        Problem::validation(format!("There was a problem with the request: '{text}' is no value of '{name}'"))
    })
}

/// A member that is text; numbers are taken as theirs.
fn member(map: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => {
            Err(Problem::validation(format!("Invalid input JSON: '{name}' of a filter must be a string")))
        }
    }
}

fn missing(name: &str) -> Problem {
    Problem::validation(format!("Invalid input JSON: a filter of this operator needs '{name}'"))
}

/// Every word of the pattern is a word of the value; `*` stands for any letters, also of the whole value.
fn contains_token(value: &str, pattern: &str, exact: bool) -> bool {
    let pattern = if exact { pattern.to_owned() } else { pattern.to_lowercase() };
    if pattern.contains('*') {
        return glob(value, &pattern) || words(value).any(|word| glob(word, &pattern));
    }
    let mut wanted = words(&pattern).peekable();
    wanted.peek().is_some() && wanted.all(|wanted| words(value).any(|word| word == wanted))
}

/// Runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn glob(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s5_a_star_stands_for_any_letters() {
        assert!(contains_token("ann@example.org", "*@example.org", false));
        assert!(contains_token("ann@example.org", "ANN", false));
        assert!(contains_token("ann b. mill", "mill ann", false));
        assert!(!contains_token("ann@example.org", "exam", false));
        assert!(contains_token("ann@example.org", "exam*", false));
        assert!(contains_token("ann@example.org", "a*@*org", false));
        assert!(!contains_token("ann@example.org", "*@example", false));
    }
}
