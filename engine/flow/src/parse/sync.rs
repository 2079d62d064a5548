//! A sync document.

use sdk::FlowId;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, SourceFile, shown};

use super::flow::{connections, question};
use super::reader::Reader;
use crate::codes;
use crate::definition::{At, DirectionDefinition, PairDefinition, SyncDefinition};
use crate::language::words::{CONFLICTS, DELETED, POLICIES, SYNC_OF, WAYS};
use crate::language::{DIRECTION, SYNC, SYNC_FIELD};
use crate::model::{Policy, Target, Way};

/// The arrows, the longest first, and which way each goes.
const ARROWS: [(&str, Way); 3] = [("<->", Way::Both), ("->", Way::Right), ("<-", Way::Left)];
/// What some write in place of an arrow.
const OTHER_ARROWS: [(&str, &str); 6] =
    [("<=>", "<->"), ("=>", "->"), ("<=", "<-"), ("↔", "<->"), ("→", "->"), ("←", "<-")];

/// Reads a sync; `None` where not even its id can be read.
pub(super) fn read(file: &SourceFile, map: &Map, diagnostics: &mut Diagnostics) -> Option<SyncDefinition> {
    let mut reader = Reader::new(diagnostics);
    reader.keys(map, &SYNC);
    let id = map.get("sync").and_then(|entry| reader.id(entry));
    let (left, right) = match map.get("between") {
        Some(entry) => between(&mut reader, entry),
        None => {
            let help = "name the two objects, such as `between: [app.members, crm.contacts]`";
            reader.missing_key(map, "between", &SYNC, "the sync does not say what it keeps alike", help);
            (None, None)
        }
    };
    let every = match map.get("every") {
        Some(entry) => reader.duration(entry),
        None => {
            let help = "add `every`, such as `every: 8h`";
            reader.missing_key(map, "every", &SYNC, "the sync does not say how often it looks", help);
            None
        }
    };
    let pairs = match map.get("fields") {
        Some(entry) => pairs(&mut reader, entry),
        None => {
            let help = "add them, such as `fields: [display_name <-> firstname]`";
            reader.missing_key(map, "fields", &SYNC, "the sync has no `fields` to keep alike", help);
            Vec::new()
        }
    };
    let conflict = map.get("conflict").and_then(|entry| {
        let value = reader.word(entry, &CONFLICTS)?;
        Some(At { value, span: entry.key.span })
    });
    let definition = SyncDefinition {
        file: file.clone(),
        description: map.get("description").and_then(|entry| reader.text(entry)).map(|text| text.value),
        enabled: map.get("enabled").and_then(|entry| reader.boolean(entry)).unwrap_or(true),
        connections: map.get("connections").map(|entry| connections(&mut reader, entry)).unwrap_or_default(),
        left,
        right,
        every,
        pairs,
        to_right: map.get("to_right").and_then(|entry| direction(&mut reader, entry)),
        to_left: map.get("to_left").and_then(|entry| direction(&mut reader, entry)),
        conflict,
        deleted: map.get("deleted").and_then(|entry| reader.word(entry, &DELETED)).unwrap_or_default(),
        id: id.map(|id| At { value: FlowId::new(id.value), span: id.span })?,
        sound: false,
    };
    let sound = !diagnostics.has_errors();
    Some(SyncDefinition { sound, ..definition })
}

fn between(reader: &mut Reader<'_>, entry: &Entry) -> (Option<At<Target>>, Option<At<Target>>) {
    let wanted = "the two objects, such as `[app.members, crm.contacts]`";
    let items = reader.list(entry, wanted).unwrap_or_default();
    match items {
        [left, right] => {
            let mut target = |node: &Node| reader.target(&Entry { key: entry.key.clone(), value: node.clone() });
            (target(left), target(right))
        }
        _ => {
            if matches!(entry.value.kind, Kind::List(_)) {
                let message = format!("`between` names two objects, and this names {}", items.len());
                reader.report(
                    Diagnostic::error(codes::WRONG_VALUE, message).help(format!("write {wanted}")),
                    entry.value.span,
                );
            }
            (None, None)
        }
    }
}

fn pairs(reader: &mut Reader<'_>, entry: &Entry) -> Vec<PairDefinition> {
    let items = reader.list(entry, "a list of fields such as `[display_name <-> firstname]`").unwrap_or_default();
    if items.is_empty() && matches!(entry.value.kind, Kind::List(_)) {
        reader.report(Diagnostic::error(codes::WRONG_VALUE, "`fields` keeps nothing alike"), entry.key.span);
    }
    items.iter().filter_map(|item| pair(reader, entry, item)).collect()
}

