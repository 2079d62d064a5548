//! What runs did, counted: by step, and whether writes made their records.

use sdk::{ConnectionName, EffectId};

use super::*;
use crate::{Ending, Intent, JournalEntry, Settlement, StepCount};

fn write(store: &Store, number: u128, step: &str, item: &str, created: bool) {
    let id = EffectId::new(format!("{number} {step}{item}"));
    let intent = Intent {
        effect_id: id.clone(),
        run: run_id(number),
        flow: flow(),
        step: step.to_owned(),
        item: item.to_owned(),
        record: format!("r{number}").as_str().into(),
        stamp: at(1),
        nonce: String::new(),
        verb: "upsert",
        connection: ConnectionName::from("crm"),
        object: "contacts".to_owned(),
        target_key: None,
        request_hash: 1,
        is_sent_at_once: false,
        now: at(1),
    };
    now(store.plan(intent)).unwrap();
    now(store.mark_sent(&id, at(2))).unwrap();
    let outcome = Value::Map([("created".to_owned(), Value::Bool(created))].into());
    now(store.settle(&id, Settlement::Done { target: "t".into(), outcome }, at(3))).unwrap();
}

#[test]
fn runs_are_counted_by_what_each_step_did() {
    let store = owned();
    now(store.checkpoint(page((1..=4).map(|n| row(n, &format!("r{n}"), 1)).collect(), 1))).unwrap();
    claim(&store, 2_000, 10);
    for number in 1..=3 {
        let look_up = |key: &str| JournalEntry { key: key.to_owned(), outcome: Value::Null };
        now(store.journal(run_id(number), look_up("same"))).unwrap();
        now(store.journal(run_id(number), look_up("write before[a]"))).unwrap();
        write(&store, number, "write", "[a]", number == 1);
        write(&store, number, "write", "[b]", false);
        now(store.finish(run_id(number), Ending::Succeeded(None), at(3_000))).unwrap();
    }
    // It has not ended, so what it will do is not known.
    write(&store, 4, "write", "", true);
    let measured = now(store.measured(&flow(), at(1_000))).unwrap();
    assert_eq!((measured.runs, measured.sampled, measured.first_at), (4, 3, Some(at(1_000))));
    let steps: Vec<_> = measured.steps.iter().map(|(step, count)| (step.as_str(), *count)).collect();
    let looked = StepCount { times: 3, told: 0, created: 0 };
    let written = StepCount { times: 6, told: 6, created: 1 };
    assert_eq!(steps, [("same", looked), ("write", written), ("write before", looked)]);
    assert_eq!(now(store.measured(&flow(), at(1_001))).unwrap(), Default::default());
    assert_eq!(now(store.measured(&"other".into(), at(0))).unwrap(), Default::default());
}
