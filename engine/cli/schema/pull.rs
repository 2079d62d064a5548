//! `millrace schema pull`: fields and granted scopes, from services into `schemas/`.
//!
//! A file whose fields are as they were is not touched. What one service refuses keeps no other from being pulled.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Args;
use futures::future::join_all;
use sdk::{Connection, ConnectionName, ObjectSchema};
use serde_json::{Value as Json, json};
use text::{Diagnostic, MAX_FILE_SIZE};

use super::granted::{self, Granted};
use super::online;
use super::snapshot::{self, Snapshot};
use super::unmade;
use crate::assemble::{ConnectionPlace, Environment, Opening, Understood};
use crate::place::PlaceArguments;
use crate::progress::Progress;
use crate::project::{ProjectFiles, SCHEMAS};
use crate::tables::{self, Format, count, counted};
use crate::{Failure, problems, screen};

/// Arguments of `schema pull`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// From this connection only
    connection: Option<String>,
    /// This object; may be given several times. Without it: what flows name and what was pulled before, or all objects
    #[arg(long, value_name = "OBJECT", requires = "connection")]
    object: Vec<String>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What became of one object.
struct Pulled {
    name: String,
    outcome: Result<Kept, String>,
}

/// A file, and how it differs from what was there.
struct Kept {
    path: String,
    /// How many fields it has; none where it keeps what is granted.
    n_fields: Option<u64>,
    change: String,
}

/// Does it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = arguments.place.place()?.dir;
    let files = ProjectFiles::read_whatever_there_is(&dir, arguments.env.as_deref())?.with_schemas()?;
    let folder = std::path::absolute(&dir).map_err(Failure::file("find", &dir))?;
    let understood = Understood::of(&files);
    // A file with mistakes is written anew, so nobody need hear of them.
    let (before, _) = snapshot::read_all(&files.schemas, &understood.connections, &understood.connectors);
    let places = understood.places(arguments.connection.as_deref());
    if places.is_empty() {
        let known = understood.connections.iter().map(|one| one.name.value.to_string()).collect();
        return Err(match arguments.connection.as_deref() {
            Some(wanted) => Failure::unknown("connection", wanted, known),
            None => Failure::NotReady { summary: "`connections.yaml` names no connection to pull from".to_owned() },
        });
    }

    let mut pulled = Vec::new();
    let mut asked = Vec::new();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for mut place in places {
        match place.open_as_it_will_be(&understood.connectors, &Environment::of_process(), &folder) {
            Opening::Open(open) => {
                let objects = wanted(arguments, &understood, &before, place.name(), &*open);
                asked.push((place, open, objects));
            }
            Opening::Closed(reason, mistakes) => {
                diagnostics.extend(mistakes);
                pulled.push(Pulled { name: place.name().to_string(), outcome: Err(reason) });
            }
            // Nothing is wrong with it; only who asked for this one fails because nothing came of it.
            Opening::Unmade(path) if arguments.connection.is_none() => {
                screen::complain(&format!("`{}` was left out: {}\n", place.name(), unmade(&path)));
            }
            Opening::Unmade(path) => {
                pulled.push(Pulled { name: place.name().to_string(), outcome: Err(unmade(&path)) });
            }
        }
    }
    let progress = Progress::new("object", asked.iter().map(|(_, _, objects)| objects.len()).sum());
    let answers = join_all(asked.iter().map(|(place, open, objects)| ask(place, &**open, objects, &progress))).await;
    drop(progress);
    for (snapshot, name) in answers.into_iter().flatten() {
        let outcome = match snapshot {
            Ok(snapshot) => Ok(keep(&dir, &snapshot, &before)?),
            Err(reason) => Err(reason),
        };
        pulled.push(Pulled { name, outcome });
    }
    for granted in
        join_all(asked.iter().map(|(place, open, _)| online::scopes(place, &**open))).await.into_iter().flatten()
    {
        let name = format!("{}, its scopes", granted.connection);
        pulled.push(Pulled { name, outcome: Ok(keep_granted(&dir, &granted)?) });
    }
    problems::show_diagnostics(&diagnostics, &files.sources());
    tell(&pulled, arguments.format)
}

/// The objects of a connection that are meant.
fn wanted(
    arguments: &Arguments,
    understood: &Understood,
    before: &[Snapshot],
    connection: &ConnectionName,
    open: &dyn Connection,
) -> BTreeSet<String> {
    if !arguments.object.is_empty() {
        return arguments.object.iter().cloned().collect();
    }
    let mut objects = understood.objects_of(connection);
    objects.extend(before.iter().filter(|one| one.connection == *connection).map(|one| one.schema.name.clone()));
    if objects.is_empty() {
        objects.extend(open.objects().unwrap_or_default());
    }
    objects
}

