//! The small notations of flow files: ids, names, targets.

use sdk::ConnectionName;
use text::{Diagnostic, Entry, shown};

use super::reader::Reader;
use crate::check::{ENROL_ACTION, SYNC_CONNECTION};
use crate::codes;
use crate::definition::At;
use crate::model::Target;

/// The longest id.
const LONGEST_ID: usize = 64;

/// Words that mean something of their own in expressions, so that no name may be one of them.
const RESERVED: &[&str] = &[
    "record",
    "run",
    "flow",
    "now",
    "inputs",
    "body",
    "errors",
    "failure",
    "item",
    "this",
    "true",
    "false",
    "let",
    "const",
    "if",
    "else",
    "switch",
    "do",
    "while",
    "until",
    "loop",
    "for",
    "in",
    "continue",
    "break",
    "return",
    "throw",
    "try",
    "catch",
    "fn",
    "private",
    "import",
    "export",
    "as",
    "global",
    "null",
    "nil",
    "new",
    "use",
    "module",
    "package",
    "var",
    "static",
    "shared",
    "with",
    "is",
    "goto",
    "exit",
    "match",
    "case",
    "default",
    "void",
    "public",
    "protected",
    "print",
    "debug",
    "type_of",
    "eval",
    "call",
    "curry",
    "super",
    "spawn",
    "thread",
    "go",
    "sync",
    "async",
    "await",
    "yield",
];

/// Whether it can be the id of a flow or connection: `[a-z][a-z0-9-]*`.
pub(crate) fn is_id(text: &str) -> bool {
    is_word(text, b'-')
}

/// Whether it can be a name in a flow: `[a-z][a-z0-9_]*`, and none that expressions use.
pub(crate) fn is_name(text: &str) -> bool {
    is_word(text, b'_') && !RESERVED.contains(&text)
}

fn is_word(text: &str, joint: u8) -> bool {
    text.len() <= LONGEST_ID
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == joint)
}

impl Reader<'_> {
    /// The id of a flow or a connection.
    pub(crate) fn id(&mut self, entry: &Entry) -> Option<At<String>> {
        let id = self.fixed_text(&entry.value, entry.key.span, &entry.key.text, "an id such as `new-leads`")?;
        self.check_id(&id).then_some(id)
    }

    /// Whether this is an id; says so where it is not.
    pub(crate) fn check_id(&mut self, id: &At<String>) -> bool {
        if is_id(&id.value) {
            return true;
        }
        const RULE: &str =
            "an id is lower-case letters, digits and hyphens, begins with a letter, and has at most 64 characters";
        let proposal: String = id
            .value
            .trim()
            .to_lowercase()
            .chars()
            .map(|c| if matches!(c, '_' | ' ' | '.') { '-' } else { c })
            .collect();
        let diagnostic = Diagnostic::error(codes::BAD_ID, format!("`{}` is no id", shown(&id.value)));
        let diagnostic = match is_id(&proposal) {
            true => diagnostic.help(format!("write `{proposal}`: {RULE}")).fix(id.span, proposal),
            false => diagnostic.help(RULE),
        };
        self.report(diagnostic, id.span);
        false
    }

    /// Whether this can be a connection's name; says so where it cannot.
    pub(crate) fn check_connection(&mut self, name: &At<String>) -> bool {
        if name.value != SYNC_CONNECTION {
            return self.check_id(name);
        }
        let message = format!("`{SYNC_CONNECTION}` cannot be the name of a connection");
        let diagnostic = Diagnostic::error(codes::BAD_ID, message)
            .help(format!("choose another name: `do: {SYNC_CONNECTION}.{ENROL_ACTION}` is of the language itself"));
        self.report(diagnostic, name.span);
        false
    }

    /// The name of a value in expressions.
    pub(crate) fn name(&mut self, name: At<String>) -> Option<At<String>> {
        if is_name(&name.value) {
            return Some(name);
        }
        let written = shown(&name.value);
        let diagnostic = if RESERVED.contains(&name.value.as_str()) {
            Diagnostic::error(codes::BAD_NAME, format!("`{written}` has a meaning of its own in expressions"))
                .help("choose another name")
        } else {
            Diagnostic::error(codes::BAD_NAME, format!("`{written}` is no name"))
                .help("a name is lower-case letters, digits and underscores, and begins with a letter")
        };
        self.report(diagnostic, name.span);
        None
    }

    /// A connection's object: `crm.contacts`.
    pub(crate) fn target(&mut self, entry: &Entry) -> Option<At<Target>> {
        let text = self.fixed_text(
            &entry.value,
            entry.key.span,
            &entry.key.text,
            "a connection and its object, such as `crm.contacts`",
        )?;
        let Some(value) = target(&text.value) else {
            let message = format!("`{}` does not name a connection and its object", shown(&text.value));
            let diagnostic = Diagnostic::error(codes::WRONG_VALUE, message).help("write it as `crm.contacts`");
            self.report(diagnostic, text.span);
            return None;
        };
        Some(At { value: self.bound(value), span: text.span })
    }

    /// The target at the connection that stands for its name.
    pub(super) fn bound(&self, target: Target) -> Target {
        match self.bind.get(target.connection.as_str()) {
            Some(bound) => Target { connection: bound.value.clone(), ..target },
            None => target,
        }
    }
}

/// `crm.contacts`: a connection, and something that it has.
pub(crate) fn target(text: &str) -> Option<Target> {
    let (connection, object) = text.split_once('.')?;
    let good = is_id(connection)
        && (1..=200).contains(&object.len())
        && !object.contains(|character: char| character.is_whitespace() || character.is_control());
    good.then(|| Target { connection: ConnectionName::new(connection), object: object.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_as_file_names() {
        assert!(is_id("new-leads-2"));
        let long = "x".repeat(65);
        for text in ["", "../../x", "a/b", "CON", "..%2f", "-a", "2a", "a_b", "a b", "ü", long.as_str()] {
            assert!(!is_id(text), "{text}");
        }
        assert!(is_name("customer_2") && !is_name("record") && !is_name("a-b"));
    }
}
