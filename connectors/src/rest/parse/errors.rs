//! How refusals are read.

use sdk::Class;
use text::{Kind, Map, Node, Span};

use super::limits;
use super::request::conditions;
use crate::rest::language::words::{self, ClassWord};
use crate::rest::manifest::{Conditions, Detail, Errors, FirstOf, Holder, HolderPattern, Rule};
use crate::rest::pattern::Pattern;
use crate::rest::reader::Reader;
use crate::rest::template::Root;
use crate::rest::{codes, language};

const ANSWER: &[Root] = &[Root::Body, Root::Header];

/// The noun `errors`.
pub(super) fn errors(map: &Map, reader: &mut Reader) -> Errors {
    let Some(entry) = map.get("errors") else { return Errors::default() };
    let Some(map) = reader.map(&entry.value, &language::ERRORS) else { return Errors::default() };
    let message = FirstOf(reader.templates_at(map, "message", ANSWER));
    let mut details = Vec::new();
    if let Some(entry) = map.get("details") {
        let nodes = reader.one_or_many(&entry.value);
        details.extend(nodes.iter().filter_map(|node| detail(node, reader)));
    }
    let holder = map.get("holder").and_then(|entry| holder(&entry.value, reader)).unwrap_or_default();
    let mut rules = Vec::new();
    if let Some(entry) = map.get("rules") {
        let nodes = reader.one_or_many(&entry.value);
        rules.extend(nodes.iter().filter_map(|node| rule(node, reader)));
    }
    Errors { message, details, holder, rules }
}

fn detail(node: &Node, reader: &mut Reader) -> Option<Detail> {
    let map = reader.map(node, &language::DETAIL)?;
    reader.required(map, "items", "a place of details", node.span)?;
    reader.required(map, "field", "a place of details", node.span)?;
    Some(Detail {
        items: reader.template_at(map, "items", ANSWER)?,
        field: reader.template_at(map, "field", &[Root::Item])?,
        code: reader.template_at(map, "code", &[Root::Item]),
        message: reader.template_at(map, "message", &[Root::Item]),
    })
}

fn holder(node: &Node, reader: &mut Reader) -> Option<Holder> {
    let map = reader.map(node, &language::HOLDER)?;
    let texts = reader.templates_at(map, "texts", ANSWER);
    let mut patterns = Vec::new();
    let entry = reader.required(map, "patterns", "`holder`", node.span)?;
    for node in reader.one_or_many(&entry.value) {
        let Some(map) = reader.map(node, &language::PATTERN) else { continue };
        let Some(text) = reader.text_at(map, "text") else { continue };
        let pattern = Pattern::parse(&text);
        let field = reader.text_at(map, "field");
        if !pattern.finds_id() || (field.is_none() && !pattern.finds_field()) {
            let help = "`{id}` stands for the record's id; `{field}`, or a key `field`, for what it holds".to_owned();
            reader.error(codes::WRONG_VALUE, node.span, "the pattern does not say who holds what", Some(help));
        }
        patterns.push(HolderPattern { pattern, field });
    }
    Some(Holder { texts, patterns })
}

fn rule(node: &Node, reader: &mut Reader) -> Option<Rule> {
    let map = reader.map(node, &language::RULE)?;
    let status = reader.required(map, "status", "a rule", node.span)?;
    let statuses = statuses(&status.value, reader);
    let is = reader.required(map, "is", "a rule", node.span)?;
    let class = match reader.word(&is.value, "`is`", &words::CLASSES, &[])? {
        ClassWord::RateLimited => Class::RateLimited,
        ClassWord::QuotaExhausted => Class::QuotaExhausted,
        ClassWord::Transient => Class::Transient,
        ClassWord::Auth => Class::Auth,
        ClassWord::Forbidden => Class::Forbidden { scopes: Vec::new() },
        ClassWord::NotFound => Class::NotFound,
        ClassWord::Conflict => Class::Conflict,
        ClassWord::Invalid => Class::Invalid,
        ClassWord::Permanent => Class::Permanent,
    };
    let when = match map.get("when") {
        Some(entry) => Some(reader.word(&entry.value, "`when`", &words::WHEN, &[])?),
        None => None,
    };
    let applied = match map.get("applied") {
        // `no` is text in YAML 1.2, and false in older readers' eyes.
        Some(entry) => Some(reader.word(&entry.value, "`applied`", &words::APPLIED, &[])?),
        None => None,
    };
    let conditions = match map.get("where") {
        Some(entry) => conditions(&entry.value, ANSWER, reader)?,
        None => Conditions::default(),
    };
    let is_success = statuses.iter().any(|(from, to)| *from < 300 && *to >= 200);
    if is_success && conditions.0.is_empty() {
        let message = "a rule over answers that succeed needs `where`, or every answer would be a refusal";
        reader.error(codes::MISSING_KEY, node.span, message, None);
    }
    let wait = map.get("wait").and_then(|entry| reader.duration(&entry.value, "`wait`"));
    let scopes = reader.templates_at(map, "scopes", ANSWER);
    let limit = map.get("limit").and_then(|entry| limits::name(&entry.value, reader));
    Some(Rule { statuses, conditions, when, class, scopes, wait, limit, applied, says: reader.text_at(map, "says") })
}

/// `404`, `5xx`, or a list of such.
fn statuses(node: &Node, reader: &mut Reader) -> Vec<(u16, u16)> {
    let mut statuses = Vec::new();
    for node in reader.one_or_many(node) {
        let range = match &node.kind {
            Kind::Int(status) => u16::try_from(*status).ok().map(|status| (status, status)),
            Kind::Text(text) => text
                .value
                .strip_suffix("xx")
                .and_then(|digit| digit.parse::<u16>().ok())
                .map(|digit| (digit.saturating_mul(100), digit.saturating_mul(100).saturating_add(99))),
            _ => None,
        };
        match range {
            Some((from, to)) if from >= 200 && to <= 599 => statuses.push((from, to)),
            _ => wrong_status(node.span, reader),
        }
    }
    statuses
}

fn wrong_status(span: Span, reader: &mut Reader) {
    let help = "write `404`, `5xx`, or a list such as `[502, 503]`".to_owned();
    reader.error(codes::WRONG_VALUE, span, "this is no status of HTTP", Some(help));
}
