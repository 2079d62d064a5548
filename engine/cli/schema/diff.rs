//! `millrace schema diff`: how accounts differ from what was pulled of them, and which places of flows that hits.
//!
//! Nothing is written. Only what was pulled is compared; what flows use and nobody pulled is told.

use std::collections::BTreeSet;

use clap::Args;
use sdk::ConnectionName;
use serde_json::{Value as Json, json};

use super::change::{self, Change};
use super::granted::{self, Granted};
use super::hits::{Hit, Today};
use super::online::{self, Online};
use super::snapshot;
use crate::assemble::{Understood, needs};
use crate::place::PlaceArguments;
use crate::project::ProjectFiles;
use crate::tables::{self, Format, counted};
use crate::{Failure, problems, screen};

/// Arguments of `schema diff`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// This connection only
    connection: Option<String>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How one object differs, or what is granted to one connection.
struct Compared {
    /// `crm.contacts`, or `crm` for what is granted.
    name: String,
    differences: Vec<Difference>,
}

/// One difference, and what it hits.
struct Difference {
    field: Option<String>,
    kind: &'static str,
    told: String,
    consequence: Option<&'static str>,
    hits: Vec<Hit>,
}

/// Does it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = arguments.place.place()?.dir;
    let files = ProjectFiles::read_whatever_there_is(&dir, arguments.env.as_deref())?.with_schemas()?;
    let folder = std::path::absolute(&dir).map_err(Failure::file("find", &dir))?;
    let understood = Understood::of(&files);
    let only = arguments.connection.as_deref();
    let is_known = |name: &str| understood.connections.iter().any(|one| one.name.value.as_str() == name);
    if let Some(name) = only.filter(|name| !is_known(name)) {
        let known = understood.connections.iter().map(|one| one.name.value.to_string()).collect();
        return Err(Failure::unknown("connection", name, known));
    }
    let (pulled, mistakes) = snapshot::read_all(&files.schemas, &understood.connections, &understood.connectors);
    let (granted, also) = granted::read_all(&files.schemas, &understood.connections, &understood.connectors);
    let is_meant = |name: &ConnectionName| only.is_none_or(|only| name.as_str() == only);
    if !pulled.iter().any(|one| is_meant(&one.connection) && is_known(one.connection.as_str())) {
        let (what, name) = ("pulled schema of", only.unwrap_or("any connection").to_owned());
        let help = "`millrace schema pull` keeps what there is to compare with".to_owned();
        return Err(Failure::Unknown { what, name, help });
    }
    let broken: Vec<_> = mistakes.into_iter().chain(also).collect();
    problems::show_diagnostics(&broken, &files.sources());

    let wanted = |name: &ConnectionName| -> BTreeSet<String> {
        pulled.iter().filter(|one| one.connection == *name).map(|one| one.schema.name.clone()).collect()
    };
    let online = online::ask(&understood, &folder, only, &wanted).await;
    let mut catalog = understood.known_offline(&folder, &files.schemas).catalog;
    for (connection, schema) in &online.objects {
        catalog.objects.insert((connection.clone(), schema.name.clone()), schema.clone());
    }
    let today = Today::new(&understood, catalog);
    let mut compared = Vec::new();
    for (connection, now) in &online.objects {
        let same = |one: &&snapshot::Snapshot| one.connection == *connection && one.schema.name == now.name;
        let Some(before) = pulled.iter().find(same) else { continue };
        let changes = change::between(&before.schema, now);
        let difference = |change: &Change| Difference {
            field: change.field.clone(),
            kind: change.what.word(),
            told: change.what.told(),
            consequence: change.what.consequence(),
            hits: today.hits(connection, &before.schema, change),
        };
        compared.push(Compared {
            name: format!("{connection}.{}", now.name),
            differences: changes.iter().map(difference).collect(),
        });
    }
    for now in &online.granted {
        if let Some(before) = granted.iter().find(|one| one.connection == now.connection) {
            let differences = of_scopes(&understood, before, now);
            compared.push(Compared { name: now.connection.to_string(), differences });
        }
    }
    match arguments.format {
        Format::Json => screen::say_json(&to_json(&compared, &online)),
        Format::Table => screen::say(&text(&compared)),
    }
    tell_unpulled(&understood, &pulled, only);
    problems::show_diagnostics(&online.diagnostics, &files.sources());
    online.problems.iter().for_each(|problem| problems::warn(problem));
    verdict(&compared, &online)
}

