//! What it costs to know that flows are right, and what a condition costs where they run.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use flow::{Flow, ProjectDefaults, Scope, Trigger};
use sdk::{Catalog, ConnectorFacts, Record, RunId, Timestamp, Value};
use text::SourceFile;

use crate::process::Stopwatch;
use crate::report::{Report, median};
use crate::site::MILLRACE;

const FLOWS: usize = 1_000;
const LINES: usize = 30;
const CHECKS: usize = 3;
/// Fields of the record that is looked at.
const FIELDS: usize = 30;
/// A condition such as authors write: a number, an option, and a look into a text.
const CONDITION: &str = "record.amount > 1000.0 && record.stage == \"closedwon\" && record.email.contains(\"@\")";
/// Evaluations that are measured at once, and how often they are.
const EVALUATIONS: usize = 20_000;
const ROUNDS: usize = 5;

/// The shipped command over many flows, from its start to its end; then the expressions themselves, in this process.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    write_project(dir.path())?;
    let mut millis = Vec::new();
    for _ in 0..CHECKS {
        let watch = Stopwatch::start();
        let status = Command::new(MILLRACE).arg("check").current_dir(dir.path()).stdout(Stdio::null()).status()?;
        millis.push(watch.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(status.success(), "the flows have mistakes");
    }
    let what = format!("Check of {FLOWS} flows of {LINES} lines, from nothing");
    report.figure(&what, format!("{:.0} ms", median(millis.into_iter())), "1 s");

    let flow = asking()?;
    let condition = flow.when.clone().ok_or_else(|| anyhow::anyhow!("the flow asks nothing"))?;
    let (record, now) = (record(), Timestamp::from_millis(1_767_225_600_000));
    let convert = || Scope::new(&flow, black_box(&record), RunId(uuid::Uuid::nil()), now);
    let converted = micros(|| drop(black_box(convert())));
    let mut scope = convert();
    let is_met = condition.evaluate(&mut scope).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    anyhow::ensure!(is_met == Value::Bool(true), "the record meets the condition");
    let evaluated = micros(|| drop(black_box(condition.evaluate(&mut scope))));
    report.figure(
        &format!("A compiled condition on a record of {FIELDS} fields"),
        format!("{evaluated:.1} µs"),
        "3 µs",
    );
    report.figure("Converting that record for its expressions", format!("{converted:.1} µs"), "25 µs");
    Ok(())
}

/// What one takes, in µs: the middle of several rounds.
fn micros(mut one: impl FnMut()) -> f64 {
    let round = |_| {
        let watch = Stopwatch::start();
        (0..EVALUATIONS).for_each(|_| one());
        watch.elapsed().as_secs_f64() * 1e6 / EVALUATIONS as f64
    };
    median((0..ROUNDS).map(round).collect::<Vec<_>>().into_iter())
}

/// A flow that asks the condition of every record.
fn asking() -> anyhow::Result<Flow> {
    let text = format!(
        "flow: asking\nconnections: {{crm: hubspot}}\ntrigger: {{poll: crm.deals, every: 15s}}\nwhen: {CONDITION}\nsteps:\n  - skip: met\n"
    );
    let parsed = flow::parse(&[SourceFile::new("flows/asking.yaml", &text)]);
    let facts = ConnectorFacts {
        connector: "hubspot".to_owned(),
        min_interval: std::time::Duration::ZERO,
        loopback: true,
        objects: None,
    };
    let catalog = Catalog {
        connections: [("crm".into(), facts)].into(),
        connectors: vec!["hubspot".to_owned()],
        ..Catalog::default()
    };
    let checked = flow::check(&parsed.definitions, &catalog, &ProjectDefaults::default());
    let flow = checked.flows.first().ok_or_else(|| anyhow::anyhow!("{:?}", checked.diagnostics))?;
    anyhow::ensure!(matches!(flow.trigger, Trigger::Poll(_)), "it polls");
    Ok(Flow::clone(flow))
}

/// A deal: text for the most part, as services have it.
fn record() -> Record {
    let mut fields = sdk::Fields::from([
        ("amount".to_owned(), Value::Float(1250.0)),
        ("stage".to_owned(), Value::from("closedwon")),
        ("email".to_owned(), Value::from("ann@example.com")),
        ("closed".to_owned(), Value::Bool(true)),
        ("closed_at".to_owned(), Value::Moment(Timestamp::from_millis(1_767_225_600_000))),
    ]);
    for number in fields.len()..FIELDS {
        fields.insert(format!("field_{number}"), Value::from(format!("the text of field {number}").as_str()));
    }
    Record { id: "17".into(), created: None, modified: Timestamp::from_millis(1_767_225_600_000), fields }
}

/// Flows that differ in their names, and the fields of what they work with, as somebody pulled them.
fn write_project(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir.join("flows"))?;
    std::fs::create_dir_all(dir.join("schemas"))?;
    let connections =
        "crm: {connector: hubspot, token: \"${ env.TOKEN }\"}\nwarehouse: {connector: sqlite, path: warehouse.db}\n";
    std::fs::write(dir.join("connections.yaml"), connections)?;
    for (object, connector) in [("crm.contacts", "hubspot"), ("warehouse.people", "sqlite")] {
        let mut schema = format!(
            "schema: {object}\nconnector: {connector}\nmodified: updated_at\nfields:\n  updated_at: {{type: moment}}\n"
        );
        for field in ["email", "firstname", "lastname", "city", "phone"] {
            let _ = writeln!(schema, "  {field}: {{type: text, unique: {}}}", field == "email");
        }
        for number in 0..FIELDS {
            let _ = writeln!(schema, "  field_{number}: {{type: text}}");
        }
        std::fs::write(dir.join(format!("schemas/{object}.yaml")), schema)?;
    }
    for number in 0..FLOWS {
        std::fs::write(dir.join(format!("flows/flow-{number}.yaml")), flow_of(number))?;
    }
    Ok(())
}

/// One flow of [`LINES`] lines: a look-up, a branch, a write with a condition, and what is done where it fails.
fn flow_of(number: usize) -> String {
    let mut flow = format!(
        "flow: flow-{number}
connections: {{crm: hubspot, warehouse: sqlite}}
trigger:
  poll: crm.contacts
  every: 15s
  where: record.email != ()
when: not(record.email.ends_with(\"@example.com\"))
keys: {{email: \"${{ record.email }}\"}}
steps:
  - find: warehouse.people
    filter: {{email: \"${{ record.email }}\"}}
    as: known
  - if: known != () && known.city == record.city
    then:
      - skip: nothing to do for ${{ record.email }}
  - upsert: warehouse.people
    match: email
    set:
      email: ${{ record.email.to_lower() }}
      firstname: ${{ record.firstname ?? \"\" }}
      lastname: ${{ record.lastname }}
      phone: ${{ record.phone?.trim() }}
on_failure:
  - upsert: warehouse.people
    name: note_failure
    match: email
    set:
      email: ${{ record.email }}
"
    );
    let begun = flow.lines().count();
    for field in begun..LINES {
        let _ = writeln!(flow, "      field_{field}: ${{ failure.message }}");
    }
    flow
}