/// One object after the other: a service counts its requests.
async fn ask(
    place: &ConnectionPlace<'_>,
    open: &dyn Connection,
    objects: &BTreeSet<String>,
    progress: &Progress,
) -> Vec<(Result<Snapshot, String>, String)> {
    let mut answers = Vec::new();
    for object in objects {
        let name = format!("{}.{object}", place.name());
        let schema = open.discover(object).await.map_err(|error| place.trouble(Some(object), &error));
        let snapshot = schema.map(|schema| Snapshot {
            connection: place.name().clone(),
            connector: place.definition.connector.value.clone(),
            schema,
        });
        progress.done(&name);
        answers.push((snapshot, name));
    }
    answers
}

/// Writes the file of what is granted, where it differs.
fn keep_granted(dir: &Path, granted: &Granted) -> Result<Kept, Failure> {
    let name = granted::file_name(&granted.connection);
    let (path, shown) = (dir.join(SCHEMAS).join(&name), format!("{SCHEMAS}/{name}"));
    let change = match write(&path, &granted::write(granted))? {
        Written::AsItWas => "unchanged",
        Written::Anew => "written anew",
        Written::First => "written",
    };
    Ok(Kept { path: shown, n_fields: None, change: change.to_owned() })
}

/// What writing a file changed.
enum Written {
    AsItWas,
    Anew,
    First,
}

/// Writes a file of `schemas/`, unless it says this already.
fn write(path: &Path, text: &str) -> Result<Written, Failure> {
    let before = fs::read_to_string(path).ok();
    if before.as_deref() == Some(text) {
        return Ok(Written::AsItWas);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Failure::file("make", folder))?;
    }
    fs::write(path, text).map_err(Failure::file("write", path))?;
    Ok(if before.is_some() { Written::Anew } else { Written::First })
}

/// Writes the file, where it differs.
fn keep(dir: &Path, snapshot: &Snapshot, before: &[Snapshot]) -> Result<Kept, Failure> {
    let name = snapshot::file_name(&snapshot.connection, &snapshot.schema.name);
    let (path, shown) = (dir.join(SCHEMAS).join(&name), format!("{SCHEMAS}/{name}"));
    let n_fields = Some(snapshot.schema.fields.len() as u64);
    let text = snapshot::write(snapshot);
    if let Written::AsItWas = write(&path, &text)? {
        return Ok(Kept { path: shown, n_fields, change: "unchanged".to_owned() });
    }
    if text.len() > MAX_FILE_SIZE {
        let size = format!("written, but `check` reads no file of more than {} KiB", MAX_FILE_SIZE / 1024);
        return Ok(Kept { path: shown, n_fields, change: size });
    }
    let same = |one: &&Snapshot| one.connection == snapshot.connection && one.schema.name == snapshot.schema.name;
    let change = match before.iter().find(same) {
        Some(before) => difference(&before.schema, &snapshot.schema),
        None => "written".to_owned(),
    };
    Ok(Kept { path: shown, n_fields, change })
}

/// How the fields differ, in a few words.
fn difference(before: &ObjectSchema, now: &ObjectSchema) -> String {
    let n_new = now.fields.keys().filter(|name| !before.fields.contains_key(*name)).count();
    let n_gone = before.fields.keys().filter(|name| !now.fields.contains_key(*name)).count();
    let n_other =
        now.fields.iter().filter(|(name, field)| before.fields.get(*name).is_some_and(|other| other != *field)).count();
    let told = [(n_new, "new"), (n_gone, "gone"), (n_other, "changed")];
    let told: Vec<String> = told.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if told.is_empty() { "written anew".to_owned() } else { told.join(", ") }
}

fn tell(pulled: &[Pulled], format: Format) -> Result<(), Failure> {
    let good = || pulled.iter().filter_map(|one| one.outcome.as_ref().ok().map(|kept| (one, kept)));
    match format {
        Format::Json => screen::say_json(&pulled.iter().map(to_json).collect()),
        Format::Table if good().next().is_none() => {}
        Format::Table => {
            let columns =
                [tables::text("object"), tables::number("fields"), tables::text("change"), tables::cuttable("file")];
            let rows = good().map(|(one, kept)| {
                let fields = kept.n_fields.map(count).unwrap_or_default();
                vec![one.name.clone(), fields, kept.change.clone(), kept.path.clone()]
            });
            screen::say(&tables::table(&columns, rows.collect(), None));
        }
    }
    let reasons: Vec<&String> = pulled.iter().filter_map(|one| one.outcome.as_ref().err()).collect();
    reasons.iter().for_each(|reason| problems::warn(reason));
    if reasons.is_empty() {
        return Ok(());
    }
    let summary = format!("{} could not be pulled", counted(reasons.len() as u64, "schema"));
    Err(Failure::NotReady { summary })
}

fn to_json(pulled: &Pulled) -> Json {
    match &pulled.outcome {
        Ok(kept) => {
            json!({"object": pulled.name, "file": kept.path, "fields": kept.n_fields, "change": kept.change, "problem": null})
        }
        Err(reason) => json!({"object": pulled.name, "file": null, "fields": null, "change": null, "problem": reason}),
    }
}
