//! Pipedrive: persons and organizations. All of it is data: `connector.yaml`, beside this file.

use std::sync::{Arc, LazyLock};

use sdk::{ActionSchema, ConnectContext, Connection, Connector, Descriptor, Error, Offer, Settings};

use crate::rest::RestConnector;

#[cfg(test)]
mod tests;

/// The connector.
pub struct Pipedrive;

static MANIFEST: LazyLock<RestConnector> =
    LazyLock::new(|| RestConnector::embedded("pipedrive/connector.yaml", include_str!("connector.yaml")));

/// What it is made of.
pub(crate) fn manifest() -> &'static RestConnector {
    &MANIFEST
}

impl Connector for Pipedrive {
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
