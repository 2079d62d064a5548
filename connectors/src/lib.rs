//! The services that Millrace speaks to.
//!
//! Each connector is a folder of its own and one line in [`all`]; [`http`] is the way to the network that those
//! of them share that speak HTTP. Where a service is REST, its folder holds a manifest, which [`rest`] runs; a
//! project brings manifests of its own by [`from_manifest`].

use std::sync::Arc;

use sdk::Connector as _;

pub mod http;
pub mod hubspot;
#[cfg(test)]
mod paging;
pub mod pipedrive;
pub mod postgres;
pub mod rest;
pub mod sqlite;

/// Every connector, sorted by name.
pub fn all() -> Vec<Arc<dyn sdk::Connector>> {
    vec![
        Arc::new(hubspot::HubSpot), //
        Arc::new(pipedrive::Pipedrive),
        Arc::new(postgres::Postgres),
        Arc::new(sqlite::Sqlite),
    ]
}

/// The manifest of a connector that is built in, where it is one.
pub fn manifest(name: &str) -> Option<&'static rest::RestConnector> {
    [hubspot::manifest(), pipedrive::manifest()].into_iter().find(|manifest| manifest.descriptor().name == name)
}

/// A connector from a manifest, as if it were built in; or what is wrong with the manifest.
pub fn from_manifest(file: &text::SourceFile) -> Result<Arc<dyn sdk::Connector>, Vec<text::Diagnostic>> {
    Ok(Arc::new(rest::RestConnector::from_manifest(file)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_its_names_are_ids() {
        let names: Vec<_> = all().iter().map(|connector| connector.descriptor().name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for name in names {
            assert!(name.starts_with(|first: char| first.is_ascii_lowercase()), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
        }
    }
}
