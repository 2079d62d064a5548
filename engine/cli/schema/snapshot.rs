//! What was known of an object's fields when somebody pulled it: a file in `schemas/` that belongs into version
//! control.
//!
//! It says nothing that changes by itself, such as a moment, and is in one order, so a file that differs is an account
//! that differs. Whatever is written here is read here again as it was.

use flow::project::ConnectionDefinition;
use sdk::{ConnectionName, Field, FieldOption, FieldType, ObjectSchema};
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, SourceFile, Span};

use super::granted;
use crate::assemble::Registry;
use crate::codes;
use crate::tables::field_type;

/// A pulled object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The connection it was pulled from.
    pub connection: ConnectionName,
    /// The connector that the connection was of.
    pub connector: String,
    /// The fields.
    pub schema: ObjectSchema,
}

const TYPES: [FieldType; 8] = [
    FieldType::Text,
    FieldType::Number,
    FieldType::Boolean,
    FieldType::Date,
    FieldType::Moment,
    FieldType::Choice,
    FieldType::Choices,
    FieldType::Any,
];

/// The file's name within `schemas/`.
pub fn file_name(connection: &ConnectionName, object: &str) -> String {
    let mut name = format!("{connection}.");
    for character in object.chars() {
        // A table can be called anything, a file cannot.
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => name.push(character),
            other => name.push_str(&format!("%{:x}", u32::from(other))),
        }
    }
    name.push_str(".yaml");
    name
}

/// The file's text.
pub fn write(snapshot: &Snapshot) -> String {
    let Snapshot { connection, connector, schema } = snapshot;
    let name = format!("{connection}.{}", schema.name);
    let mut out = format!(
        "# The fields of {}, as `millrace schema pull {connection}` found them.\n\
         # `millrace check` reads this file. Pull again when fields change; what is edited here is lost then.\n\
         schema: {}\nconnector: {connector}\n",
        text::shown(&name),
        scalar(&name)
    );
    for (key, field) in [("modified", &schema.modified_field), ("created", &schema.created_field)] {
        if let Some(field) = field {
            out.push_str(&format!("{key}: {}\n", scalar(field)));
        }
    }
    for (key, groups) in [("required_one_of", &schema.required_one_of), ("unique_together", &schema.unique_together)] {
        if !groups.is_empty() {
            let groups: Vec<String> = groups.iter().map(|group| list(group)).collect();
            out.push_str(&format!("{key}: [{}]\n", groups.join(", ")));
        }
    }
    out.push_str(if schema.fields.is_empty() { "fields: {}\n" } else { "fields:\n" });
    schema.fields.values().for_each(|field| write_field(field, &mut out));
    out
}

fn write_field(field: &Field, out: &mut String) {
    let mut facts = vec![format!("type: {}", field_type(field.field_type))];
    if field.label != field.name && !field.label.is_empty() {
        facts.push(format!("label: {}", scalar(&field.label)));
    }
    for (key, text) in [("description", &field.description), ("group", &field.group)] {
        facts.extend(text.iter().map(|text| format!("{key}: {}", scalar(text))));
    }
    for (key, is_so) in [("read_only", field.read_only), ("unique", field.unique), ("required", field.required)] {
        if is_so {
            facts.push(format!("{key}: true"));
        }
    }
    let name = scalar(&field.name);
    if field.options.is_empty() && field.description.is_none() {
        out.push_str(&format!("  {name}: {{{}}}\n", facts.join(", ")));
        return;
    }
    out.push_str(&format!("  {name}:\n"));
    facts.iter().for_each(|fact| out.push_str(&format!("    {fact}\n")));
    if !field.options.is_empty() {
        out.push_str("    options:\n");
    }
    for option in &field.options {
        out.push_str(&format!("      - {{value: {}, label: {}}}\n", scalar(&option.value), scalar(&option.label)));
    }
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| scalar(name)).collect::<Vec<_>>().join(", "))
}

/// The text as a YAML value, in quotes wherever it could be read as anything else.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && !text.ends_with([' ', '.'])
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "_-. ".contains(character));
    let reads_as_another = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_plain && !reads_as_another.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        text::quoted(text)
    }
}

/// All files of `schemas/` that can be used with these connections, and what is wrong with the others.
pub fn read_all(
    files: &[SourceFile],
    connections: &[ConnectionDefinition],
    connectors: &Registry,
) -> (Vec<Snapshot>, Vec<Diagnostic>) {
    let mut snapshots = Vec::new();
    let mut diagnostics = Vec::new();
    for file in files.iter().filter(|file| !granted::is_one(file)) {
        let mut reader = Reader { diagnostics: Diagnostics::new(file), connections, connectors };
        let snapshot = reader.snapshot(file);
        if !reader.diagnostics.has_errors() {
            snapshots.extend(snapshot);
        }
        diagnostics.extend(reader.diagnostics.into_vec());
    }
    (snapshots, diagnostics)
}

