//! `connections.yaml`, and `connections.<env>.yaml` over it.
//!
//! Values from the environment and from files are only named here. They are put into settings by whoever may read
//! them, and never into YAML.

use sdk::ConnectionName;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Meant, SourceFile, Span, did_you_mean, shown};

use crate::codes;
use crate::definition::At;
use crate::language::CONNECTION;
use crate::language::words::VISIBLE_TO;
use crate::parse::reader::Reader;
use crate::template::{self, Piece};

/// A connection as it is configured.
#[derive(Clone, Debug)]
pub struct ConnectionDefinition {
    /// The file it stands in.
    pub file: SourceFile,
    /// Its name.
    pub name: At<ConnectionName>,
    /// The connector it is of.
    pub connector: At<String>,
    /// What people call it.
    pub title: Option<String>,
    /// Whose it is: a mail address or a name.
    pub owner: Option<At<String>>,
    /// Who may use it; everybody, where it is not said.
    pub visible_to: Option<At<VisibleTo>>,
    /// What it is configured with.
    pub settings: Vec<(SettingKey, SettingText)>,
    /// Settings whose value is a mistake that was told: what they hold is not known, but they are not missing.
    pub unreadable: Vec<SettingKey>,
}

/// Who may use a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisibleTo {
    /// Its owner alone.
    Me,
    /// Those who have its owner's role.
    Role,
    /// Everybody.
    All,
}

/// A setting's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingKey {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A setting's value, or where it is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingText {
    /// Text as it stands.
    Plain {
        /// The text.
        text: String,
        /// Where it stands.
        span: Span,
    },
    /// `${ env.NAME }`
    Environment {
        /// The variable's name.
        variable: String,
        /// Where it stands.
        span: Span,
    },
    /// `${ file("path") }`
    File {
        /// The path, relative to the project's folder.
        path: String,
        /// Where it stands.
        span: Span,
    },
}

impl SettingText {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Plain { span, .. } | Self::Environment { span, .. } | Self::File { span, .. } => *span,
        }
    }
}

/// Reads one file of connections.
pub fn parse_connections(file: &SourceFile) -> (Vec<ConnectionDefinition>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::new(file);
    let document = text::parse_yaml(file);
    for diagnostic in document.diagnostics {
        diagnostics.push(diagnostic);
    }
    let mut connections = Vec::new();
    let mut reader = Reader::new(&mut diagnostics);
    match document.root.map(|root| (root.kind, root.span)) {
        Some((Kind::Map(map), _)) if is_nested(&map) => {
            let diagnostic =
                Diagnostic::error(codes::UNKNOWN_KEY, "the connections stand right in this file, each by its name")
                    .help("remove the line `connections:`, and indent what stands below it by that much less");
            let span = map.entries.first().map(|entry| entry.key.span).unwrap_or_default();
            reader.report(diagnostic, span);
        }
        Some((Kind::Map(map), _)) => {
            connections.extend(map.entries.iter().filter_map(|entry| connection(&mut reader, file, entry)));
        }
        Some((_, span)) => {
            let diagnostic = Diagnostic::error(codes::WRONG_TYPE, "connections are a map of names")
                .help("write `crm:` and below it `connector: hubspot`");
            reader.report(diagnostic, span);
        }
        None => {}
    }
    (connections, diagnostics.into_vec())
}

/// The connections of an environment over the usual ones: one of the same name takes the other's place as a whole.
pub fn overlay(base: Vec<ConnectionDefinition>, environment: Vec<ConnectionDefinition>) -> Vec<ConnectionDefinition> {
    let is_replaced = |usual: &ConnectionDefinition| environment.iter().any(|one| one.name.value == usual.name.value);
    let mut connections: Vec<_> = base.into_iter().filter(|usual| !is_replaced(usual)).collect();
    connections.extend(environment);
    connections
}

/// Whether all connections stand below one key, as in a flow.
fn is_nested(map: &Map) -> bool {
    let [only] = map.entries.as_slice() else { return false };
    let below = |entry: &Entry| matches!(&entry.value.kind, Kind::Map(map) if map.get("connector").is_some());
    only.key.text == "connections" && matches!(&only.value.kind, Kind::Map(map) if map.entries.iter().any(below))
}

/// What other tools call the kind of a connection.
const KIND: [&str; 5] = ["type", "kind", "service", "provider", "adapter"];

fn connection(reader: &mut Reader<'_>, file: &SourceFile, entry: &Entry) -> Option<ConnectionDefinition> {
    let name = At { value: entry.key.text.clone(), span: entry.key.span };
    let is_id = reader.check_connection(&name);
    let map = reader.map(entry)?;
    let connector = match map.get("connector") {
        Some(entry) => reader.text(entry),
        None => {
            let message = format!("the connection `{}` does not say of which connector it is", shown(&name.value));
            let diagnostic = Diagnostic::error(codes::MISSING_KEY, message);
            let is_meant = |entry: &&Entry| {
                KIND.contains(&entry.key.text.as_str()) || did_you_mean(&entry.key.text, ["connector"]).is_some()
            };
            match map.entries.iter().find(is_meant) {
                Some(misspelt) => {
                    let span = misspelt.key.span;
                    reader.report(diagnostic.did_you_mean(span, Some(Meant::guess("connector"))), span);
                }
                None => reader.report(diagnostic.help("add `connector:`, such as `connector: hubspot`"), name.span),
            }
            None
        }
    };
    let title = map.get("title").and_then(|entry| reader.text(entry)).map(|title| title.value);
    let owner = map.get("owner").and_then(|entry| owner(reader, entry));
    let visible_to = map.get("visible_to").and_then(|entry| visible_to(reader, entry, map));
    let mut settings = Vec::new();
    let mut unreadable = Vec::new();
    for entry in map.entries.iter().filter(|entry| !CONNECTION.knows(&entry.key.text)) {
        let key = SettingKey { name: entry.key.text.clone(), span: entry.key.span };
        match setting(reader, entry) {
            Some(value) => settings.push((key, value)),
            None => unreadable.push(key),
        }
    }
    let name = At { value: ConnectionName::new(name.value), span: name.span };
    let file = file.clone();
    is_id.then_some(ConnectionDefinition {
        file,
        name,
        connector: connector?,
        title,
        owner,
        visible_to,
        settings,
        unreadable,
    })
}

