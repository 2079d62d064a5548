//! The scopes that a connection's credentials were granted when somebody pulled: a file in `schemas/` beside those of
//! its objects, by which `check` knows what a flow may not do.

use flow::project::ConnectionDefinition;
use sdk::ConnectionName;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, SourceFile, Span};

use super::snapshot::{self, scalar};
use crate::assemble::Registry;
use crate::codes;

/// What was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Whose credentials.
    pub connection: ConnectionName,
    /// The connector that the connection was of.
    pub connector: String,
    /// The scopes, sorted.
    pub scopes: Vec<String>,
}

/// The file's name within `schemas/`. No object's file is called so: each has its object behind the connection.
pub fn file_name(connection: &ConnectionName) -> String {
    format!("{connection}.yaml")
}

/// The file's text.
pub fn write(granted: &Granted) -> String {
    let Granted { connection, connector, scopes } = granted;
    let mut out = format!(
        "# What the credentials of {connection} were granted, as `millrace schema pull {connection}` found it.\n\
         # `millrace check` reads this file. Pull again when scopes change; what is edited here is lost then.\n\
         scopes: {}\nconnector: {connector}\n",
        scalar(connection.as_str())
    );
    out.push_str(if scopes.is_empty() { "granted: []\n" } else { "granted:\n" });
    scopes.iter().for_each(|scope| out.push_str(&format!("  - {}\n", scalar(scope))));
    out
}

/// Whether a file of `schemas/` is one of these.
pub fn is_one(file: &SourceFile) -> bool {
    match text::parse_yaml(file).root.map(|root| root.kind) {
        Some(Kind::Map(map)) => map.get("scopes").is_some() && map.get("schema").is_none(),
        _ => false,
    }
}

/// All of these files that can be used with these connections, and what is wrong with the others.
pub fn read_all(
    files: &[SourceFile],
    connections: &[ConnectionDefinition],
    connectors: &Registry,
) -> (Vec<Granted>, Vec<Diagnostic>) {
    let (mut all, mut diagnostics) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| is_one(file)) {
        let mut own = Diagnostics::new(file);
        let document = text::parse_yaml(file);
        document.diagnostics.into_iter().for_each(|diagnostic| own.push(diagnostic));
        if let Some(Kind::Map(map)) = document.root.map(|root| root.kind) {
            let granted = granted(&map, &mut own);
            if let (Some(granted), Some(connector)) = (&granted, map.get("connector")) {
                let of = snapshot::Of { connection: granted.connection.as_str(), connector };
                if let Some(diagnostic) = snapshot::of_another(file, of, connections, connectors) {
                    own.push(diagnostic);
                }
            }
            all.extend(granted.filter(|_| !own.has_errors()));
        }
        diagnostics.extend(own.into_vec());
    }
    (all, diagnostics)
}

fn granted(map: &Map, diagnostics: &mut Diagnostics) -> Option<Granted> {
    for entry in map.entries.iter().filter(|entry| !["scopes", "connector", "granted"].contains(&&*entry.key.text)) {
        bad(diagnostics, entry.key.span, &format!("`{}` means nothing here", text::shown(&entry.key.text)));
    }
    let header = map.get("scopes")?;
    let Some(connection) = header.value.as_text() else {
        bad(diagnostics, header.value.span, "`scopes` names a connection");
        return None;
    };
    let Some(connector) = map.get("connector").and_then(|entry| entry.value.as_text()) else {
        bad(diagnostics, header.key.span, "`connector` must be here, and be text");
        return None;
    };
    let Some(scopes) = map.get("granted").and_then(texts) else {
        bad(diagnostics, header.key.span, "`granted` must be here, and be a list of texts");
        return None;
    };
    Some(Granted { connection: connection.into(), connector: connector.to_owned(), scopes })
}

fn texts(entry: &Entry) -> Option<Vec<String>> {
    match &entry.value.kind {
        Kind::List(items) => items.iter().map(|item| item.as_text().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn bad(diagnostics: &mut Diagnostics, span: Span, message: &str) {
    let diagnostic = Diagnostic::error(codes::BAD_SCHEMA, message).help("`millrace schema pull` writes it anew");
    let diagnostic = diagnostics.at(diagnostic, span, "");
    diagnostics.push(diagnostic);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Granted>, Vec<Diagnostic>) {
        let connections = SourceFile::new("connections.yaml", "crm:\n  connector: hubspot\n");
        let connections = flow::parse_connections(&connections).0;
        read_all(&[SourceFile::new("schemas/crm.yaml", text)], &connections, &Registry::default())
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        for scopes in [vec![], vec!["crm.objects.contacts.read".to_owned(), "yes".to_owned()]] {
            let granted = Granted { connection: "crm".into(), connector: "hubspot".to_owned(), scopes };
            let text = write(&granted);
            assert_eq!(read(&text), (vec![granted], vec![]), "{text}");
        }
    }

    #[test]
    fn mistakes_have_their_codes() {
        let good = "scopes: crm\nconnector: hubspot\ngranted: [a]\n";
        for (from, to, code) in [
            ("granted: [a]", "granted: a", codes::BAD_SCHEMA),
            ("granted", "grant", codes::BAD_SCHEMA),
            ("hubspot", "pipedrive", codes::OTHER_CONNECTOR),
            ("scopes: crm", "scopes: crn", codes::SCHEMA_OF_NOBODY),
        ] {
            let text = good.replacen(from, to, 1);
            let (_, mistakes) = read(&text);
            assert_eq!(mistakes.first().map(|one| one.code), Some(code), "{text}: {mistakes:?}");
        }
    }
}
