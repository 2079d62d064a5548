//! What a flow does at the services it names: for whoever grants rights there.

use std::collections::BTreeSet;

use sdk::{Ability, ConnectionName};

use crate::model::{Flow, On, Step, StepKind, Target, Trigger};

/// One thing that a flow does with one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// Where.
    pub connection: ConnectionName,
    /// With which object.
    pub object: String,
    /// What.
    pub ability: Ability,
}

impl Flow {
    /// Everything that it does with objects, in its steps for failures too.
    pub fn accesses(&self) -> BTreeSet<Access> {
        let mut accesses = BTreeSet::new();
        if let Some(source) = self.trigger.source() {
            accesses.insert(access(source, trigger(&self.trigger)));
        }
        gather(&self.steps, &mut accesses);
        gather(&self.on_failure, &mut accesses);
        accesses
    }
}

fn trigger(trigger: &Trigger) -> Ability {
    match trigger {
        Trigger::Poll(poll) if poll.by.is_some() => Ability::PollBy,
        Trigger::Poll(poll) => match poll.on {
            On::New => Ability::PollNew,
            On::NewOrUpdated => Ability::PollNewOrUpdated,
            On::Archived => Ability::PollArchived,
        },
        // A walk reads all records, as a look-up would.
        Trigger::Schedule(_) | Trigger::Manual(_) | Trigger::Webhook(_) => Ability::Find,
    }
}

fn gather(steps: &[Step], accesses: &mut BTreeSet<Access>) {
    for step in steps {
        match &step.kind {
            StepKind::Create(write) => drop(accesses.insert(access(&write.target, Ability::Create))),
            StepKind::Update { write, .. } => drop(accesses.insert(access(&write.target, Ability::Update))),
            StepKind::Upsert { write, .. } => drop(accesses.insert(access(&write.target, Ability::Upsert))),
            StepKind::Delete { target, .. } => drop(accesses.insert(access(target, Ability::Delete))),
            StepKind::Find(find) => drop(accesses.insert(access(&find.target, Ability::Find))),
            StepKind::If { then, otherwise, .. } => {
                gather(then, accesses);
                gather(otherwise, accesses);
            }
            StepKind::Route { rules, default } => {
                rules.iter().for_each(|rule| gather(&rule.steps, accesses));
                gather(default, accesses);
            }
            StepKind::Each(each) => gather(&each.steps, accesses),
            StepKind::Let(_)
            | StepKind::Wait(_)
            // An action names no object; which rights it takes, its connector does not say.
            | StepKind::Do(_)
            // The other flow is looked at by itself.
            | StepKind::Run(_)
            | StepKind::Skip(_)
            | StepKind::Stop(_)
            | StepKind::Fail(_) => {}
        }
    }
}

fn access(target: &Target, ability: Ability) -> Access {
    Access { connection: target.connection.clone(), object: target.object.clone(), ability }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use text::SourceFile;

    use super::*;

    fn flow(text: &str) -> Arc<Flow> {
        let parsed = crate::parse(&[SourceFile::new("flows/a.yaml", text)]);
        let facts = |connector: &str| sdk::ConnectorFacts {
            connector: connector.to_owned(),
            min_interval: std::time::Duration::ZERO,
            loopback: true,
            objects: None,
        };
        let catalog = sdk::Catalog {
            connections: [("crm".into(), facts("hubspot")), ("w".into(), facts("sqlite"))].into(),
            connectors: vec!["hubspot".to_owned(), "sqlite".to_owned()],
            ..sdk::Catalog::default()
        };
        let checked = crate::check(&parsed.definitions, &catalog, &crate::ProjectDefaults::default());
        assert!(checked.diagnostics.iter().all(|one| !one.is_error()), "{:?}", checked.diagnostics);
        Arc::clone(&checked.flows[0])
    }

    #[test]
    fn every_access_is_told_once_however_deep_it_stands() {
        let flow = flow(
            "flow: a\nconnections: {crm: hubspot, w: sqlite}\ntrigger: {poll: crm.contacts, on: new, every: 1m, start: now}\nsteps:\n  - if: record.vip\n    then:\n      - upsert: w.people\n        match: id\n        id: ${ record.id }\n        set: {name: x}\n    else:\n      - delete: crm.contacts\n        id: ${ record.id }\n  - delete: crm.contacts\n    name: again\n    id: ${ record.id }\n",
        );
        let told: Vec<String> = flow
            .accesses()
            .iter()
            .map(|access| format!("{}.{} {}", access.connection, access.object, access.ability.word()))
            .collect();
        assert_eq!(told, ["crm.contacts new", "crm.contacts delete", "w.people upsert"]);
    }
}