/// Scopes that were taken away, or came, since they were pulled.
fn of_scopes(understood: &Understood, before: &Granted, now: &Granted) -> Vec<Difference> {
    let lost = before.scopes.iter().filter(|scope| !now.scopes.contains(scope)).map(|scope| (scope, true));
    let came = now.scopes.iter().filter(|scope| !before.scopes.contains(scope)).map(|scope| (scope, false));
    let missing = needs::missing(understood, now);
    let hits_of = |scope: &str| {
        let quoted = format!("`{scope}`");
        let of_scope = missing.iter().filter(|one| one.help.as_ref().is_some_and(|help| help.contains(&quoted)));
        of_scope.filter_map(|one| Hit::of(understood, one, true)).collect::<Vec<_>>()
    };
    lost.chain(came)
        .map(|(scope, is_lost)| Difference {
            field: None,
            kind: if is_lost { "scope_lost" } else { "scope_granted" },
            told: format!("`{scope}` is {}", if is_lost { "no longer granted" } else { "granted now" }),
            consequence: is_lost.then_some("what needs it is refused"),
            hits: if is_lost { hits_of(scope) } else { Vec::new() },
        })
        .collect()
}

/// Tells which objects flows use that nobody pulled: of them nothing is compared.
fn tell_unpulled(understood: &Understood, pulled: &[snapshot::Snapshot], only: Option<&str>) {
    let is_pulled = |connection: &ConnectionName, object: &str| {
        pulled.iter().any(|one| one.connection == *connection && one.schema.name == object)
    };
    let uses = understood.uses(None);
    let missing = uses.iter().filter(|(connection, object)| {
        only.is_none_or(|only| connection.as_str() == only) && !is_pulled(connection, object)
    });
    let names: Vec<String> = missing.map(|(connection, object)| format!("`{connection}.{object}`")).collect();
    if !names.is_empty() {
        let (names, is) = (names.join(", "), if names.len() == 1 { "is" } else { "are" });
        problems::warn(&format!("{names} {is} used by flows and not pulled, so not compared"));
    }
}

fn verdict(compared: &[Compared], online: &Online) -> Result<(), Failure> {
    let hits: BTreeSet<&Hit> =
        compared.iter().flat_map(|one| &one.differences).flat_map(|difference| &difference.hits).collect();
    let flows: BTreeSet<_> = hits.iter().map(|hit| &hit.flow).collect();
    if !hits.is_empty() {
        let places = counted(hits.len() as u64, "place");
        let summary = format!(
            "what was pulled is no longer so, and that hits {places} in {}",
            counted(flows.len() as u64, "flow")
        );
        return Err(Failure::Drift { summary });
    }
    match online.problems.is_empty() {
        true => Ok(()),
        false => {
            Err(Failure::NotReady { summary: "not every service could be asked; the rest was compared".to_owned() })
        }
    }
}

fn text(compared: &[Compared]) -> String {
    let mut out = String::new();
    for one in compared {
        if one.differences.is_empty() {
            out.push_str(&format!("{}  as it was pulled\n", tables::strong(&one.name)));
            continue;
        }
        let n = counted(one.differences.len() as u64, "difference");
        out.push_str(&format!("{}  {n}\n", tables::strong(&one.name)));
        for difference in &one.differences {
            out.push_str(&of_difference(difference));
        }
    }
    out
}

fn of_difference(difference: &Difference) -> String {
    let mark = if difference.hits.is_empty() { "  " } else { "✗ " };
    let name = difference.field.as_ref().map(|field| format!("`{field}` ")).unwrap_or_default();
    let mut out = tables::marked(&tables::wrapped(mark, &format!("{name}{}", difference.told)));
    if difference.hits.is_empty() {
        return out;
    }
    out.push_str(&tables::wrapped("    ", &format!("{}:", difference.consequence.unwrap_or("it is used"))));
    for hit in &difference.hits {
        let said = hit.mistake.as_deref().unwrap_or("uses it");
        out.push_str(&tables::wrapped(
            "    ",
            &format!("{}:{}:{}  {}: {said}", hit.file, hit.line, hit.column, hit.flow),
        ));
    }
    out
}

fn to_json(compared: &[Compared], online: &Online) -> Json {
    let hit = |hit: &Hit| json!({"flow": hit.flow, "file": hit.file, "line": hit.line, "column": hit.column, "mistake": hit.mistake});
    let difference = |one: &Difference| {
        json!({
            "field": one.field,
            "change": one.kind,
            "message": one.told,
            "consequence": one.consequence,
            "hits": one.hits.iter().map(hit).collect::<Json>(),
        })
    };
    let objects = compared.iter().map(
        |one| json!({"object": one.name, "differences": one.differences.iter().map(difference).collect::<Json>()}),
    );
    json!({"objects": objects.collect::<Json>(), "problems": online.problems})
}
