//! `millrace check --cost`: what flows will ask of their services, before they run.
//!
//! Looks for records cost the same every day; what records cost besides depends on how many there are, which is said
//! (`--records-per-day`), measured where flows have run, or else told for a thousand of them. A share of a budget is
//! that of requests spread evenly over a day.

pub mod account;
pub mod amount;
pub mod estimate;
pub mod looks;
mod shown;
pub mod steps;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flow::project::{ConnectionDefinition, SettingText, Shares};
use flow::{Checked, Flow, Memory};
use sdk::{Clock as _, Connection, ConnectionName, FlowId, Setting, SystemClock};
use store::Store;
use text::Diagnostic;

use super::report::{self, CheckFormat, Report};
use super::{Arguments, checked_in};
use crate::assemble::{Understood, shares};
use crate::place::Place;
use crate::project::{PROJECT, ProjectFiles};
use crate::schema::snapshot;
use crate::tables::counted;
use crate::{Failure, codes, problems, screen};
use account::{Account, Identity, Part};
use amount::Range;
use estimate::{Basis, FlowCost, History};

/// So far back runs are measured.
const MEASURED: Duration = Duration::from_secs(7 * 24 * 3600);
/// Runs of a shorter time say nothing of a day.
const SHORTEST: Duration = Duration::from_secs(3600);

/// What a project's flows will ask.
pub struct Costs {
    /// Each flow's.
    pub flows: Vec<FlowCost>,
    /// Each connection of which budgets are known, and which flows ask anything of.
    pub accounts: Vec<Account>,
    /// Connections that flows use and of which no budgets are known.
    pub unlimited: Vec<ConnectionName>,
}

impl Costs {
    /// Accounts that are counted apart, and of which only their service knows whether they are one: the names of each
    /// such group.
    pub fn perhaps_one(&self) -> Vec<Vec<&ConnectionName>> {
        let mut groups: Vec<Vec<&Account>> = Vec::new();
        for account in &self.accounts {
            match groups.iter_mut().find(|group| group[0].identity.may_be(&account.identity)) {
                Some(group) => group.push(account),
                None => groups.push(vec![account]),
            }
        }
        let several = groups.into_iter().filter(|group| group.len() > 1);
        several.map(|group| group.into_iter().map(|account| &account.name).collect()).collect()
    }
}

/// Does it.
pub async fn run(arguments: &Arguments, records_per_day: Option<u64>) -> Result<(), Failure> {
    let (files, wanted) = arguments.whole_project()?;
    let folder = std::path::absolute(&files.dir).map_err(Failure::file("find", &files.dir))?;
    let checked = checked_in(&files, &folder, &mut Memory::default());
    let understood = Understood::of(&files);
    let wanted = wanted.iter().map(|name| flow_of(&understood, name)).collect::<Result<Vec<FlowId>, Failure>>()?;
    let place = arguments.place.place()?;
    let history = match records_per_day {
        Some(_) => BTreeMap::new(),
        None => history(&Place { dir: files.dir.clone(), ..place }, &checked.flows).await,
    };
    let costs = costs(&understood, &files, &folder, &checked, records_per_day, &history);
    let mut diagnostics = checked.diagnostics.clone();
    diagnostics.extend(too_dear(&understood, &costs));

    let n_mistaken = understood.definitions.len().saturating_sub(checked.flows.len());
    if n_mistaken > 0 {
        problems::warn(&format!("{} with mistakes left out", counted(n_mistaken as u64, "flow")));
    }
    let is_wanted = |flow: &FlowId| wanted.is_empty() || wanted.contains(flow);
    match arguments.format {
        CheckFormat::Text => screen::say(&shown::text(&costs, &is_wanted, records_per_day)),
        CheckFormat::Json => {
            screen::say_json(&shown::json(&costs, &is_wanted, text::to_json(&diagnostics, &files.sources())));
        }
        CheckFormat::Sarif | CheckFormat::Github => {}
    }
    let n_files = files.flows.len() + files.connections.len() + files.connectors.len() + files.schemas.len();
    let report = Report {
        diagnostics: &diagnostics,
        sources: &files.sources(),
        unreadable: &files.unreadable,
        places: &files.places,
        n_files: n_files as u64,
        format: arguments.format,
    };
    match arguments.format {
        CheckFormat::Json => report::verdict(&report),
        CheckFormat::Text | CheckFormat::Sarif | CheckFormat::Github => report::tell(&report),
    }
}

/// The flow that is meant: by its id, or by its file.
fn flow_of(understood: &Understood, name: &str) -> Result<FlowId, Failure> {
    let same_file = |path: &str| Path::new(name).ends_with(path) || Path::new(path).ends_with(name);
    let by_file = understood.definitions.iter().find(|definition| same_file(&definition.file().path));
    match by_file {
        Some(definition) => Ok(definition.id().clone()),
        None => understood.find(&FlowId::new(name)).map(|definition| definition.id().clone()),
    }
}

