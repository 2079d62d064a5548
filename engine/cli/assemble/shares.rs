//! Shares of budgets, as `millrace.yaml` sets them: looked up, and made what the engine keeps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flow::project::{ConnectionDefinition, ProjectFile, Shares};
use runtime::budgets::Caps;
use sdk::{ConnectionName, Limit};
use text::{Diagnostic, did_you_mean, shown};

use super::configured;
use super::registry::Registry;
use crate::codes;
use crate::project::PROJECT;

/// How much of each connection's budgets a project's engine may use.
pub fn caps(project: &ProjectFile) -> BTreeMap<ConnectionName, Caps> {
    let of_one = |shares: &Shares| {
        let of_all = shares.of_all.as_ref().map(|share| share.value);
        (shares.connection.value.clone(), Caps::new(of_all, shares.named()))
    };
    project.budgets.iter().map(of_one).collect()
}

/// Connections and budgets that are named and are not there: what is meant would not be kept.
pub fn mistakes(
    project: &ProjectFile,
    connections: &[ConnectionDefinition],
    connectors: &Registry,
    folder: &Path,
) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    for shares in project.budgets.iter().chain(&project.cost) {
        let name = &shares.connection;
        let Some(definition) = connections.iter().find(|one| one.name.value == name.value) else {
            mistakes.push(unknown_connection(shares, connections));
            continue;
        };
        // Of one with mistakes nothing is known, and they were told.
        let Some(open) = configured::open_unasked(connectors, definition, folder) else {
            if connectors.find(&definition.connector.value).is_some_and(|known| known.manifest().is_none()) {
                mistakes.push(without_budgets(shares));
            }
            continue;
        };
        let limits = open.limits();
        if limits.is_empty() {
            mistakes.push(without_budgets(shares));
            continue;
        }
        let unknown = shares.of.iter().filter(|(named, _)| !limits.iter().any(|limit| limit.name == named.value));
        mistakes.extend(unknown.map(|(named, _)| unknown_budget(&name.value, (&named.value, named.span), &limits)));
    }
    mistakes
}

fn unknown_connection(shares: &Shares, connections: &[ConnectionDefinition]) -> Diagnostic {
    let (name, span) = (shares.connection.value.as_str(), shares.connection.span);
    let known = || connections.iter().map(|one| one.name.value.as_str());
    Diagnostic::error(codes::UNKNOWN_BUDGET, format!("there is no connection `{}` to share budgets of", shown(name)))
        .at(&Arc::from(PROJECT), span, "")
        .help(format!("`connections.yaml` has {}", list(known())))
        .did_you_mean(span, did_you_mean(name, known()))
}

fn unknown_budget(connection: &ConnectionName, (name, span): (&str, text::Span), limits: &[Limit]) -> Diagnostic {
    let known = || limits.iter().map(|limit| limit.name.as_str());
    Diagnostic::error(codes::UNKNOWN_BUDGET, format!("`{connection}` has no budget `{}`", shown(name)))
        .at(&Arc::from(PROJECT), span, "")
        .help(format!("it has {}", list(known())))
        .did_you_mean(span, did_you_mean(name, known()))
}

fn without_budgets(shares: &Shares) -> Diagnostic {
    let name = &shares.connection;
    let message = format!("`{}` has no budgets: nothing is known of a limit that its service keeps", name.value);
    Diagnostic::error(codes::UNKNOWN_BUDGET, message).at(&Arc::from(PROJECT), name.span, "").help("take this line out")
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use flow::project::{parse_connections, parse_project};
    use text::SourceFile;

    use super::*;

    const CONNECTIONS: &str = "crm: {connector: hubspot, token: x}\nwarehouse: {connector: sqlite, path: w.db}\n";

    fn told(project: &str) -> Vec<(String, String)> {
        let file = SourceFile::new(PROJECT, project);
        let (project, mistakes) = parse_project(&file);
        assert_eq!(mistakes, []);
        let connections = parse_connections(&SourceFile::new("connections.yaml", CONNECTIONS)).0;
        let found = super::mistakes(&project, &connections, &Registry::default(), Path::new("/nowhere"));
        found.into_iter().map(|one| (file.slice(one.labels[0].span).to_owned(), one.message)).collect()
    }

    #[test]
    fn names_are_those_of_connections_and_of_their_budgets() {
        assert_eq!(told("budgets: {crm: {daily: 50%, search: 10%}}\ncost: {crm: 40%}\n"), []);
        for (project, place, part) in [
            ("budgets: {crn: 50%}", "crn", "no connection `crn`"),
            ("budgets: {crm: {dayly: 50%}}", "dayly", "`crm` has no budget `dayly`"),
            ("cost: {warehouse: 50%}", "warehouse", "`warehouse` has no budgets"),
        ] {
            let told = told(project);
            assert_eq!(told.len(), 1, "{project}");
            assert!(told[0].0 == place && told[0].1.contains(part), "{told:?}");
        }
    }

    #[test]
    fn caps_are_those_of_budgets_and_not_those_of_cost() {
        let (project, _) = parse_project(&SourceFile::new(PROJECT, "budgets: {crm: {daily: 50%}}\ncost: {copy: 1%}\n"));
        let caps = caps(&project);
        assert_eq!(caps.keys().map(ConnectionName::as_str).collect::<Vec<_>>(), ["crm"]);
        assert_eq!((caps[&"crm".into()].percent_of("daily"), caps[&"crm".into()].percent_of("burst")), (50, 100));
    }
}
