//! Steps that take their time: runs that wait and write for every item of a list, over crashes and lost answers.
//! Judged by what the services know: every item there once, and none before its time.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::FlowId;
use store::{RunFilter, RunState};

use crate::writing::{Simulation, in_paused_time};
use crate::{n_seeds, seeds};

const PARTS: &str = r#"
flow: companies-in-parts
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.companies
  on: new
  every: 15s
  start: beginning
steps:
  - upsert: copy.contacts
    name: begun
    match: email
    set: {email: "begun-${ record.id }@example.com"}
  - wait: 40s
  - each: [a, b, c]
    item: part
    steps:
      - wait: ${ if part == "b" { "70s" } else { "5s" } }
        name: before_part
      - create: copy.companies
        set: {name: "${ part }", description: "${ record.id }-${ part }"}
      - upsert: copy.contacts
        name: part
        match: email
        set: {email: "${ part }-${ record.id }@example.com"}
"#;

/// How long each write comes after its run was stored, at least.
const WAITS: &[(&str, &str, u64)] = &[("part", "[a]", 45), ("part", "[b]", 110), ("part", "[c]", 45)];

#[test]
fn runs_wait_and_items_are_written_once() {
    let n = n_seeds(60, 20_000);
    let (mut n_crashes, mut n_unknown) = (0, 0);
    for seed in seeds(n) {
        match simulate(seed) {
            Ok((crashes, unknown)) => {
                n_crashes += crashes;
                n_unknown += unknown;
            }
            Err(guilty) => panic!("seed {seed}: {guilty}"),
        }
    }
    println!("{n} seeds over {n_crashes} crashes, {n_unknown} runs left to a person");
    assert!(n_crashes > 0, "nothing crashed, so nothing was tried");
}

/// Bugs planted in the shipped keys and waits.
const PLANTS: &[&str] = &["no item in the effect id", "a wait is over at once"];

#[test]
fn every_planted_bug_of_steps_is_caught() {
    for plant in PLANTS {
        sdk::faults::plant(Some(plant));
        let caught = (0..60).find_map(|seed| simulate(seed).err().map(|guilty| (seed, guilty)));
        sdk::faults::plant(None);
        let (seed, guilty) = caught.unwrap_or_else(|| panic!("no seed caught {plant}"));
        println!("caught by seed {seed:>3}: {plant} ({guilty})");
    }
}

fn simulate(seed: u64) -> Result<(usize, usize), String> {
    in_paused_time(async { judge(&Simulation::new(seed, &[PARTS]).lived().await?).await })
}

/// How often the engine crashed, and how many runs nobody can know about.
async fn judge(simulation: &Simulation) -> Result<(usize, usize), String> {
    let flow = FlowId::from("companies-in-parts");
    if let Some((record, why)) = simulation.ended(flow.as_str(), RunState::Failed).await.pop_first() {
        return Err(format!("the run for {record} failed: {why}"));
    }
    let unknown = simulation.ended(flow.as_str(), RunState::Unknown).await;
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    let companies: Vec<String> = {
        let copy = simulation.copy.lock().unwrap();
        for entry in copy.writes().iter().filter(|entry| entry.object == "companies" && entry.created) {
            *written.entry(entry.values.get("description").cloned().unwrap_or_default()).or_default() += 1;
        }
        for record in copy.records("contacts").unwrap() {
            *written.entry(record.values.get("email").cloned().unwrap_or_default()).or_default() += 1;
        }
        simulation.crm.lock().unwrap().records("companies").unwrap().map(|record| record.id.clone()).collect()
    };
    for company in companies {
        let is_unknown = unknown.contains_key(&company);
        let parts = ["a", "b", "c"];
        let expected = parts
            .iter()
            .flat_map(|part| [format!("{company}-{part}"), format!("{part}-{company}@example.com")])
            .chain([format!("begun-{company}@example.com")]);
        for name in expected {
            match written.get(&name).copied().unwrap_or_default() {
                1 => {}
                0 if is_unknown => {}
                n => return Err(format!("{name} was written {n} times")),
            }
        }
    }
    let filter = RunFilter { flow: Some(flow), limit: 100_000, ..RunFilter::default() };
    for row in simulation.store.runs(filter).await.unwrap() {
        let run = simulation.store.run(&row.id.to_string()).await.unwrap();
        for (step, item, seconds) in WAITS {
            let effect = run.effects.iter().find(|effect| effect.step == *step && effect.item == *item);
            let earliest = row.created_at + Duration::from_secs(*seconds);
            if let Some(sent_at) = effect.and_then(|effect| effect.first_sent_at).filter(|sent| *sent < earliest) {
                return Err(format!("{step}{item} of {} was sent at {sent_at}, before {earliest}", row.record));
            }
        }
    }
    Ok((simulation.n_crashes, unknown.len()))
}