/// Of what something was pulled.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    /// The connection.
    pub(super) connection: &'a str,
    /// The connector that it was of, and where that stands.
    pub(super) connector: &'a Entry,
}

/// Whether what was pulled is still that of a connection of today; what is wrong with it, if not.
pub(super) fn of_another(
    file: &SourceFile,
    of: Of<'_>,
    connections: &[ConnectionDefinition],
    connectors: &Registry,
) -> Option<Diagnostic> {
    let Of { connection, connector } = of;
    let Some(today) = connections.iter().find(|one| one.name.value.as_str() == connection) else {
        let message = format!("there is no connection `{}`, so nothing reads this file", text::shown(connection));
        let help = "remove it; or check with the `--env` that it was pulled with";
        let diagnostic = Diagnostic::warning(codes::SCHEMA_OF_NOBODY, message).help(help);
        return Some(diagnostic.at(&file.path, Span::new(0, 0), ""));
    };
    let (today, pulled) = (&today.connector.value, connector.value.as_text()?);
    // Of which connector a connection is, is not known where there is none of that name.
    if today == pulled || connectors.find(today).is_none() {
        return None;
    }
    let message = format!("`{connection}` is of `{today}` now, and this was pulled of `{pulled}`");
    let help = format!("pull it again with `millrace schema pull {connection}`, or remove the file");
    Some(Diagnostic::error(codes::OTHER_CONNECTOR, message).help(help).at(&file.path, connector.value.span, ""))
}

/// Reads one file, and says what is wrong with it.
struct Reader<'a> {
    diagnostics: Diagnostics,
    connections: &'a [ConnectionDefinition],
    connectors: &'a Registry,
}