fn owner(reader: &mut Reader<'_>, entry: &Entry) -> Option<At<String>> {
    let owner = reader.text(entry)?;
    let is_somebody = !owner.value.trim().is_empty() && !owner.value.chars().any(char::is_control);
    if is_somebody {
        reader.not_used(entry);
    } else {
        let diagnostic = Diagnostic::error(codes::WRONG_VALUE, "`owner` names nobody");
        reader.report(diagnostic.help("write a mail address or a name, such as `owner: ann@example.com`"), owner.span);
    }
    is_somebody.then_some(owner)
}

fn visible_to(reader: &mut Reader<'_>, entry: &Entry, map: &Map) -> Option<At<VisibleTo>> {
    let value = reader.word(entry, &VISIBLE_TO)?;
    let needs_owner = match value {
        VisibleTo::Me | VisibleTo::Role => map.get("owner").is_none(),
        VisibleTo::All => false,
    };
    if needs_owner {
        let message = format!("`visible_to: {}` goes by the owner, and there is none", VISIBLE_TO.word(value)?);
        let diagnostic = Diagnostic::error(codes::MISSING_KEY, message);
        reader.report(diagnostic.help("add `owner`, such as `owner: ann@example.com`"), entry.value.span);
        return None;
    }
    reader.not_used(entry);
    Some(At { value, span: entry.value.span })
}

/// A value that is plain, or says where it is to be found.
pub(super) fn setting(reader: &mut Reader<'_>, entry: &Entry) -> Option<SettingText> {
    let span = entry.value.span;
    match &entry.value.kind {
        Kind::Text(text) => match template::split(&text.value).as_deref() {
            Ok([Piece::Literal(text)]) => Some(SettingText::Plain { text: text.clone(), span }),
            Ok([Piece::Expression(range)]) => reference(reader, text.value[range.clone()].trim(), span),
            Ok(_) => {
                bad_reference(reader, "a setting is either plain or one whole `${ }`", span);
                None
            }
            Err(_) => {
                bad_reference(reader, "`${` is never closed", span);
                None
            }
        },
        // A port or a flag; what it is as text is what the author wrote.
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
            let text = reader.diagnostics.file().slice(span).to_owned();
            Some(SettingText::Plain { text, span })
        }
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => {
            reader.wrong_type(&entry.value, entry.key.span, &entry.key.text, "text");
            None
        }
    }
}

/// A secret that a flow needs: where it is to be found, never itself, as flows are shared.
pub(crate) fn secret(reader: &mut Reader<'_>, entry: &Entry) -> Option<SettingText> {
    let span = entry.value.span;
    match setting(reader, entry)? {
        SettingText::Plain { .. } => {
            let message = format!("`{}` is a secret, and a flow's file is no place for one", shown(&entry.key.text));
            bad_reference(reader, &message, span);
            None
        }
        found @ (SettingText::Environment { .. } | SettingText::File { .. }) => Some(found),
    }
}

fn reference(reader: &mut Reader<'_>, inner: &str, span: Span) -> Option<SettingText> {
    if let Some(variable) = inner.strip_prefix("env.") {
        let good = variable.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // The key that seals everything else must not leave the engine through a connection.
        if good && variable != "MILLRACE_KEY" && !variable.starts_with("MILLRACE_KEY_") {
            return Some(SettingText::Environment { variable: variable.to_owned(), span });
        }
        let message = if good {
            "the engine's own keys cannot be a setting".to_owned()
        } else {
            format!("`{}` is no name of a variable", shown(variable))
        };
        bad_reference(reader, &message, span);
        return None;
    }
    let path = inner.strip_prefix("file").and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
    if let Some(path) = path.and_then(|quoted| quoted.trim().strip_prefix('"')?.strip_suffix('"'))
        && !path.is_empty()
        && !path.contains(['"', '\\'])
        && !path.chars().any(char::is_control)
    {
        return Some(SettingText::File { path: path.to_owned(), span });
    }
    bad_reference(reader, &format!("`{}` is neither a variable nor a file", shown(inner)), span);
    None
}

fn bad_reference(reader: &mut Reader<'_>, message: &str, span: Span) {
    let diagnostic = Diagnostic::error(codes::BAD_REFERENCE, message)
        .help("write `${ env.NAME }` or `${ file(\"path\") }` as the whole value; a literal `${` is `$${`");
    reader.report(diagnostic, span);
}