fn pair(reader: &mut Reader<'_>, fields: &Entry, node: &Node) -> Option<PairDefinition> {
    let Kind::Map(map) = &node.kind else { return line(reader, fields, node) };
    if let [only] = map.entries.as_slice()
        && let (false, Some(right)) = (SYNC_FIELD.knows(&only.key.text), only.value.as_text())
    {
        let line = format!("{} <-> {right}", only.key.text);
        let message = format!("`{}: {}` does not say which way its fields go", shown(&only.key.text), shown(right));
        let diagnostic = Diagnostic::error(codes::BAD_PAIR, message)
            .help(format!("write `{line}` for both ways, `->` or `<-` for one"));
        reader.report(diagnostic.offer(node.span, line), node.span);
        return None;
    }
    reader.keys(map, &SYNC_FIELD);
    let mut side = |key: &str| match map.get(key) {
        Some(entry) => reader.text(entry),
        None => {
            let message = format!("the line does not name the {key} field");
            let help = "write `{left: bio, right: gm_bio, way: right, policy: never_blank}`";
            reader.missing_key(map, key, &SYNC_FIELD, &message, help);
            None
        }
    };
    let (left, right) = (side("left"), side("right"));
    let way = map.get("way").and_then(|entry| {
        let value = reader.word(entry, &WAYS)?;
        Some(At { value, span: entry.value.span })
    });
    let policy = map.get("policy").and_then(|entry| reader.word(entry, &POLICIES)).unwrap_or_default();
    Some(PairDefinition {
        left: left?,
        right: right?,
        way: way.unwrap_or(At { value: Way::Both, span: node.span }),
        policy,
    })
}

/// `display_name <-> firstname`.
fn line(reader: &mut Reader<'_>, fields: &Entry, node: &Node) -> Option<PairDefinition> {
    let wanted = "a line such as `display_name <-> firstname`";
    let text = reader.fixed_text(node, fields.key.span, "a line of `fields`", wanted)?;
    let found = ARROWS.into_iter().find_map(|(arrow, way)| Some((arrow, way, text.value.find(arrow)?)));
    let Some((arrow, way, at)) = found else {
        report_no_arrow(reader, &text);
        return None;
    };
    let (before, after) = (&text.value[..at], &text.value[at + arrow.len()..]);
    let is_field = |side: &str| !side.is_empty() && !side.contains(char::is_whitespace) && !side.contains(['<', '>']);
    if !is_field(before.trim()) || !is_field(after.trim()) {
        let message = format!("`{}` does not pair two fields", shown(&text.value));
        let diagnostic = Diagnostic::error(codes::BAD_PAIR, message)
            .help(format!("write one field on each side, such as `display_name {arrow} firstname`"));
        reader.report(diagnostic, text.span);
        return None;
    }
    let file = reader.diagnostics.file().clone();
    let part = |start: usize, side: &str| {
        let start = start + side.len() - side.trim_start().len();
        let value = side.trim().to_owned();
        At { span: node.span_in_text(&file, start, start + value.len()), value }
    };
    Some(PairDefinition {
        left: part(0, before),
        right: part(at + arrow.len(), after),
        way: At { value: way, span: node.span_in_text(&file, at, at + arrow.len()) },
        policy: Policy::default(),
    })
}

fn report_no_arrow(reader: &mut Reader<'_>, text: &At<String>) {
    let message = format!("`{}` does not say which way its fields go", shown(&text.value));
    let diagnostic = Diagnostic::error(codes::BAD_PAIR, message);
    let other = OTHER_ARROWS.into_iter().find(|(other, _)| text.value.contains(other));
    let diagnostic = match other {
        Some((other, arrow)) => {
            let meant = text.value.replacen(other, arrow, 1);
            diagnostic.help(format!("write `{meant}`")).fix(text.span, meant)
        }
        None if text.value.contains("<=>") => {
            let meant = text.value.replacen("<=>", "<->", 1);
            diagnostic.help(format!("write `{meant}`")).fix(text.span, meant)
        }
        None => diagnostic.help("write `left <-> right` for both ways, `left -> right` or `left <- right` for one"),
    };
    reader.report(diagnostic, text.span);
}

fn direction(reader: &mut Reader<'_>, entry: &Entry) -> Option<DirectionDefinition> {
    let map = reader.map(entry)?;
    reader.keys(map, &DIRECTION);
    let key = match map.get("match") {
        Some(entry) => reader.text(entry),
        None => {
            let message = format!("`{}` does not say how a record is found", entry.key.text);
            reader.missing_key(map, "match", &DIRECTION, &message, "name the field, such as `match: email`");
            None
        }
    };
    Some(DirectionDefinition {
        span: entry.key.span,
        key,
        create: map.get("create").and_then(|entry| reader.boolean(entry)).unwrap_or(false),
        of: map.get("of").and_then(|entry| reader.word(entry, &SYNC_OF)).unwrap_or_default(),
        skip_if: map.get("skip_if").map(|entry| question(reader, entry)),
    })
}
