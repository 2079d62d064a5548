//! `millrace connections scopes`: the rights that a project's flows need, and those that our tokens have.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use sdk::FlowId;
use serde_json::{Value as Json, json};

use super::{NamedArguments, Project};
use crate::assemble::{ConnectionPlace, Opening, needs};
use crate::progress::Progress;
use crate::tables::{self, Format, counted};
use crate::{Failure, problems, screen};

/// What is needed at one connection.
struct Asked {
    name: String,
    /// Any one of these, and what for.
    needed: BTreeMap<Vec<String>, Need>,
    granted: Granted,
}

/// What something is needed for.
#[derive(Default)]
struct Need {
    /// What is done, such as `read contacts`.
    uses: BTreeSet<String>,
    flows: BTreeSet<FlowId>,
}

/// What our credentials were granted.
enum Granted {
    These(Vec<String>),
    /// The service does not tell.
    Untold,
    /// It could not be asked.
    Refused(String),
}

/// Whether one of some scopes is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    There,
    Missing,
    Unknown,
}

/// Does it.
pub async fn run(arguments: &NamedArguments) -> Result<(), Failure> {
    let project = Project::read(&arguments.rest)?;
    let checked = project.understood.check_offline(&project.folder, &[]);
    let mut places = project.places(arguments.name.as_deref())?;
    places.retain(|place| !needed(&project, place, &checked.flows).is_empty());
    let progress = Progress::new("connection", places.len());
    let asked = places.into_iter().map(|place| ask(&project, place, &checked.flows, &progress));
    let asked: Vec<Asked> = join_all(asked).await;
    drop(progress);
    let n_mistaken = project.understood.definitions.len().saturating_sub(checked.flows.len());
    if n_mistaken > 0 {
        let flows = counted(n_mistaken as u64, "flow");
        problems::warn(&format!("{flows} with mistakes left out; `millrace check` shows them"));
    }
    match arguments.rest.format {
        Format::Json => screen::say_json(&asked.iter().map(to_json).collect()),
        Format::Table if asked.is_empty() => {
            screen::tell("No flow works with a service that asks for scopes.\n");
        }
        Format::Table => screen::say(&asked.iter().map(table).collect::<Vec<_>>().join("\n")),
    }
    project.show_mistakes()?;
    for one in &asked {
        if let Granted::Refused(reason) = &one.granted {
            problems::warn(&format!("what `{}` has granted could not be asked: {reason}", one.name));
        }
    }
    let verdicts = || asked.iter().flat_map(|one| one.needed.keys().map(|any_of| one.granted.verdict(any_of)));
    let n_missing = verdicts().filter(|verdict| *verdict == Verdict::Missing).count();
    let is_refused = asked.iter().any(|one| matches!(one.granted, Granted::Refused(_)));
    match (n_missing, is_refused) {
        (0, false) => Ok(()),
        (0, true) => Err(Failure::NotReady { summary: "not every service could be asked".to_owned() }),
        (n, _) => {
            let summary =
                format!("{} missing; grant what is missing to the token, then ask again", counted(n as u64, "scope"));
            Err(Failure::NotReady { summary })
        }
    }
}

/// What flows without mistakes need at a connection.
fn needed(
    project: &Project,
    place: &ConnectionPlace<'_>,
    flows: &[std::sync::Arc<flow::Flow>],
) -> BTreeMap<Vec<String>, Need> {
    let mut needed: BTreeMap<Vec<String>, Need> = BTreeMap::new();
    let Some(known) = project.understood.connectors.find(&place.definition.connector.value) else { return needed };
    let is_good = |id: &FlowId| flows.iter().any(|flow| flow.id == *id && flow.enabled);
    for definition in project.understood.definitions.iter().filter(|definition| is_good(definition.id())) {
        for one in needs::of(definition, place.name(), &*known.connector) {
            let need = needed.entry(one.any_of).or_default();
            need.uses.insert(one.what);
            need.flows.insert(definition.id().clone());
        }
    }
    needed
}

async fn ask(
    project: &Project,
    mut place: ConnectionPlace<'_>,
    flows: &[std::sync::Arc<flow::Flow>],
    progress: &Progress,
) -> Asked {
    let needed = needed(project, &place, flows);
    let granted = match place.open(&project.understood.connectors, &project.environment, &project.folder) {
        Opening::Open(open) => match open.scopes().await {
            Ok(Some(granted)) => Granted::These(granted),
            Ok(None) => Granted::Untold,
            Err(error) => Granted::Refused(place.trouble(None, &error)),
        },
        Opening::Closed(reason, diagnostics) => {
            let first = diagnostics.into_iter().find(text::Diagnostic::is_error);
            Granted::Refused(first.map_or(reason, |one| one.message))
        }
        Opening::Unmade(_) => Granted::Untold,
    };
    progress.done(place.name().as_str());
    Asked { name: place.name().to_string(), needed, granted }
}

impl Granted {
    fn verdict(&self, any_of: &[String]) -> Verdict {
        match self {
            Self::These(granted) if any_of.iter().any(|scope| granted.contains(scope)) => Verdict::There,
            Self::These(_) => Verdict::Missing,
            Self::Untold | Self::Refused(_) => Verdict::Unknown,
        }
    }
}

fn table(asked: &Asked) -> String {
    let columns = [tables::text(""), tables::text("scope"), tables::text("to"), tables::cuttable("for flows")];
    let rows = asked.needed.iter().map(|(any_of, need)| {
        let mark = match asked.granted.verdict(any_of) {
            Verdict::There => "✓",
            Verdict::Missing => "✗",
            Verdict::Unknown => "?",
        };
        let uses: Vec<&str> = need.uses.iter().map(String::as_str).collect();
        let flows: Vec<&str> = need.flows.iter().map(FlowId::as_str).collect();
        vec![mark.to_owned(), any_of.join(" or "), uses.join(", "), flows.join(", ")]
    });
    let untold = match asked.granted {
        Granted::These(_) | Granted::Refused(_) => "",
        Granted::Untold => "The service does not tell which of them are granted.\n",
    };
    format!("{}\n{}{untold}", tables::strong(&asked.name), tables::table(&columns, rows.collect(), None))
}

fn to_json(asked: &Asked) -> Json {
    let needed = asked.needed.iter().map(|(any_of, need)| {
        let granted = match asked.granted.verdict(any_of) {
            Verdict::There => Some(true),
            Verdict::Missing => Some(false),
            Verdict::Unknown => None,
        };
        json!({"any_of": any_of, "granted": granted, "to": need.uses, "flows": need.flows})
    });
    let problem = match &asked.granted {
        Granted::Refused(reason) => Some(reason),
        Granted::These(_) | Granted::Untold => None,
    };
    json!({"name": asked.name, "needed": needed.collect::<Json>(), "problem": problem})
}
