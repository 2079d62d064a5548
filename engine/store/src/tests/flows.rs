//! Flows: their states, and their new names.

use super::*;
use crate::{Error, FlowState};

#[test]
fn a_flow_has_the_state_it_was_last_given() {
    let store = owned();
    now(store.set_flow_state(&flow(), FlowState::Paused, Some("a holiday"), at(5))).unwrap();
    let rows = now(store.flow_states()).unwrap();
    assert_eq!((rows.len(), rows[0].state, rows[0].reason.as_deref()), (1, FlowState::Paused, Some("a holiday")));
    now(store.set_flow_state(&flow(), FlowState::Active, None, at(6))).unwrap();
    let rows = now(store.flow_states()).unwrap();
    assert_eq!((rows[0].state, &rows[0].reason, rows[0].changed_at), (FlowState::Active, &None, Some(at(6))));
}

#[test]
fn a_renamed_flow_keeps_its_cursor_its_runs_and_its_identity() {
    let (store, new) = (owned(), FlowId::from("prospects"));
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();
    now(store.set_flow_state(&new, FlowState::Active, None, at(1))).unwrap();

    assert!(now(store.rename_flow(&flow(), &new)).unwrap());
    assert!(!now(store.rename_flow(&flow(), &new)).unwrap(), "the second start finds nothing to rename");
    assert_eq!(now(store.cursor(&source())).unwrap(), None);
    assert_eq!(now(store.cursor(&source_of(&new))).unwrap(), Some(cursor(10)));
    assert_eq!(now(store.claim(at(1000), &[(new.clone(), 1)])).unwrap().len(), 1);
    assert_eq!(now(store.flow_identity(&new)).unwrap(), flow(), "its effect ids stay what they were");

    assert_eq!(now(store.flow_identity(&flow())).unwrap(), FlowId::from("leads#2"), "a new flow's are its own");
    now(store.checkpoint(page(Vec::new(), 1))).unwrap();
    assert_eq!(now(store.flow_identity(&flow())).unwrap(), FlowId::from("leads#2"));
}

#[test]
fn a_flow_does_not_take_the_name_of_one_with_a_history() {
    let (store, other) = (owned(), FlowId::from("prospects"));
    now(store.checkpoint(page(Vec::new(), 1))).unwrap();
    now(store.checkpoint(Checkpoint { key: source_of(&other), ..page(Vec::new(), 1) })).unwrap();
    assert!(matches!(now(store.rename_flow(&flow(), &other)), Err(Error::FlowExists { .. })));
}