/// What the flows that can run will ask of the connections of which budgets are known.
pub fn costs(
    understood: &Understood,
    files: &ProjectFiles,
    folder: &Path,
    checked: &Checked,
    records_per_day: Option<u64>,
    history: &BTreeMap<FlowId, History>,
) -> Costs {
    let flows: Vec<Arc<Flow>> = checked.flows.iter().filter(|flow| flow.enabled).cloned().collect();
    let connections = unasked(understood, files, folder);
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many records")]
    let records_per_day = records_per_day.map(|n| n as f64);
    let basis = Basis { connections: &connections, flows: &flows, records_per_day, history, now: SystemClock.now() };
    let flows = estimate::estimate(&basis);
    let caps = shares::caps(&understood.project);
    let mut costs = Costs { flows, accounts: Vec::new(), unlimited: Vec::new() };
    for definition in &understood.connections {
        let name = &definition.name.value;
        let limits = connections.get(name).map(|open| open.limits()).unwrap_or_default();
        let drawn = Account::drawn(name, &costs.flows);
        if limits.is_empty() {
            let is_used = basis.flows.iter().any(|flow| understood.flows_of(name).contains(&flow.id));
            costs.unlimited.extend(is_used.then(|| name.clone()));
        } else if !drawn.is_empty() {
            let identity = Identity::of(definition, declared(understood, definition));
            if let Some(account) = costs.accounts.iter_mut().find(|account| account.identity.is(&identity)) {
                account.join(name, drawn);
                continue;
            }
            costs.accounts.push(Account {
                name: name.clone(),
                others: Vec::new(),
                identity,
                connector: definition.connector.value.clone(),
                tier: tier(definition),
                has_tiers: has_tiers(understood, definition),
                limits,
                caps: caps.get(name).cloned().unwrap_or_default(),
                flows: drawn,
            });
        }
    }
    costs
}

/// Every connection, opened only to be asked what things cost, with the fields that were pulled of it.
fn unasked(
    understood: &Understood,
    files: &ProjectFiles,
    folder: &Path,
) -> BTreeMap<ConnectionName, Arc<dyn Connection>> {
    let (pulled, _) = snapshot::read_all(&files.schemas, &understood.connections, &understood.connectors);
    let mut connections = BTreeMap::new();
    for definition in &understood.connections {
        let Some(open) = understood.open_unasked(definition, folder) else { continue };
        let name = &definition.name.value;
        pulled.iter().filter(|one| one.connection == *name).for_each(|one| open.assume(&one.schema));
        connections.insert(name.clone(), open);
    }
    connections
}

/// The tier that a file says.
fn tier(definition: &ConnectionDefinition) -> Option<String> {
    definition.settings.iter().find(|(key, _)| key.name == "tier").and_then(|(_, written)| match written {
        SettingText::Plain { text, .. } => Some(text.clone()),
        SettingText::Environment { .. } | SettingText::File { .. } => None,
    })
}

fn declared(understood: &Understood, definition: &ConnectionDefinition) -> &'static [Setting] {
    let connector = understood.connectors.of_connection(definition);
    connector.map_or(&[][..], |connector| connector.descriptor().settings)
}

fn has_tiers(understood: &Understood, definition: &ConnectionDefinition) -> bool {
    let known = understood.connectors.find(&definition.connector.value);
    let manifest = known.and_then(|known| known.manifest());
    manifest.is_some_and(|manifest| manifest.limits().iter().any(|limit| !limit.tiers.is_empty()))
}

/// What was measured of flows that have run here; nothing where there is no history to read.
async fn history(place: &Place, flows: &[Arc<Flow>]) -> BTreeMap<FlowId, History> {
    let mut history = BTreeMap::new();
    let Ok(store) = Store::open_read_only(&place.data) else { return history };
    let now = SystemClock.now();
    for flow in flows {
        let Ok(measured) = store.measured(&flow.id, now - MEASURED).await else { continue };
        // Measured from the first run of the last days on: a flow of yesterday has not had a week.
        let Some(time) = measured.first_at.map(|first| now.since(first)).filter(|time| *time >= SHORTEST) else {
            continue;
        };
        let days = time.as_secs_f64() / Duration::from_secs(24 * 3600).as_secs_f64();
        history.insert(flow.id.clone(), History { measured, days });
    }
    history
}

/// What flows ask beyond what the project allows.
pub fn too_dear(understood: &Understood, costs: &Costs) -> Vec<Diagnostic> {
    let project = &understood.project;
    let of_plan = project.cost.iter().map(|shares| (shares, "cost"));
    let all = of_plan.chain(project.budgets.iter().map(|shares| (shares, "budgets")));
    let of_one = |(shares, key): (&Shares, &str)| {
        let account =
            costs.accounts.iter().find(|account| account.names().any(|name| *name == shares.connection.value))?;
        let worst = account.beyond(shares).max_by(|left, right| left.1.most.total_cmp(&right.1.most));
        let (limit, part, allowed) = worst?;
        let span = shares.of(&limit.name).map_or(shares.connection.span, |share| share.span);
        let (name, limit) = (shown::names(account.names()), &limit.name);
        let taken = shown::percent(part.most);
        let message =
            format!("the flows take {taken} of the budget `{limit}` of {name}, and `{key}` allows {allowed} %");
        let diagnostic = Diagnostic::error(codes::TOO_DEAR, message).at(&Arc::from(PROJECT), span, "");
        Some(diagnostic.help(remedy(account, limit)))
    };
    all.filter_map(of_one).collect()
}

/// What takes the most of a budget, and what can be done about it.
fn remedy(account: &Account, limit: &str) -> String {
    let taken = |range: &Range| range.most.of(limit);
    let dearest = account.flows.iter().max_by(|left, right| taken(&left.per_day).total_cmp(&taken(&right.per_day)));
    let Some((drawn, limit)) = dearest.zip(account.limits.iter().find(|known| known.name == limit)) else {
        return "allow more, or let flows ask less".to_owned();
    };
    let Part { most, .. } = Account::part(limit, &drawn.per_day);
    let what = if taken(&drawn.by_itself) * 2.0 >= taken(&drawn.per_day) {
        "let it look less often, perhaps only while something happens (`every: {min: 30s, max: 10m}`)"
    } else {
        "let it match fewer records, or ask less of each"
    };
    format!("`{}` takes {} of it: {what}; or allow more", drawn.flow, shown::percent(most))
}
