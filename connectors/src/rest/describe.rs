//! What a manifest offers, for people who choose.

use sdk::{Ability, Offer};

use super::RestConnector;
use super::manifest::{PollSource, Resource, Serves};
use super::template::Scope;

impl RestConnector {
    /// The service's own address, or what it is made of where that depends on a connection's settings.
    pub fn base_url(&self) -> Option<String> {
        self.manifest.base_url.text(&Scope::default())
    }

    /// What flows can do with each resource.
    pub(super) fn offered(&self) -> Vec<Offer> {
        self.manifest.resources.iter().map(offer).collect()
    }
}

fn offer(resource: &Resource) -> Offer {
    let serves = |wanted: Serves| resource.poll(wanted).is_some();
    let compares = |wanted: Serves| matches!(resource.poll(wanted), Some(PollSource::Snapshot(_)));
    let compared =
        [(Ability::PollNew, compares(Serves::New)), (Ability::PollNewOrUpdated, compares(Serves::NewOrUpdated))];
    let abilities = [
        (Ability::PollNew, serves(Serves::New)),
        (Ability::PollNewOrUpdated, serves(Serves::NewOrUpdated)),
        (Ability::PollArchived, serves(Serves::Archived)),
        (Ability::PollBy, serves(Serves::AnyStamp)),
        (Ability::Find, resource.get.is_some() || resource.search.is_some() || !resource.finds.is_empty()),
        (Ability::Create, resource.write.create.is_some()),
        (Ability::Update, resource.write.update.is_some()),
        (Ability::Upsert, !resource.write.upsert.is_empty()),
        (Ability::Delete, resource.write.delete.is_some()),
    ];
    let those = |abilities: &[(Ability, bool)]| {
        abilities.iter().filter_map(|(ability, can)| can.then_some(*ability)).collect::<Vec<_>>()
    };
    Offer {
        object: Some(resource.name.clone()),
        title: resource.title.clone(),
        abilities: those(&abilities),
        compared: those(&compared),
        scopes: resource.scopes.clone(),
    }
}
