//! Connections and their objects exist, and are what the flow takes them for.

use sdk::{ConnectorFacts, ObjectSchema};
use text::{Diagnostic, Meant, Span, did_you_mean, did_you_mean_name, shown};

use super::Checker;
use crate::codes;
use crate::definition::At;
use crate::model::Target;

impl<'a> Checker<'a> {
    /// The flow's own list: each configured, each of the connector that is meant.
    pub(super) fn check_connections(&mut self) {
        for declared in &self.definition.connections {
            let (name, wanted) = (&declared.name, &declared.connector);
            let known = self.catalog.connectors.iter().map(String::as_str);
            if !self.catalog.connectors.is_empty() && !self.catalog.connectors.contains(&wanted.value) {
                let message = format!("there is no connector `{}`", shown(&wanted.value));
                let diagnostic = Diagnostic::error(codes::UNKNOWN_CONNECTOR, message)
                    .help("`millrace connectors` lists all there are")
                    .did_you_mean(wanted.span, did_you_mean(&wanted.value, known));
                self.report(diagnostic, wanted.span, "");
                self.reported_connections.insert(name.value.clone());
                continue;
            }
            match self.catalog.connections.get(&name.value) {
                // Which connection stands for it is said by those who use the template.
                None if self.definition.is_template() => {}
                None => self.unknown_connection(&name.value, name.span, Some(&wanted.value)),
                Some(facts) if facts.connector != wanted.value => {
                    let message = format!(
                        "the connection `{}` is of `{}`, and the flow wants `{}`",
                        name.value, facts.connector, wanted.value
                    );
                    let diagnostic = Diagnostic::error(codes::WRONG_CONNECTOR, message).help(match declared.is_bound {
                        true => "bind a connection of that connector",
                        false => "name a connection of that connector, or change the connector here",
                    });
                    // What it has, nobody would look for there.
                    self.mistaken_connections.insert(name.value.clone());
                    match declared.is_bound {
                        true => {
                            let diagnostic = self.diagnostics.at(diagnostic, name.span, "");
                            self.diagnostics.push(self.diagnostics.at(diagnostic, wanted.span, "wanted here"));
                        }
                        false => self.report(diagnostic, wanted.span, ""),
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// What is known of a target's connection. An unknown one, and one that the flow does not list, are reported.
    pub(super) fn connection(&mut self, target: &At<Target>) -> Option<&'a ConnectorFacts> {
        let connection = &target.value.connection;
        let (span, _) = self.parts(target);
        let declared = self.definition.connections.iter().any(|declared| declared.name.value == *connection);
        let Some(facts) = self.catalog.connections.get(connection) else {
            if !declared {
                self.unknown_connection(connection, span, None);
            }
            return None;
        };
        if self.mistaken_connections.contains(connection) {
            return None;
        }
        if !declared && self.reported_connections.insert(connection.clone()) {
            let message = format!("`{connection}` is not among the flow's `connections`");
            let help = format!("list it there: `{connection}: {}`", facts.connector);
            let diagnostic = Diagnostic::warning(codes::UNDECLARED_CONNECTION, message).help(help);
            self.report(diagnostic, span, "");
        }
        Some(facts)
    }

    /// The schema of an object, where it is known. Unknown connections and objects are reported.
    pub(super) fn object(&mut self, target: &At<Target>) -> Option<&'a ObjectSchema> {
        let Target { connection, object } = &target.value;
        let facts = self.connection(target)?;
        let (_, object_span) = self.parts(target);
        let schema = self.catalog.objects.get(&(connection.clone(), object.clone()));
        if let (None, Some(objects)) = (schema, &facts.objects)
            && !objects.contains(object)
        {
            let message = format!("unknown object `{}` of `{connection}`", shown(object));
            let diagnostic = Diagnostic::error(codes::UNKNOWN_OBJECT, message);
            let plural = plural(object);
            let meant = did_you_mean(object, objects.iter().map(String::as_str))
                .or_else(|| objects.contains(&plural).then_some(Meant::synonym(&plural)));
            let diagnostic = match meant {
                Some(_) => diagnostic.did_you_mean(object_span, meant),
                None => diagnostic.help(listed("it has", objects.iter().map(String::as_str))),
            };
            self.report(diagnostic, object_span, format!("`{}` has no such object", facts.connector));
        }
        schema
    }

    fn unknown_connection(&mut self, name: &sdk::ConnectionName, span: Span, connector: Option<&str>) {
        if !self.reported_connections.insert(name.clone()) {
            return;
        }
        let configured = self.catalog.connections.keys().map(sdk::ConnectionName::as_str);
        let declared = self.definition.connections.iter().map(|declared| declared.name.value.as_str());
        let help = match connector {
            _ if name.as_str() == super::SYNC_CONNECTION => {
                format!(
                    "`{name}` stands for the project's syncs, and all it can do is `do: {name}.{}`",
                    super::ENROL_ACTION
                )
            }
            Some(connector) => format!("add `{name}` with `connector: {connector}` to connections.yaml"),
            None => format!("add `{name}` to connections.yaml"),
        };
        let diagnostic = Diagnostic::error(codes::UNKNOWN_CONNECTION, format!("unknown connection `{name}`"))
            .help(help)
            .did_you_mean(span, did_you_mean_name(name.as_str(), configured.chain(declared)));
        let of_it = |(_, facts): &(&sdk::ConnectionName, &ConnectorFacts)| facts.connector == name.as_str();
        let of_connector: Vec<&str> =
            self.catalog.connections.iter().filter(of_it).map(|(known, _)| known.as_str()).collect();
        let diagnostic = match of_connector.as_slice() {
            [] => diagnostic,
            [only] => {
                let help = format!("`{name}` is a connector; your connection of it is `{only}`");
                diagnostic.did_you_mean(span, Some(Meant::synonym(only))).help(help)
            }
            several => diagnostic
                .help(listed(&format!("`{name}` is a connector; your connections of it are"), several.iter().copied())),
        };
        self.report(diagnostic, span, "no connection of this name is configured");
    }

    /// Where the connection's name and that of what it has stand in `crm.contacts`.
    pub(super) fn parts(&self, target: &At<Target>) -> (Span, Span) {
        let written = self.definition.source.text.slice(target.span);
        let quote = usize::from(written.starts_with(['"', '\'']));
        let start = target.span.start + quote;
        // What stands there may be another connection's name, which `bind` has replaced.
        let Some(dot) = written.find('.').map(|dot| target.span.start + dot).filter(|dot| *dot > start) else {
            return (target.span, target.span);
        };
        let end = dot + 1 + target.value.object.len();
        if end > target.span.end {
            return (target.span, target.span);
        }
        (Span::new(start, dot), Span::new(dot + 1, end))
    }
}

/// The plural of an English word that ends in `y`; of others, the word with an `s`.
fn plural(word: &str) -> String {
    match word.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{word}s"),
    }
}

/// A sentence that lists some names, cut where there are many.
pub(super) fn listed<'n>(intro: &str, names: impl Iterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let names: Vec<String> = names.map(|name| format!("`{}`", shown(name))).collect();
    match names.len() {
        0 => format!("{intro} none"),
        count if count > MOST => format!("{intro} {} and {} more", names[..MOST].join(", "), count - MOST),
        _ => format!("{intro} {}", names.join(", ")),
    }
}
