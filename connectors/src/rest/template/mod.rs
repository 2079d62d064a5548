//! References inside of text: `"${root.path | filter: 'argument'}"`.
//!
//! A text that is one reference keeps the type of what it refers to; a longer one is text, and is nothing at all where
//! a part of it is missing. What comes out is never read as a template again: a value that holds `${` is data.

use serde_json::Value as Json;
use text::Span;

mod parse;

pub(super) use parse::parse;

/// A text with references.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    pub(super) pieces: Vec<Piece>,
    pub(super) span: Span,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Reference(Reference),
}

/// One reference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    pub(super) root: Root,
    pub(super) path: Vec<Step>,
    pub(super) filters: Vec<Filter>,
}

/// What a reference begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// The connection's settings, without its secrets.
    Config,
    /// The connection's secrets.
    Secret,
    /// What a call at the beginning told: `vars.name`.
    Vars,
    /// A resource's parameter; gone once the manifest is expanded.
    Param,
    /// The answer.
    Body,
    /// The answer's headers.
    Header,
    /// One item of a list in the answer.
    Item,
    /// One option of a field.
    Option,
    /// One record as the service answers it.
    Record,
    /// The names of the fields to read, as the service knows them.
    Fields,
    /// By what one record is asked for: `key.field` (nothing for its id) and `key.value`.
    Key,
    /// What a write sets.
    Input,
    /// The value of one field that is written in a form of its own.
    Value,
    /// The write: `op.id` is the same for every attempt.
    Op,
    /// What a search asks for: `search.groups`, `search.sort`, `search.limit`.
    Search,
    /// One test of a search: `test.field`, `test.value`, `test.high`, `test.values`.
    Test,
    /// The tests that one group of a search joins.
    Group,
    /// Where a poll goes on: `cursor.value`, a moment in milliseconds.
    Cursor,
    /// `page.token`, `page.number`, `page.offset`, `page.limit`.
    Page,
}

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
    /// Every item of a list; what is missing in one of them is left out.
    Each,
}

/// A change to a value; the list is fixed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// Text in lower case.
    Lower,
    /// Underscores as spaces.
    Words,
    /// A list as one text.
    Join(String),
    /// What stands behind this beginning; nothing where the text begins otherwise.
    After(String),
    /// Text read as JSON; nothing where it is none.
    Json,
    /// Anything as text.
    Text,
    /// A moment in milliseconds, as seconds.
    UnixSeconds,
    /// A moment in milliseconds, as RFC 3339 text in UTC, in whole seconds.
    Rfc3339,
    /// Of a header `Link`, the address of this relation; nothing where it has none.
    Rel(String),
    /// A label as a field's name: lower-case words joined by underscores.
    Slug,
}

impl Root {
    pub(super) const ALL: [(&'static str, Self); 19] = [
        ("config", Self::Config),
        ("secret", Self::Secret),
        ("vars", Self::Vars),
        ("param", Self::Param),
        ("body", Self::Body),
        ("header", Self::Header),
        ("item", Self::Item),
        ("option", Self::Option),
        ("record", Self::Record),
        ("fields", Self::Fields),
        ("key", Self::Key),
        ("input", Self::Input),
        ("value", Self::Value),
        ("op", Self::Op),
        ("search", Self::Search),
        ("test", Self::Test),
        ("group", Self::Group),
        ("cursor", Self::Cursor),
        ("page", Self::Page),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, root)| *root == self).map_or("", |(name, _)| name)
    }
}

/// What the roots stand for at one place.
#[derive(Clone, Default)]
pub(super) struct Scope<'a>(Vec<(Root, &'a Json)>);

impl<'a> Scope<'a> {
    /// The same, with one more.
    pub(super) fn with(mut self, root: Root, value: &'a Json) -> Self {
        self.0.push((root, value));
        self
    }

    /// What a root stands for.
    pub(super) fn get(&self, root: Root) -> Option<&'a Json> {
        self.0.iter().rev().find(|(known, _)| *known == root).map(|(_, value)| *value)
    }
}