impl Reader<'_> {
    fn snapshot(&mut self, file: &SourceFile) -> Option<Snapshot> {
        let document = text::parse_yaml(file);
        let is_yaml = document.diagnostics.is_empty();
        document.diagnostics.into_iter().for_each(|diagnostic| self.diagnostics.push(diagnostic));
        let root = document.root.filter(|_| is_yaml)?;
        let named = match &root.kind {
            Kind::Map(map) => {
                map.get("schema").and_then(|entry| Some((map, entry, entry.value.as_text()?.split_once('.')?)))
            }
            _ => None,
        };
        let Some((map, header, (connection, object))) = named else {
            let diagnostic = Diagnostic::error(codes::NOT_A_SCHEMA, "this is no schema")
                .help("one begins with `schema: CONNECTION.OBJECT`; `millrace schema pull` writes them");
            self.report(diagnostic, Span::new(root.span.start, root.span.start));
            return None;
        };
        let connector = self.text(map, "connector", header.key.span)?;
        let of = Of { connection, connector: map.get("connector")? };
        if let Some(diagnostic) = of_another(file, of, self.connections, self.connectors) {
            self.diagnostics.push(diagnostic);
        }
        let mut schema = ObjectSchema {
            name: object.to_owned(),
            fields: Default::default(),
            required_one_of: self.groups(map, "required_one_of"),
            unique_together: self.groups(map, "unique_together"),
            modified_field: self.maybe_text(map, "modified"),
            created_field: self.maybe_text(map, "created"),
        };
        self.keys(map, &["schema", "connector", "modified", "created", "required_one_of", "unique_together", "fields"]);
        match map.get("fields").map(|entry| &entry.value.kind) {
            Some(Kind::Map(fields)) => {
                let fields = fields.entries.iter().filter_map(|entry| self.field(entry));
                schema.fields = fields.map(|field| (field.name.clone(), field)).collect();
            }
            _ => self.bad(header.key.span, "a schema has `fields`, a map of names"),
        }
        Some(Snapshot { connection: connection.into(), connector, schema })
    }

    fn field(&mut self, entry: &Entry) -> Option<Field> {
        let Kind::Map(map) = &entry.value.kind else {
            self.bad(entry.key.span, "a field is a map that begins with its `type`");
            return None;
        };
        self.keys(map, &["type", "label", "description", "group", "read_only", "unique", "required", "options"]);
        let word = self.text(map, "type", entry.key.span)?;
        let Some(found) = TYPES.into_iter().find(|known| field_type(*known) == word) else {
            let message = format!("there is no type `{}`", text::shown(&word));
            self.bad(map.get("type").map_or(entry.key.span, |entry| entry.value.span), &message);
            return None;
        };
        let name = entry.key.text.clone();
        Some(Field {
            label: self.maybe_text(map, "label").unwrap_or_else(|| name.clone()),
            description: self.maybe_text(map, "description"),
            group: self.maybe_text(map, "group"),
            name,
            field_type: found,
            options: self.options(map),
            read_only: self.flag(map, "read_only"),
            unique: self.flag(map, "unique"),
            required: self.flag(map, "required"),
        })
    }

    fn options(&mut self, map: &Map) -> Vec<FieldOption> {
        let Some(entry) = map.get("options") else { return Vec::new() };
        let Kind::List(items) = &entry.value.kind else {
            self.bad(entry.value.span, "`options` are a list");
            return Vec::new();
        };
        let option = |item: &Node| {
            let Kind::Map(map) = &item.kind else { return None };
            let text = |key: &str| map.get(key)?.value.as_text().map(str::to_owned);
            Some(FieldOption { value: text("value")?, label: text("label")? })
        };
        let options: Vec<FieldOption> = items.iter().filter_map(option).collect();
        if options.len() < items.len() {
            self.bad(entry.value.span, "each option has a `value` and a `label`, both text");
        }
        options
    }

    fn groups(&mut self, map: &Map, key: &str) -> Vec<Vec<String>> {
        let Some(entry) = map.get(key) else { return Vec::new() };
        let texts = |node: &Node| match &node.kind {
            Kind::List(items) => items.iter().map(|item| item.as_text().map(str::to_owned)).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let groups = match &entry.value.kind {
            Kind::List(items) => items.iter().map(texts).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        groups.unwrap_or_else(|| {
            self.bad(entry.value.span, &format!("`{key}` is a list of lists of names"));
            Vec::new()
        })
    }

    fn text(&mut self, map: &Map, key: &str, span: Span) -> Option<String> {
        let text = map.get(key).and_then(|entry| entry.value.as_text());
        if text.is_none() {
            let span = map.get(key).map_or(span, |entry| entry.value.span);
            self.bad(span, &format!("`{key}` must be here, and be text"));
        }
        text.map(str::to_owned)
    }

    fn maybe_text(&mut self, map: &Map, key: &str) -> Option<String> {
        self.text(map, key, map.get(key)?.key.span)
    }

    fn flag(&mut self, map: &Map, key: &str) -> bool {
        match map.get(key).map(|entry| (&entry.value.kind, entry.value.span)) {
            None => false,
            Some((Kind::Bool(flag), _)) => *flag,
            Some((_, span)) => {
                self.bad(span, &format!("`{key}` is true or false"));
                false
            }
        }
    }

    fn keys(&mut self, map: &Map, known: &[&str]) {
        for entry in map.entries.iter().filter(|entry| !known.contains(&entry.key.text.as_str())) {
            self.bad(entry.key.span, &format!("`{}` means nothing here", text::shown(&entry.key.text)));
        }
    }

    fn bad(&mut self, span: Span, message: &str) {
        let diagnostic = Diagnostic::error(codes::BAD_SCHEMA, message).help("`millrace schema pull` writes it anew");
        self.report(diagnostic, span);
    }

    fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        let diagnostic = self.diagnostics.at(diagnostic, span, "");
        self.diagnostics.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, field_type: FieldType) -> Field {
        Field {
            name: name.to_owned(),
            label: name.to_owned(),
            description: None,
            group: None,
            field_type,
            options: Vec::new(),
            read_only: false,
            unique: false,
            required: false,
        }
    }

    fn snapshot() -> Snapshot {
        let option = |value: &str, label: &str| FieldOption { value: value.to_owned(), label: label.to_owned() };
        let fields = [
            Field { label: "It's \"here\": #1\nthere".to_owned(), unique: true, ..field("email", FieldType::Text) },
            Field {
                description: Some("How many: all of them.\nSince 2024".to_owned()),
                group: Some("counts".to_owned()),
                read_only: true,
                required: true,
                ..field("2024 count", FieldType::Number)
            },
            Field {
                options: vec![option("yes", "Yes"), option("1", "One: and, {two}"), option("", "null")],
                ..field("stage", FieldType::Choice)
            },
            field("true", FieldType::Boolean),
            field("- odd", FieldType::Any),
        ];
        let schema = ObjectSchema {
            name: "sales.orders".to_owned(),
            fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            required_one_of: vec![vec!["email".to_owned(), "true".to_owned()]],
            unique_together: vec![vec!["2024 count".to_owned(), "stage".to_owned()]],
            modified_field: Some("changed at".to_owned()),
            created_field: None,
        };
        Snapshot { connection: "crm".into(), connector: "hubspot".to_owned(), schema }
    }

    fn read(text: &str) -> (Vec<Snapshot>, Vec<Diagnostic>) {
        let connections = SourceFile::new("connections.yaml", "crm:\n  connector: hubspot\n");
        let connections = flow::parse_connections(&connections).0;
        read_all(&[SourceFile::new("schemas/a.yaml", text)], &connections, &Registry::default())
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let text = write(&snapshot());
        let (read, mistakes) = read(&text);
        assert_eq!(mistakes, [], "{text}");
        assert_eq!(read, [snapshot()], "{text}");
        assert_eq!(write(&read[0]), text);
    }

    /// A line break in a table's name ended the comment above, and the rest of the name was read as YAML. A mark of
    /// direction in a label, as copied telephone numbers bring along, was written as it is, and refused when it was
    /// read.
    #[test]
    fn what_cannot_be_seen_is_written_so_that_it_can_be_read() {
        let mut odd = snapshot();
        odd.schema.name = "a\nfields: {}\u{2028}b\r# c".to_owned();
        odd.schema.fields.get_mut("email").unwrap().label = "\u{202a}+49 30\u{202c}".to_owned();
        let (read, mistakes) = read(&write(&odd));
        assert_eq!((mistakes, read), (Vec::new(), vec![odd]));
    }

    #[test]
    fn the_file_reads_well() {
        let mut small = snapshot();
        small.schema.name = "contacts".to_owned();
        small.schema.fields.retain(|name, _| name != "true" && name != "- odd");
        let email = small.schema.fields.get_mut("email").unwrap();
        (email.label, email.group) = ("E-mail".to_owned(), Some("contactinformation".to_owned()));
        let expected = "\
# The fields of crm.contacts, as `millrace schema pull crm` found them.
# `millrace check` reads this file. Pull again when fields change; what is edited here is lost then.
schema: crm.contacts
connector: hubspot
modified: changed at
required_one_of: [[email, 'true']]
unique_together: [['2024 count', stage]]
fields:
  '2024 count':
    type: number
    description: \"How many: all of them.\\nSince 2024\"
    group: counts
    read_only: true
    required: true
  email: {type: text, label: E-mail, group: contactinformation, unique: true}
  stage:
    type: choice
    options:
      - {value: 'yes', label: 'Yes'}
      - {value: '1', label: 'One: and, {two}'}
      - {value: '', label: 'null'}
";
        assert_eq!(write(&small), expected);
    }

    #[test]
    fn files_are_called_so_that_every_system_takes_them() {
        assert_eq!(file_name(&"crm".into(), "contacts"), "crm.contacts.yaml");
        assert_eq!(file_name(&"w".into(), "../a b"), "w...%2fa%20b.yaml");
    }

    #[test]
    fn mistakes_have_their_places() {
        let good = "schema: crm.contacts\nconnector: hubspot\nfields:\n  email: {type: text}\n";
        assert_eq!(read(good).1, []);
        for (from, to, code, place) in [
            ("schema: crm.contacts", "schema: contacts", codes::NOT_A_SCHEMA, ""),
            ("schema: crm.contacts\n", "", codes::NOT_A_SCHEMA, ""),
            ("schema: crm.contacts", "schema: crn.contacts", codes::SCHEMA_OF_NOBODY, ""),
            ("hubspot", "pipedrive", codes::OTHER_CONNECTOR, "pipedrive"),
            ("connector: hubspot\n", "", codes::BAD_SCHEMA, "schema"),
            ("type: text", "type: txt", codes::BAD_SCHEMA, "txt"),
            ("type: text", "type: text, uniqe: true", codes::BAD_SCHEMA, "uniqe"),
            ("type: text", "type: text, unique: 1", codes::BAD_SCHEMA, "1"),
            ("type: text", "type: choice, options: [a]", codes::BAD_SCHEMA, "[a]"),
            ("fields:", "felds:", codes::BAD_SCHEMA, "felds"),
            ("fields:", "  fields:", text::codes::SYNTAX, ""),
        ] {
            let text = good.replacen(from, to, 1);
            let (snapshots, mistakes) = read(&text);
            assert_eq!(snapshots.is_empty(), mistakes[0].is_error(), "{text}");
            assert_eq!(mistakes[0].code, code, "{text}: {mistakes:?}");
            let file = SourceFile::new("schemas/a.yaml", &text);
            let found = file.slice(mistakes[0].labels[0].span);
            assert!(place.is_empty() || found == place, "{text}: {found}");
        }
    }
}
