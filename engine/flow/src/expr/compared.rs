//! What an expression compares with what: names, plain values, and what is made a date or a moment.

use std::ops::Range;

use rhai::{Expr, FnCallExpr, Position};

use super::tree::{Link, Part, chain, offset, word};

/// Two things that are compared, as they stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What stands first, or is looked for by `in`.
    pub left: Operand,
    /// What it is compared with; one item of a list, behind `in`.
    pub right: Operand,
    /// How.
    pub operator: Operator,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// What it is.
    pub what: Compared,
    /// Bytes of the source that it takes.
    pub span: Range<usize>,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Compared {
    /// A name and the properties read of it in turn: `["record", "stage"]`.
    Path(Vec<String>),
    /// This text.
    Text(String),
    /// This number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// `()`.
    Nothing,
    /// What `date( … )` gives.
    Date,
    /// What `moment( … )` gives.
    Moment,
}

/// A name and its properties looked up among the entries of a plain map: `lookup(#{won: 1}, record.stage)`.
#[derive(Clone, Debug, PartialEq)]
pub struct LookUp {
    /// What is looked up.
    pub by: Vec<String>,
    /// The names of the entries, each with the bytes of the source that it takes.
    pub entries: Vec<(String, Range<usize>)>,
}

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `==`.
    Same,
    /// Whether it is this item of a list, by `in`.
    Among,
    /// Whether the first is among the items of the second, a name, by `in`.
    Within,
    /// `!=`.
    Other,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Operator {
    /// The operator that says the same with its sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
            Self::Same | Self::Among | Self::Within | Self::Other => self,
        }
    }

    /// Whether it goes by an order, which not everything has.
    pub fn is_order(self) -> bool {
        match self {
            Self::Less | Self::AtMost | Self::More | Self::AtLeast => true,
            Self::Same | Self::Among | Self::Within | Self::Other => false,
        }
    }
}

impl Comparison {
    /// The same with a path first, where only its second side is one.
    #[must_use]
    pub fn path_first(self) -> Self {
        match (&self.left.what, &self.right.what) {
            (Compared::Path(_), _) => self,
            (_, Compared::Path(_)) if self.operator != Operator::Within => {
                Self { left: self.right, right: self.left, operator: self.operator.turned() }
            }
            _ => self,
        }
    }
}

/// What a call compares, where it is an operator that does.
pub(super) fn of_call(call: &FnCallExpr, source: &str) -> Vec<Comparison> {
    let [left, right] = call.args.as_slice() else { return Vec::new() };
    let operator = match call.name.as_str() {
        "==" => Operator::Same,
        "!=" => Operator::Other,
        "<" => Operator::Less,
        "<=" => Operator::AtMost,
        ">" => Operator::More,
        ">=" => Operator::AtLeast,
        // `record.stage in ["won", "lost"]`: the list stands first in the call.
        "contains" => return in_list(left, right, source),
        _ => return Vec::new(),
    };
    let sides = operand(left, source).zip(operand(right, source));
    sides.map(|(left, right)| Comparison { left, right, operator }).into_iter().collect()
}

/// What a call looks up, where it is `lookup` in a map that stands there.
pub(super) fn look_up(call: &FnCallExpr, source: &str) -> Option<LookUp> {
    let ("lookup", [Expr::Map(map, _), by, ..]) = (call.name.as_str(), call.args.as_slice()) else { return None };
    let entries = map.0.iter().filter_map(|(name, _)| Some((name.name.to_string(), literal(source, name.pos)?)));
    Some(LookUp { by: path(by)?, entries: entries.collect() })
}

fn in_list(list: &Expr, looked_for: &Expr, source: &str) -> Vec<Comparison> {
    let Some(looked_for) = operand(looked_for, source) else { return Vec::new() };
    let pair =
        |item: &Expr, operator| Some(Comparison { left: looked_for.clone(), right: operand(item, source)?, operator });
    match list {
        Expr::Array(items, _) => items.iter().filter_map(|item| pair(item, Operator::Among)).collect(),
        other => {
            let within = pair(other, Operator::Within);
            within.filter(|within| matches!(within.right.what, Compared::Path(_))).into_iter().collect()
        }
    }
}

