//! What services say now of the objects that somebody wants to know: fields, and granted scopes. Nothing is kept.

use std::collections::BTreeSet;
use std::path::Path;

use futures::future::join_all;
use sdk::{Connection, ConnectionName, ObjectSchema};
use text::Diagnostic;

use super::granted::Granted;
use super::unmade;
use crate::assemble::{ConnectionPlace, Environment, Opening, Understood};
use crate::progress::Progress;

/// What was answered.
#[derive(Debug, Default)]
pub struct Online {
    /// Objects, with their connections.
    pub objects: Vec<(ConnectionName, ObjectSchema)>,
    /// What was granted, where a service tells.
    pub granted: Vec<Granted>,
    /// Mistakes in how connections are configured.
    pub diagnostics: Vec<Diagnostic>,
    /// Why something was not answered, each with what mends it.
    pub problems: BTreeSet<String>,
}

/// Asks every connection, or this one, for the objects that are wanted of it. What one refuses keeps no other from
/// being asked; one of which nothing is wanted is left alone.
pub async fn ask(
    understood: &Understood,
    folder: &Path,
    only: Option<&str>,
    wanted: &dyn Fn(&ConnectionName) -> BTreeSet<String>,
) -> Online {
    let mut online = Online::default();
    let mut asked = Vec::new();
    for mut place in understood.places(only) {
        let objects = wanted(place.name());
        let acts = understood.definitions.iter().any(|flow| flow.is_enabled() && flow.acts_at(place.name()));
        if objects.is_empty() && !acts {
            continue;
        }
        match place.open_as_it_will_be(&understood.connectors, &Environment::of_process(), folder) {
            Opening::Open(open) => asked.push((place, open, objects)),
            Opening::Closed(reason, mistakes) => {
                online.diagnostics.extend(mistakes);
                online.problems.insert(reason);
            }
            Opening::Unmade(path) => {
                online.problems.insert(format!("`{}` was not asked: {}", place.name(), unmade(&path)));
            }
        }
    }
    let progress = Progress::new("object", asked.iter().map(|(_, _, objects)| objects.len()).sum());
    let answers = join_all(asked.iter().map(|(place, open, objects)| of_one(place, &**open, objects, &progress))).await;
    drop(progress);
    for one in answers {
        online.objects.extend(one.objects);
        online.granted.extend(one.granted);
        online.problems.extend(one.problems);
    }
    online
}

/// One object after the other: a service counts its requests.
async fn of_one(
    place: &ConnectionPlace<'_>,
    open: &dyn Connection,
    objects: &BTreeSet<String>,
    progress: &Progress,
) -> Online {
    let mut answered = Online::default();
    for object in objects {
        match open.discover(object).await {
            Ok(schema) => answered.objects.push((place.name().clone(), schema)),
            Err(error) => drop(answered.problems.insert(place.trouble(Some(object), &error))),
        }
        progress.done(&format!("{}.{object}", place.name()));
    }
    answered.granted.extend(scopes(place, open).await);
    answered
}

/// What the credentials were granted, where the service tells. Where it does not answer, its objects have said why.
pub async fn scopes(place: &ConnectionPlace<'_>, open: &dyn Connection) -> Option<Granted> {
    let mut scopes = open.scopes().await.ok()??;
    scopes.sort();
    scopes.dedup();
    let connector = place.definition.connector.value.clone();
    Some(Granted { connection: place.name().clone(), connector, scopes })
}
