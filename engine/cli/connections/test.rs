//! `millrace connections test`: whether everything that a project's flows need of their services is there.
//!
//! It asks what an engine asks before its first poll, and reads one record of each object. Nothing is written, and no
//! database is made.

use futures::future::join_all;
use sdk::{
    Account, Clock as _, Connection, Error, Filter, Find, ObjectSchema, PollQuery, PollRequest, StampKind, SystemClock,
    Timestamp,
};
use serde_json::{Value as Json, json};
use text::Diagnostic;

use super::{NamedArguments, Project};
use crate::assemble::{ConnectionPlace, Opening};
use crate::progress::Progress;
use crate::schema::unmade;
use crate::tables::{self, Format, counted};
use crate::{Failure, durations, problems, screen};

/// What one connection showed.
struct Tested {
    name: String,
    connector: String,
    address: Option<String>,
    /// Where nothing else was asked.
    closed: Option<Problem>,
    /// Its file, where that is not made yet: no fault of the connection's.
    unmade: Option<String>,
    account: Option<Account>,
    /// Ahead of this machine, in milliseconds.
    clock: Option<i64>,
    objects: Vec<Object>,
}

/// What one object showed.
struct Object {
    name: String,
    n_fields: Option<u64>,
    problem: Option<Problem>,
}

/// What is wrong, and what mends it.
struct Problem {
    class: &'static str,
    message: String,
}

/// Two clocks that differ by less are told as the same: services say no more than seconds.
const SAME_TIME: i64 = 2_000;

/// Does it.
pub async fn run(arguments: &NamedArguments) -> Result<(), Failure> {
    let project = Project::read(&arguments.rest)?;
    let places = project.places(arguments.name.as_deref())?;
    let progress = Progress::new("connection", places.len());
    let tests = places.into_iter().map(|place| test(&project, place, &progress));
    let (tested, diagnostics): (Vec<Tested>, Vec<Vec<Diagnostic>>) = join_all(tests).await.into_iter().unzip();
    drop(progress);
    match arguments.rest.format {
        Format::Json => screen::say_json(&tested.iter().map(to_json).collect()),
        Format::Table => {
            let told: Vec<String> = tested.iter().map(in_words).collect();
            screen::say(&told.join("\n"));
        }
    }
    problems::show_diagnostics(&diagnostics.concat(), &project.files.sources());
    project.show_mistakes()?;
    let n_bad = tested.iter().filter(|one| !one.is_good()).count();
    if n_bad == 0 {
        return Ok(());
    }
    let all = counted(tested.len() as u64, "connection");
    Err(Failure::NotReady {
        summary: format!("{n_bad} of {all} cannot be used as the flows use {}", if n_bad == 1 { "it" } else { "them" }),
    })
}

async fn test(project: &Project, mut place: ConnectionPlace<'_>, progress: &Progress) -> (Tested, Vec<Diagnostic>) {
    let connectors = &project.understood.connectors;
    let mut tested = Tested {
        name: place.name().to_string(),
        connector: place.definition.connector.value.clone(),
        address: place.address(connectors, &project.environment, &project.folder),
        closed: None,
        unmade: None,
        account: None,
        clock: None,
        objects: Vec::new(),
    };
    let mut diagnostics = Vec::new();
    match place.open(connectors, &project.environment, &project.folder) {
        Opening::Open(open) => {
            if let Err(error) = ask(project, &place, &*open, &mut tested).await {
                tested.closed = Some(Problem::of(&place, None, &error));
            }
        }
        Opening::Closed(reason, mistakes) => {
            tested.closed = Some(Problem { class: "configuration", message: reason });
            diagnostics = mistakes;
        }
        Opening::Unmade(path) => tested.unmade = Some(path),
    }
    progress.done(place.name().as_str());
    (tested, diagnostics)
}

/// One question after the other; where the first is refused, the others would be as well.
async fn ask(
    project: &Project,
    place: &ConnectionPlace<'_>,
    open: &dyn Connection,
    tested: &mut Tested,
) -> Result<(), Error> {
    tested.account = Some(open.check().await?);
    let before = SystemClock.now();
    // A service that does not tell the time is no less of use.
    if let Ok(theirs) = open.server_time().await {
        let ours = Timestamp::from_millis(before.millis().midpoint(SystemClock.now().millis()));
        tested.clock = Some(theirs.millis() - ours.millis());
    }
    for name in project.understood.objects_of(place.name()) {
        let discovered = open.discover(&name).await;
        let read = match &discovered {
            Ok(schema) => read_one(open, schema).await,
            Err(error) => Err(error.clone()),
        };
        tested.objects.push(Object {
            n_fields: discovered.ok().map(|schema| schema.fields.len() as u64),
            problem: read.err().map(|error| Problem::of(place, Some(&name), &error)),
            name,
        });
    }
    Ok(())
}

