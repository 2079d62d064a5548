//! Named budgets, and what requests cost of them.

use std::collections::BTreeMap;

use sdk::{Cost, LimitScope};
use text::{Entry, Kind, Map, Node, did_you_mean, shown};

use crate::rest::language::words;
use crate::rest::limits::Limit;
use crate::rest::manifest::{Setting, SettingKind};
use crate::rest::reader::Reader;
use crate::rest::template::Root;
use crate::rest::{codes, language};

/// All limits. From here on the reader knows them, and what a request costs that says nothing else.
pub(super) fn limits(map: &Map, config: &[Setting], reader: &mut Reader) -> Vec<Limit> {
    let mut limits = Vec::new();
    if let Some(entry) = map.get("limits")
        && let Some(map) = reader.any_map(&entry.value, "`limits`")
    {
        limits = map.entries.iter().filter_map(|entry| limit(entry, config, reader)).collect();
    }
    reader.limits = limits.iter().map(|limit| limit.name.clone()).collect();
    reader.default_costs = costs(map, "default_limits", reader);
    limits
}

fn limit(entry: &Entry, config: &[Setting], reader: &mut Reader) -> Option<Limit> {
    const ANSWER: &[Root] = &[Root::Header, Root::Body];
    let map = reader.map(&entry.value, &language::LIMIT)?;
    let span = entry.key.span;
    let max = reader.required(map, "max", "a limit", span)?;
    let max = reader.count(&max.value, "`max`");
    let per = reader.required(map, "per", "a limit", span)?;
    let per = reader.duration(&per.value, "`per`");
    let scope = match map.get("scope") {
        Some(entry) => reader.word(&entry.value, "`scope`", &words::SCOPES, &[]),
        None => Some(LimitScope::Account),
    };
    let reserve = map.get("reserve").map_or(Some(0), |entry| reader.count(&entry.value, "`reserve`"))?;
    if reserve >= 100 {
        reader.error(codes::WRONG_VALUE, span, "`reserve` is less than 100 percent", None);
    }
    Some(Limit {
        name: entry.key.text.clone(),
        scope: scope?,
        max: max?,
        per: per?,
        tiers: tiers(map, config, reader),
        reserve,
        remaining: reader.template_at(map, "remaining", ANSWER),
        reset_in: reader.template_at(map, "reset_in", ANSWER),
    })
}

/// Other maxima, by the words that the setting `tier` takes.
fn tiers(map: &Map, config: &[Setting], reader: &mut Reader) -> BTreeMap<String, u64> {
    let mut tiers = BTreeMap::new();
    let Some(entry) = map.get("tiers") else { return tiers };
    let Some(map) = reader.any_map(&entry.value, "`tiers`") else { return tiers };
    let words = config.iter().find(|setting| setting.name == "tier").and_then(|setting| match &setting.kind {
        SettingKind::Choice(words) => Some(words),
        SettingKind::Text | SettingKind::Secret | SettingKind::HostLabel => None,
    });
    for entry in &map.entries {
        let word = &entry.key.text;
        if !words.is_some_and(|words| words.contains(word)) {
            let help = "tiers are the words that the setting `tier` takes under `config`".to_owned();
            reader.error(codes::WRONG_VALUE, entry.key.span, format!("there is no tier `{}`", shown(word)), Some(help));
        }
        if let Some(max) = reader.count(&entry.value, "a tier's maximum") {
            tiers.insert(word.clone(), max);
        }
    }
    tiers
}

/// `[burst, {daily: 20}]`: one of the first, twenty of the second.
pub(super) fn costs(map: &Map, key: &str, reader: &mut Reader) -> Vec<Cost> {
    let Some(entry) = map.get(key) else { return reader.default_costs.clone() };
    let mut costs = Vec::new();
    for node in reader.one_or_many(&entry.value) {
        match &node.kind {
            Kind::Map(map) => {
                for entry in &map.entries {
                    if let Some(units) = reader.count(&entry.value, "a cost") {
                        costs.extend(cost(&entry.key.text, units, node, reader));
                    }
                }
            }
            _ => {
                if let Some(name) = reader.text(node, "a limit") {
                    costs.extend(cost(&name, 1, node, reader));
                }
            }
        }
    }
    costs
}

/// The name of one of the limits.
pub(super) fn name(node: &Node, reader: &mut Reader) -> Option<String> {
    let name = reader.text(node, "a limit")?;
    cost(&name, 1, node, reader).map(|cost| cost.limit)
}

fn cost(name: &str, units: u64, node: &Node, reader: &mut Reader) -> Option<Cost> {
    if reader.limits.iter().any(|known| known == name) {
        return Some(Cost { limit: name.to_owned(), units });
    }
    // One misspelt `limits:` would be told again by every request.
    if reader.limits.is_empty() && std::mem::replace(&mut reader.lacks_limits, true) {
        return None;
    }
    let help =
        did_you_mean(name, reader.limits.iter().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"));
    reader.error(codes::UNKNOWN_LIMIT, node.span, format!("there is no limit `{}`", shown(name)), help);
    None
}
