//! `millrace check --online`: checked against what services say now. Nothing of it is kept.
//!
//! What a service does not answer is taken as it was pulled, if it was; then it is told, and the check is none.

use std::collections::BTreeSet;

use flow::Memory;
use sdk::ConnectionName;

use super::unchecked::Unchecked;
use super::{Arguments, Looked, tell_all};
use crate::Failure;
use crate::assemble::Understood;
use crate::problems;
use crate::schema::online;

/// Does it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let files = arguments.files()?;
    let folder = std::path::absolute(&files.dir).map_err(Failure::file("find", &files.dir))?;
    let understood = Understood::of(&files);
    let wanted = |name: &ConnectionName| -> BTreeSet<String> { understood.objects_of(name) };
    let online = online::ask(&understood, &folder, None, &wanted).await;

    let mut known = understood.known_offline(&folder, &files.schemas);
    let is_answered = |connection: &ConnectionName, object: &str| {
        online.objects.iter().any(|(name, schema)| name == connection && schema.name == object)
    };
    let uses = understood.uses(None);
    let unanswered = uses.iter().filter(|(connection, object)| !is_answered(connection, object));
    let (pulled, unknown): (Vec<_>, Vec<_>) = unanswered.partition(|used| known.catalog.objects.contains_key(used));
    let list = |uses: &[&(ConnectionName, String)]| {
        uses.iter().map(|(connection, object)| format!("`{connection}.{object}`")).collect::<Vec<_>>().join(", ")
    };
    let told = [
        (list(&pulled), "taken as pulled into `schemas/`"),
        (list(&unknown), "not known, so fields of it are not checked"),
    ];
    for (connection, schema) in online.objects {
        known.catalog.objects.insert((connection, schema.name.clone()), schema);
    }
    // What was granted today goes over what was pulled.
    known.granted.retain(|pulled| !online.granted.iter().any(|now| now.connection == pulled.connection));
    known.granted.extend(online.granted);
    known.diagnostics.extend(online.diagnostics);

    let checked = understood.check_known(known, &mut Memory::default());
    online.problems.iter().for_each(|problem| problems::warn(problem));
    for (names, how) in told.iter().filter(|(names, _)| !names.is_empty()) {
        problems::warn(&format!("{names}: {how}"));
    }
    // What was not known was told with why.
    tell_all(&files, &Looked { checked, unchecked: Unchecked::default() }, arguments.format)?;
    match online.problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::NotReady {
            summary: "not every service could be asked, so not everything was checked against it".to_owned(),
        }),
    }
}
