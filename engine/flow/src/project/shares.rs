//! Shares of a connection's budgets, in percent: what `budgets` lets a project use, and what `cost` lets it plan.

use std::collections::BTreeMap;

use sdk::ConnectionName;
use text::{Diagnostic, Entry, Kind, Map, shown};

use crate::codes;
use crate::definition::At;
use crate::parse::reader::Reader;

/// Shares of one connection's budgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Whose.
    pub connection: At<ConnectionName>,
    /// Of every budget that is not named.
    pub of_all: Option<At<u8>>,
    /// Of single budgets, by the service's name of each.
    pub of: Vec<(At<String>, At<u8>)>,
}

impl Shares {
    /// The share of a budget, in percent.
    pub fn of(&self, limit: &str) -> Option<&At<u8>> {
        let named = self.of.iter().find(|(name, _)| name.value == limit).map(|(_, share)| share);
        named.or(self.of_all.as_ref())
    }

    /// Every budget that is named, with its share.
    pub fn named(&self) -> BTreeMap<String, u8> {
        self.of.iter().map(|(name, share)| (name.value.clone(), share.value)).collect()
    }
}

/// Reads `crm: 50%` and `crm: {daily: 50%, burst: 80%}`.
pub(super) fn shares(reader: &mut Reader<'_>, map: Option<&Map>) -> Vec<Shares> {
    let entries = map.map(|map| map.entries.as_slice()).unwrap_or_default();
    entries.iter().map(|entry| of_connection(reader, entry)).collect()
}

fn of_connection(reader: &mut Reader<'_>, entry: &Entry) -> Shares {
    let name = ConnectionName::new(entry.key.text.clone());
    let mut shares = Shares { connection: At { value: name, span: entry.key.span }, of_all: None, of: Vec::new() };
    match &entry.value.kind {
        Kind::Map(map) => {
            for entry in &map.entries {
                let name = At { value: entry.key.text.clone(), span: entry.key.span };
                shares.of.extend(percent(reader, entry).map(|share| (name, share)));
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) | Kind::Broken => {
            shares.of_all = percent(reader, entry);
        }
    }
    shares
}

/// A share such as `50%`.
fn percent(reader: &mut Reader<'_>, entry: &Entry) -> Option<At<u8>> {
    let span = entry.value.span;
    let written = match &entry.value.kind {
        Kind::Text(text) => text.value.clone(),
        Kind::Int(number) => number.to_string(),
        Kind::Null | Kind::Bool(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) | Kind::Broken => {
            reader.wrong_type(&entry.value, entry.key.span, &entry.key.text, "a share such as 50%");
            return None;
        }
    };
    let share = written.strip_suffix('%').and_then(|number| number.trim().parse().ok());
    let share = share.filter(|share| (1..=100).contains(share));
    if share.is_none() {
        let diagnostic =
            Diagnostic::error(codes::WRONG_VALUE, format!("`{}` is no share of a budget", shown(&written)));
        let diagnostic = diagnostic.help("write whole percent from `1%` to `100%`: `50%`");
        let meant = written.parse().ok().filter(|number: &u8| (1..=100).contains(number));
        let diagnostic = match meant {
            Some(number) => diagnostic.fix(span, format!("{number}%")),
            None => diagnostic,
        };
        reader.report(diagnostic, span);
    }
    share.map(|value| At { value, span })
}

#[cfg(test)]
mod tests {
    use text::SourceFile;

    use super::*;
    use crate::project::parse_project;

    #[test]
    fn a_share_is_of_one_budget_or_of_all() {
        let text = "budgets:\n  crm: {daily: 50%, burst: 80%}\n  copy: 25%\ncost: {crm: 40%}\n";
        let (project, diagnostics) = parse_project(&SourceFile::new("millrace.yaml", text));
        assert_eq!(diagnostics, []);
        let told: Vec<_> = project
            .budgets
            .iter()
            .chain(&project.cost)
            .map(|shares| {
                let of = |limit: &str| shares.of(limit).map(|share| share.value);
                (shares.connection.value.as_str(), of("daily"), of("search"))
            })
            .collect();
        assert_eq!(told, [("crm", Some(50), None), ("copy", Some(25), Some(25)), ("crm", Some(40), Some(40))]);
    }

    #[test]
    fn what_is_no_share_is_told_where_it_stands() {
        for (yaml, code, place) in [
            ("budgets: {crm: 50}", codes::WRONG_VALUE, "50"),
            ("budgets: {crm: {daily: 0%}}", codes::WRONG_VALUE, "0%"),
            ("cost: {crm: 101%}", codes::WRONG_VALUE, "101%"),
            ("cost: {crm: half}", codes::WRONG_VALUE, "half"),
            ("budgets: {crm: [50%]}", codes::WRONG_TYPE, "[50%]"),
            ("budgets: 50%", codes::WRONG_TYPE, "50%"),
        ] {
            let file = SourceFile::new("millrace.yaml", yaml);
            let (_, diagnostics) = parse_project(&file);
            let told: Vec<_> = diagnostics.iter().map(|one| (one.code, file.slice(one.labels[0].span))).collect();
            assert_eq!(told, [(code, place)], "{yaml}");
        }
    }
}