/// Reads at most one record, in the way that a poll would where the object can be polled.
async fn read_one(open: &dyn Connection, schema: &ObjectSchema) -> Result<(), Error> {
    let stamp = match (&schema.modified_field, &schema.created_field) {
        (Some(_), _) => Some(StampKind::Modified),
        (None, Some(_)) => Some(StampKind::Created),
        (None, None) => None,
    };
    let polled = |stamp, query| PollRequest {
        object: schema.name.clone(),
        stamp,
        fields: Vec::new(),
        filter: None,
        query,
        limit: 1,
    };
    let compared =
        [StampKind::Modified, StampKind::Created].into_iter().find(|stamp| open.is_compared(&schema.name, stamp));
    match (compared, stamp) {
        (Some(stamp), _) => {
            let all = PollQuery::Drain { at: Timestamp::EPOCH, after: None };
            open.poll(&polled(stamp, all)).await.map(drop)
        }
        (None, Some(stamp)) => open.poll(&polled(stamp, PollQuery::From(Timestamp::EPOCH))).await.map(drop),
        (None, None) => {
            let filter = Filter::All(Vec::new());
            let find = Find { object: schema.name.clone(), filter, fields: Vec::new(), limit: 1 };
            open.find(&find).await.map(drop)
        }
    }
}

impl Problem {
    fn of(place: &ConnectionPlace<'_>, object: Option<&str>, error: &Error) -> Self {
        Self { class: error.class.as_str(), message: place.trouble(object, error) }
    }

    fn in_words(&self) -> String {
        format!("✗ {}: {}", self.class.replace('_', " "), self.message)
    }
}

impl Tested {
    fn is_good(&self) -> bool {
        self.closed.is_none() && self.objects.iter().all(|object| object.problem.is_none())
    }
}

fn in_words(tested: &Tested) -> String {
    let mut facts: Vec<(&str, String)> = vec![("address", tested.address.clone().unwrap_or_default())];
    facts.extend(tested.closed.as_ref().map(|problem| ("", problem.in_words())));
    facts.extend(tested.unmade.as_ref().map(|path| ("", format!("– {}", unmade(path)))));
    facts.extend(tested.account.as_ref().map(|account| ("account", format!("✓ {}", account.title))));
    facts.extend(tested.clock.map(|ahead| ("clock", clock(ahead))));
    facts.extend(tested.objects.iter().map(|object| {
        let told = match (&object.problem, object.n_fields) {
            (Some(problem), _) => problem.in_words(),
            (None, Some(n)) => format!("✓ {}, and records can be read", counted(n, "field")),
            (None, None) => String::new(),
        };
        (object.name.as_str(), told)
    }));
    format!("{}  {}\n{}", tables::strong(&tested.name), tested.connector, tables::facts(&facts))
}

/// How a service's clock goes.
fn clock(ahead: i64) -> String {
    if ahead.abs() < SAME_TIME {
        return "✓ as this machine's".to_owned();
    }
    let difference = durations::short(std::time::Duration::from_millis(ahead.unsigned_abs()));
    let whose = if ahead > 0 { "ahead of" } else { "behind" };
    format!("✓ {difference} {whose} this machine's; flows go by the service's")
}

fn to_json(tested: &Tested) -> Json {
    let problem = |problem: &Option<Problem>| {
        problem.as_ref().map(|problem| json!({"class": problem.class, "message": problem.message}))
    };
    let objects = tested
        .objects
        .iter()
        .map(|object| json!({"object": object.name, "fields": object.n_fields, "problem": problem(&object.problem)}));
    json!({
        "name": tested.name,
        "connector": tested.connector,
        "address": tested.address,
        "good": tested.is_good(),
        "account": tested.account.as_ref().map(|account| json!({"id": account.id, "title": account.title})),
        "clock_ahead_ms": tested.clock,
        "objects": objects.collect::<Json>(),
        "not_made_yet": tested.unmade.is_some(),
        "problem": problem(&tested.closed),
    })
}
