//! HubSpot's CRM: contacts, companies, deals and tickets. All of it is data: `connector.yaml`, beside this file.

use std::sync::{Arc, LazyLock};

use sdk::{ActionSchema, ConnectContext, Connection, Connector, Descriptor, Error, Offer, Settings};

use crate::rest::RestConnector;

#[cfg(test)]
mod tests;

/// The connector.
pub struct HubSpot;

static MANIFEST: LazyLock<RestConnector> =
    LazyLock::new(|| RestConnector::embedded("hubspot/connector.yaml", include_str!("connector.yaml")));

/// What it is made of.
pub(crate) fn manifest() -> &'static RestConnector {
    &MANIFEST
}

impl Connector for HubSpot {
    fn descriptor(&self) -> &'static Descriptor {
        MANIFEST.descriptor()
    }

    fn connect(&self, settings: &Settings, context: ConnectContext) -> Result<Arc<dyn Connection>, Error> {
        MANIFEST.connect(settings, context)
    }

    fn offers(&self) -> Vec<Offer> {
        MANIFEST.offers()
    }

    fn actions(&self) -> Vec<ActionSchema> {
        MANIFEST.actions()
    }
}
