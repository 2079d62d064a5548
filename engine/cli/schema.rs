//! `millrace schema`: the fields of an account's objects, asked for or as they were pulled.

mod change;
mod diff;
pub mod granted;
mod hits;
pub mod online;
pub mod pull;
pub mod snapshot;

use clap::{Args, Subcommand};
use sdk::{Field, ObjectSchema};
use serde_json::{Value as Json, json};

use crate::assemble::{Environment, Opening, Understood};
use crate::place::PlaceArguments;
use crate::project::{ProjectFiles, SCHEMAS};
use crate::tables::{self, Format, counted};
use crate::{Failure, problems, screen};
use snapshot::Snapshot;

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Ask for fields, and keep them in `schemas/` for `check`
    #[command(after_help = "Examples:\n  millrace schema pull\n  millrace schema pull crm --object deals")]
    Pull(pull::Arguments),
    /// Compare what was pulled with what accounts say now, and tell which flows that hits
    #[command(after_help = "Examples:\n  millrace schema diff\n  millrace schema diff crm --format json")]
    Diff(diff::Arguments),
    /// Show an object's fields: as pulled, or asked for where nothing was
    #[command(
        after_help = "Examples:\n  millrace schema show crm.contacts\n  millrace schema show crm.contacts lifecyclestage"
    )]
    Show(ShowArguments),
}

/// Arguments of `schema show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// Which object of which connection
    #[arg(value_name = "CONNECTION.OBJECT", value_parser = object_of)]
    object: (String, String),
    /// One field, with its options
    field: Option<String>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Ask the service, whatever was pulled
    #[arg(long)]
    online: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Pull(arguments) => pull::run(&arguments).await,
        Command::Diff(arguments) => diff::run(&arguments).await,
        Command::Show(arguments) => show(&arguments).await,
    }
}

fn object_of(text: &str) -> Result<(String, String), String> {
    match text.split_once('.') {
        Some((connection, object)) if !connection.is_empty() && !object.is_empty() => {
            Ok((connection.to_owned(), object.to_owned()))
        }
        Some(_) | None => Err("name a connection and its object, such as `crm.contacts`".to_owned()),
    }
}

/// The object and the field that are meant: `crm.contacts.email` is read as `crm.contacts email`, where `contacts` is
/// known and nothing is called `contacts.email`.
fn meant<'a>(arguments: &'a ShowArguments, pulled: &[Snapshot]) -> (&'a str, Option<&'a str>) {
    let (connection, object) = (&arguments.object.0, arguments.object.1.as_str());
    let is_known =
        |object: &str| pulled.iter().any(|one| one.connection.as_str() == connection && one.schema.name == object);
    match (arguments.field.as_deref(), object.rsplit_once('.')) {
        (None, Some((outer, field))) if !is_known(object) && is_known(outer) => (outer, Some(field)),
        (field, _) => (object, field),
    }
}

async fn show(arguments: &ShowArguments) -> Result<(), Failure> {
    let connection = &arguments.object.0;
    let dir = arguments.place.place()?.dir;
    let files = ProjectFiles::read_whatever_there_is(&dir, arguments.env.as_deref())?.with_schemas()?;
    let understood = Understood::of(&files);
    let (pulled, mistakes) = snapshot::read_all(&files.schemas, &understood.connections, &understood.connectors);
    let (object, field) = meant(arguments, &pulled);
    let found = pulled.into_iter().find(|one| one.connection.as_str() == connection && one.schema.name == object);
    let (schema, from) = match found.filter(|_| !arguments.online) {
        Some(found) => {
            let file = snapshot::file_name(&found.connection, object);
            (found.schema, format!("as pulled into `{SCHEMAS}/{file}`; `--online` asks for today's"))
        }
        None => {
            // Whoever asks for today's fields need not hear of yesterday's.
            if !arguments.online {
                problems::show_diagnostics(&mistakes, &files.sources());
            }
            (asked(&understood, connection, object, &files).await?, "asked for just now".to_owned())
        }
    };
    match field {
        None => match arguments.format {
            Format::Json => screen::say_json(&to_json(connection, &schema)),
            Format::Table => {
                screen::tell(&format!(
                    "{}  {}, {from}\n",
                    tables::strong(&format!("{connection}.{object}")),
                    counted(schema.fields.len() as u64, "field")
                ));
                screen::say(&table(&schema));
            }
        },
        Some(name) => {
            let known = || schema.fields.keys().cloned().collect();
            let field = schema.fields.get(name).ok_or_else(|| Failure::unknown("field", name, known()))?;
            match arguments.format {
                Format::Json => screen::say_json(&field_to_json(field)),
                Format::Table => screen::say(&in_full(&schema, field)),
            }
        }
    }
    Ok(())
}