impl Template {
    /// What the text becomes; null where something in it is missing.
    pub(super) fn render(&self, scope: &Scope<'_>) -> Json {
        if let [Piece::Reference(reference)] = &self.pieces[..] {
            return reference.value(scope);
        }
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Reference(reference) => match plain_text(&reference.value(scope)) {
                    Some(value) => text.push_str(&value),
                    None => return Json::Null,
                },
            }
        }
        Json::String(text)
    }

    /// As text; nothing where something in it is missing, or is no scalar.
    pub(super) fn text(&self, scope: &Scope<'_>) -> Option<String> {
        plain_text(&self.render(scope))
    }

    /// The value that it refers to, as it stands in the answer, where it is one plain reference.
    pub(super) fn place<'a>(&self, scope: &Scope<'a>) -> Option<&'a Json> {
        match &self.pieces[..] {
            [Piece::Reference(reference)] if reference.filters.is_empty() => reference.at(scope),
            _ => None,
        }
    }

    /// The list that it refers to, as it stands in the answer.
    pub(super) fn list<'a>(&self, scope: &Scope<'a>) -> Option<std::borrow::Cow<'a, [Json]>> {
        use std::borrow::Cow;
        if let [Piece::Reference(reference)] = &self.pieces[..]
            && reference.filters.is_empty()
            && !reference.path.contains(&Step::Each)
        {
            return reference.at(scope).and_then(Json::as_array).map(|items| Cow::Borrowed(&items[..]));
        }
        match self.render(scope) {
            Json::Array(items) => Some(Cow::Owned(items)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => None,
        }
    }

    /// The last name in it, for messages: `results` of `${body.results}`.
    pub(super) fn last_name(&self) -> &str {
        self.pieces
            .iter()
            .rev()
            .find_map(|piece| match piece {
                Piece::Reference(reference) => reference.path.iter().rev().find_map(|step| match step {
                    Step::Key(key) => Some(key.as_str()),
                    Step::Index(_) | Step::Each => None,
                }),
                Piece::Text(_) => None,
            })
            .unwrap_or("list")
    }

    /// Every reference in it.
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Text(_) => None,
        })
    }
}

impl Reference {
    fn at<'a>(&self, scope: &Scope<'a>) -> Option<&'a Json> {
        self.path.iter().try_fold(scope.get(self.root)?, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
            Step::Each => None,
        })
    }

    fn value(&self, scope: &Scope<'_>) -> Json {
        let found = scope.get(self.root).map_or(Json::Null, |root| walk(root, &self.path));
        self.filters.iter().fold(found, |value, filter| filter.apply(value))
    }
}

/// What is found on a path; through `[*]`, a list of all that is found.
fn walk(value: &Json, path: &[Step]) -> Json {
    match path.split_first() {
        None => value.clone(),
        Some((Step::Key(key), rest)) => value.get(key).map_or(Json::Null, |value| walk(value, rest)),
        Some((Step::Index(index), rest)) => value.get(index).map_or(Json::Null, |value| walk(value, rest)),
        Some((Step::Each, rest)) => {
            let mut all = Vec::new();
            for item in value.as_array().into_iter().flatten() {
                match walk(item, rest) {
                    Json::Null => {}
                    Json::Array(items) if rest.contains(&Step::Each) => all.extend(items),
                    found => all.push(found),
                }
            }
            Json::Array(all)
        }
    }
}

impl Filter {
    fn apply(&self, value: Json) -> Json {
        let map = |value: Json, change: &dyn Fn(&str) -> Json| match value {
            Json::String(text) => change(&text),
            Json::Array(items) => items.iter().map(|item| item.as_str().map_or(item.clone(), change)).collect(),
            other => other,
        };
        let moment = |value: &Json| value.as_i64().map(sdk::Timestamp::from_millis);
        match self {
            Self::Lower => map(value, &|text| text.to_lowercase().into()),
            Self::Words => map(value, &|text| text.replace('_', " ").into()),
            Self::Slug => map(value, &|text| slug(text).into()),
            Self::Join(by) => match &value {
                Json::Array(items) => items.iter().filter_map(plain_text).collect::<Vec<_>>().join(by).into(),
                _ => value,
            },
            Self::After(beginning) => match value.as_str().and_then(|text| text.strip_prefix(beginning.as_str())) {
                Some(rest) => rest.trim().into(),
                None => Json::Null,
            },
            Self::Json => value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            Self::Rel(relation) => {
                value.as_str().and_then(|links| related(links, relation)).map_or(Json::Null, Json::String)
            }
            Self::Text => plain_text(&value).map_or(Json::Null, Json::String),
            Self::UnixSeconds => moment(&value).map_or(Json::Null, |at| at.millis().div_euclid(1000).into()),
            Self::Rfc3339 => {
                moment(&value).map_or(Json::Null, |at| at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
            }
        }
    }
}

/// A scalar as text, whether it came as text or not.
pub(super) fn plain_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The address in `<https://…?page=2>; rel="next", <https://…>; rel="last"` that has this relation.
fn related(links: &str, relation: &str) -> Option<String> {
    let mut rest = links;
    loop {
        let (address, behind) = rest.split_once('<')?.1.split_once('>')?;
        // What belongs to a link goes on to the next one.
        let parameters = behind.split('<').next().unwrap_or_default();
        let is_it = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && value.split(' ').any(|one| one.eq_ignore_ascii_case(relation))
        });
        if is_it {
            return Some(address.to_owned());
        }
        rest = behind;
    }
}

fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests;
