//! What stands at a cursor, in words.

use super::members::{in_full, kind_of};
use super::names::{Meaning, Object};
use super::propose::key_doc;
use super::thing::{self, Thing};
use super::{Cursor, Description, Surroundings};
use crate::check::{ENROL_ACTION, SYNC_CONNECTION};
use crate::expr::helpers::Helper;
use crate::language::ENROL;

/// What stands at the cursor; `None` where nothing is to be said of it.
pub fn describe(cursor: Cursor<'_>, around: &Surroundings<'_>) -> Option<Description> {
    let outline = text::outline(cursor.file)?;
    let (span, thing) = thing::find(&outline, cursor, around)?;
    Some(Description { span, markdown: words(&thing, around)? })
}

fn words(thing: &Thing<'_>, around: &Surroundings<'_>) -> Option<String> {
    Some(match thing {
        Thing::Key(key, mapping) => {
            let required = if key.required { ", required" } else { "" };
            let about = mapping.map(|mapping| format!("{}\n\n", mapping.doc)).unwrap_or_default();
            format!("**{}**{required}\n\n{about}{}", key.name, key_doc(key))
        }
        Thing::Word(word) => format!("**{}** – {}", word.word, word.doc),
        Thing::Connection(name) => {
            let facts = around.catalog.connections.get(name)?;
            let mut out = format!("Connection **{name}** of `{}`", facts.connector);
            if let Some(objects) = facts.objects.as_ref().filter(|objects| !objects.is_empty()) {
                let names: Vec<String> = objects.iter().take(30).map(|name| format!("`{name}`")).collect();
                out.push_str(&format!("\n\nIt has {}.", names.join(", ")));
            }
            out
        }
        Thing::Connector(name) => {
            let is_there = around.catalog.connectors.contains(name);
            is_there
                .then(|| format!("Connector **{name}**; `millrace connectors show {name}` tells what it can do."))?
        }
        Thing::Object(object) => of_object(object, around)?,
        Thing::Action(action) if is_enrolment(action) => {
            format!("**{SYNC_CONNECTION}.{ENROL_ACTION}**\n\n{}", ENROL.doc)
        }
        Thing::Action(action) => {
            let schema = around.action(action)?;
            let mut out = format!("Action **{}** of `{}`: {}", schema.name, action.connection, schema.title);
            if !schema.help.is_empty() {
                out.push_str(&format!("\n\n{}", schema.help));
            }
            for input in &schema.inputs {
                let required = if input.required { ", required" } else { "" };
                out.push_str(&format!(
                    "\n- `{}` ({}{required}): {}",
                    input.name,
                    kind_of(input.field_type),
                    input.help
                ));
            }
            out
        }
        Thing::Flow(id) => {
            if let Some(sync) = around.syncs.iter().find(|sync| sync.id() == id) {
                let description = sync.description.as_deref().map(|text| format!("\n\n{text}")).unwrap_or_default();
                return Some(format!("Sync **{id}** in `{}`{description}", sync.file().path));
            }
            let flow = around.flows.iter().find(|flow| flow.id() == id)?;
            let description = flow.description.as_deref().map(|text| format!("\n\n{text}")).unwrap_or_default();
            format!("Flow **{id}** in `{}`{description}", flow.file().path)
        }
        Thing::Field(object, name) => {
            let field = around.schema(object)?.fields.get(name)?;
            format!("`{}.{}.{name}`\n\n{}", object.connection, object.object, in_full(field))
        }
        Thing::Choice(field, value) => {
            let option = field.options.iter().find(|option| option.value == *value)?;
            format!("`{value}` – {}, of `{}`", text::visible(&option.label), field.name)
        }
        Thing::Name(name) => format!("**{}** – {}", name.text, in_short(&name.means)),
        Thing::Member(member) => match member.detail.as_str() {
            "" => format!("**{}**\n\n{}", member.text, member.doc),
            detail => format!("**{}** – {detail}\n\n{}", member.text, member.doc),
        },
        Thing::Function(forms) => forms.iter().map(|form| helper(form)).collect::<Vec<_>>().join("\n\n---\n\n"),
        Thing::Setting(setting) => {
            let required = if setting.required { ", required" } else { "" };
            format!("**{}**{required}\n\n{}", setting.name, setting.help)
        }
    })
}

/// Whether an action is the language's own.
fn is_enrolment(action: &Object) -> bool {
    action.connection.as_str() == SYNC_CONNECTION && action.object == ENROL_ACTION
}

fn of_object(object: &Object, around: &Surroundings<'_>) -> Option<String> {
    let Object { connection, object: name } = object;
    let facts = around.catalog.connections.get(connection)?;
    let offers = around.catalog.offers.get(connection).map(Vec::as_slice).unwrap_or_default();
    let title = offers.iter().find(|offer| offer.object.as_deref() == Some(name)).map(|offer| offer.title.as_str());
    let title = title.map(|title| format!(" ({title})")).unwrap_or_default();
    let known = match around.schema(object) {
        Some(schema) => format!("{} fields are known of it, from `schemas/`.", schema.fields.len()),
        None => format!("Its fields are not known here; `millrace schema pull {connection}` asks for them."),
    };
    Some(format!("**{connection}.{name}**{title} of `{}`\n\n{known}", facts.connector))
}

/// A function, with its example.
pub(super) fn helper(helper: &Helper) -> String {
    format!("```rhai\n{}\n```\n{}\n\n`{}` gives `{}`", helper.signature, helper.doc, helper.example, helper.result)
}

/// What a name stands for, in a few words.
pub(super) fn in_short(means: &Meaning<'_>) -> String {
    let of = |object: &Option<Object>| match object {
        Some(Object { connection, object }) => format!(" of {connection}.{object}"),
        None => String::new(),
    };
    match means {
        Meaning::Record(object) => format!("a record{}", of(object)),
        Meaning::Records(object) => format!("a list of records{}", of(object)),
        Meaning::Inputs(_) => "what the caller gives".to_owned(),
        Meaning::Body => "what the service tells".to_owned(),
        Meaning::Itself => "its id".to_owned(),
        Meaning::Now => "the moment at which the run began".to_owned(),
        Meaning::Errors(_) => "failures of steps with `on_error: continue`".to_owned(),
        Meaning::Failure => "why the run failed".to_owned(),
        Meaning::Written => "the result of a write".to_owned(),
        Meaning::Deleted => "the result of a `delete`".to_owned(),
        Meaning::ActionResult(action) => format!("the result of the action{}", of(action)),
        Meaning::Value => "a value made by a step".to_owned(),
    }
}