/// The fields as the service has them now.
async fn asked(
    understood: &Understood,
    connection: &str,
    object: &str,
    files: &ProjectFiles,
) -> Result<ObjectSchema, Failure> {
    let folder = std::path::absolute(&files.dir).map_err(Failure::file("find", &files.dir))?;
    let Some(mut place) = understood.places(Some(connection)).pop() else {
        let known = understood.connections.iter().map(|one| one.name.value.to_string()).collect();
        return Err(Failure::unknown("connection", connection, known));
    };
    let open = match place.open_as_it_will_be(&understood.connectors, &Environment::of_process(), &folder) {
        Opening::Open(open) => open,
        Opening::Closed(reason, diagnostics) => {
            problems::show_diagnostics(&diagnostics, &files.sources());
            return Err(Failure::NotReady { summary: reason });
        }
        Opening::Unmade(path) => return Err(Failure::NotReady { summary: unmade(&path) }),
    };
    open.discover(object).await.map_err(|error| Failure::NotReady { summary: place.trouble(Some(object), &error) })
}

/// Why there is nothing to look at in a database that nobody has made.
pub fn unmade(path: &str) -> String {
    format!("there is no `{path}` yet; a flow's first start makes it")
}

fn table(schema: &ObjectSchema) -> String {
    let columns = [tables::text("field"), tables::text("type"), tables::cuttable("label"), tables::text("")];
    let row = |field: &Field| {
        vec![
            field.name.clone(),
            tables::field_type(field.field_type).to_owned(),
            field.label.clone(),
            notes(schema, field),
        ]
    };
    tables::table(&columns, schema.fields.values().map(row).collect(), None)
}

/// What is special about a field, in a few words.
fn notes(schema: &ObjectSchema, field: &Field) -> String {
    let stamps = |stamp: &Option<String>| stamp.as_deref() == Some(field.name.as_str());
    let notes = [
        (field.required, "required"),
        (field.unique, "unique"),
        (field.read_only, "read only"),
        (stamps(&schema.created_field), "stamps creation"),
        (stamps(&schema.modified_field), "stamps changes"),
    ];
    notes.into_iter().filter_map(|(is_so, note)| is_so.then_some(note)).collect::<Vec<_>>().join(", ")
}

fn in_full(schema: &ObjectSchema, field: &Field) -> String {
    let facts = [
        ("type", tables::field_type(field.field_type).to_owned()),
        ("label", field.label.clone()),
        ("about", field.description.clone().unwrap_or_default()),
        ("group", field.group.clone().unwrap_or_default()),
        ("notes", notes(schema, field)),
    ];
    let mut out = format!("{}\n{}", tables::strong(&field.name), tables::facts(&facts));
    if !field.options.is_empty() {
        // Records hold values: what a flow keeps, passes on or looks up is one of those.
        let columns = [
            tables::text("value, as records hold it"),
            tables::cuttable("label, which `set`, filters and comparisons take too"),
        ];
        let rows = field.options.iter().map(|option| vec![option.value.clone(), option.label.clone()]).collect();
        out.push('\n');
        out.push_str(&tables::table(&columns, rows, None));
    }
    out
}

fn to_json(connection: &str, schema: &ObjectSchema) -> Json {
    json!({
        "connection": connection,
        "object": schema.name,
        "modified": schema.modified_field,
        "created": schema.created_field,
        "required_one_of": schema.required_one_of,
        "unique_together": schema.unique_together,
        "fields": schema.fields.values().map(field_to_json).collect::<Json>(),
    })
}

fn field_to_json(field: &Field) -> Json {
    let options = field.options.iter().map(|option| json!({"value": option.value, "label": option.label}));
    json!({
        "name": field.name,
        "type": tables::field_type(field.field_type),
        "label": field.label,
        "description": field.description,
        "group": field.group,
        "read_only": field.read_only,
        "unique": field.unique,
        "required": field.required,
        "options": options.collect::<Json>(),
    })
}