/// `record.tags.contains("vip")`, which asks the same as `"vip" in record.tags`.
pub(super) fn in_method(expression: &Expr, source: &str) -> Option<Comparison> {
    let (Expr::Variable(variable, _, at), links) = chain(expression) else { return None };
    let (Link { part: Part::Call(call), .. }, before) = links.split_last()? else { return None };
    let ("contains", [value]) = (call.name.as_str(), call.args.as_slice()) else { return None };
    let what = Compared::Path(path_of(&variable.1, before)?);
    let right = Operand { what, span: written_path(source, *at)? };
    Some(Comparison { left: operand(value, source)?, right, operator: Operator::Within })
}

/// The comparisons of a condition of which each must hold for it to be true; those of `in` apart, which are choices.
pub(super) fn together(parts: &[Expr], source: &str) -> Vec<Comparison> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Expr::And(inner, _) => found.extend(together(inner, source)),
            Expr::FnCall(call, _) if call.name.as_str() != "contains" => found.extend(of_call(call, source)),
            _ => {}
        }
    }
    found
}

/// The path that the expression as a whole is.
pub(super) fn path(expression: &Expr) -> Option<Vec<String>> {
    let (root, links) = chain(expression);
    let Expr::Variable(variable, ..) = root else { return None };
    path_of(&variable.1, &links)
}

fn path_of(root: &str, links: &[Link<'_>]) -> Option<Vec<String>> {
    let names = links.iter().map(|link| match link.part {
        Part::Name(name) => Some(name.to_owned()),
        Part::Key(_) | Part::Call(_) => None,
    });
    std::iter::once(Some(root.to_owned())).chain(names).collect()
}

pub(super) fn operand(expression: &Expr, source: &str) -> Option<Operand> {
    let (what, span) = match expression {
        Expr::StringConstant(text, at) => (Compared::Text(text.to_string()), literal(source, *at)),
        #[expect(clippy::cast_precision_loss, reason = "numbers that authors write are compared, and never given on")]
        Expr::IntegerConstant(number, at) => (Compared::Number(*number as f64), word(source, *at)),
        Expr::FloatConstant(number, at) => (Compared::Number(**number), word(source, *at)),
        Expr::BoolConstant(flag, at) => (Compared::Boolean(*flag), word(source, *at)),
        Expr::Unit(at) => (Compared::Nothing, word(source, *at)),
        Expr::FnCall(call, at) => {
            let made = match call.name.as_str() {
                "date" => Compared::Date,
                "moment" => Compared::Moment,
                _ => return None,
            };
            (made, word(source, *at))
        }
        Expr::Variable(..) | Expr::Dot(..) | Expr::Index(..) => {
            let (root, _) = chain(expression);
            let Expr::Variable(_, _, at) = root else { return None };
            (Compared::Path(path(expression)?), written_path(source, *at))
        }
        _ => return None,
    };
    Some(Operand { what, span: span? })
}

/// The bytes of a path, as far as it is written with dots.
fn written_path(source: &str, at: Position) -> Option<Range<usize>> {
    let start = offset(source, at)?;
    let rest = &source[start..];
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '?');
    let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    let path = rest[..length].trim_end_matches(['?', '.']);
    Some(start..start + path.len())
}

/// The bytes of the text that begins at a position, with its quotes.
pub(super) fn literal(source: &str, position: Position) -> Option<Range<usize>> {
    let start = offset(source, position)?;
    if !source[start..].starts_with('"') {
        return word(source, position);
    }
    let mut is_escaped = false;
    for (at, character) in source[start..].char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(start..start + at + 1),
            _ => {}
        }
    }
    None
}
