//! What a flow does at the services it names: for whoever grants rights there.

use std::collections::BTreeSet;

use sdk::{Ability, ConnectionName};

use crate::definition::{At, FlowDefinition, StepDefinition, TriggerDefinition, Verb};
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

impl FlowDefinition {
    /// Everything that it does with objects, each with the place that says so, in order; [`FlowDefinition::label`]
    /// tells in which file that is.
    pub fn access_places(&self) -> Vec<At<Access>> {
        let mut places = Vec::new();
        if let Some(definition) = &self.trigger
            && let Some(target) = definition.source().and_then(|source| source.target.as_ref())
        {
            places.push(place(target, trigger_of(definition)));
        }
        for_each(&self.steps, &mut |verb| {
            places.extend(ability_of(verb).map(|(target, ability)| place(target, ability)))
        });
        for_each(&self.on_failure, &mut |verb| {
            places.extend(ability_of(verb).map(|(target, ability)| place(target, ability)));
        });
        places
    }

    /// Every action that it runs, each with its place, in order; the action stands in the place of an object.
    pub fn action_places(&self) -> Vec<At<Target>> {
        let mut places = Vec::new();
        let mut add = |verb: &Verb| {
            if let Verb::Do(call) = verb {
                places.extend(call.action.clone());
            }
        };
        for_each(&self.steps, &mut add);
        for_each(&self.on_failure, &mut add);
        places
    }
}

fn for_each(steps: &[StepDefinition], visit: &mut impl FnMut(&Verb)) {
    for step in steps {
        visit(&step.verb);
        for steps in step.verb.inner() {
            for_each(steps, visit);
        }
    }
}

/// What a step does, and with what; nothing where it works with no object or none could be read.
fn ability_of(verb: &Verb) -> Option<(&At<Target>, Ability)> {
    let (target, ability) = match verb {
        Verb::Create(write) => (&write.target, Ability::Create),
        Verb::Update { write, .. } => (&write.target, Ability::Update),
        Verb::Upsert { write, .. } => (&write.target, Ability::Upsert),
        Verb::Delete { target, .. } => (target, Ability::Delete),
        Verb::Find(find) => (&find.target, Ability::Find),
        Verb::Let(_)
        | Verb::If { .. }
        | Verb::Route { .. }
        | Verb::Each(_)
        | Verb::Wait(_)
        | Verb::Do(_)
        | Verb::Run(_)
        | Verb::Skip(_)
        | Verb::Stop(_)
        | Verb::Fail(_)
        | Verb::Unread => return None,
    };
    Some((target.as_ref()?, ability))
}

fn trigger_of(definition: &TriggerDefinition) -> Ability {
    match definition {
        TriggerDefinition::Poll(poll) => polled(poll.on.value, poll.by.is_some()),
        TriggerDefinition::Schedule(_) | TriggerDefinition::Webhook(_) | TriggerDefinition::Manual(_) => Ability::Find,
    }
}

fn place(target: &At<Target>, ability: Ability) -> At<Access> {
    At { value: access(&target.value, ability), span: target.span }
}

fn polled(on: On, by_field: bool) -> Ability {
    match on {
        _ if by_field => Ability::PollBy,
        On::New => Ability::PollNew,
        On::NewOrUpdated => Ability::PollNewOrUpdated,
        On::Archived => Ability::PollArchived,
    }
}

fn trigger(trigger: &Trigger) -> Ability {
    match trigger {
        Trigger::Poll(poll) => polled(poll.on, poll.by.is_some()),
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

    #[test]
    fn what_is_written_is_told_with_its_places() {
        let text = "flow: a\ntrigger: {poll: crm.contacts, on: new, every: 1m, start: now}\nsteps:\n  - if: record.vip\n    then:\n      - upsert: w.people\n        match: id\n        set: {id: 1}\n      - do: crm.add_to_list\n  - find: crm.deals\n    id: 1\n";
        let file = SourceFile::new("flows/a.yaml", text);
        let parsed = crate::parse(std::slice::from_ref(&file));
        let definition = &parsed.definitions[0];
        let told: Vec<_> = definition
            .access_places()
            .iter()
            .map(|at| format!("{} {}", file.slice(at.span), at.value.ability.word()))
            .collect();
        assert_eq!(told, ["crm.contacts new", "w.people upsert", "crm.deals find"]);
        let actions: Vec<_> = definition.action_places().iter().map(|at| file.slice(at.span).to_owned()).collect();
        assert_eq!(actions, ["crm.add_to_list"]);
    }
}
