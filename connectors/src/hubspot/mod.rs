//! HubSpot's CRM: contacts, companies, deals and tickets.
//!
//! - `client` speaks to the service, `failure` reads its refusals.
//! - `objects` knows the four objects, and discovers and keeps their properties.
//! - `values` turns HubSpot's texts into typed values and back; `records` does so for whole records.
//! - `poll`, `find` and `write` are what a flow does; `search` is what they share.
//!
//! HubSpot's search runs behind its writes by seconds, at times minutes. Reading by id or by a unique property
//! does not, so that is how everything is read that can be.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sdk::{
    Account, Class, ConnectContext, Connection, Connector, Descriptor, Error, Find, Method, ObjectSchema, PollPage,
    PollRequest, Record, RecordId, Repeat, Setting, SettingKind, Settings, Timestamp, Write, WriteOutcome,
};

mod client;
mod failure;
mod find;
mod objects;
mod poll;
mod records;
mod search;
mod values;
mod write;

#[cfg(test)]
mod tests;

use client::{Call, Client};
use objects::Objects;

/// The connector.
pub struct HubSpot;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "hubspot",
    title: "HubSpot CRM",
    settings: &[
        Setting {
            name: "token",
            kind: SettingKind::Secret,
            required: true,
            help: "A private app's access token, or a service key.",
        },
        Setting {
            name: "base_url",
            kind: SettingKind::Text,
            required: false,
            help: "Another address than https://api.hubapi.com: https, or http on this machine.",
        },
        Setting {
            name: "tier",
            kind: SettingKind::Choice(&["free", "professional", "enterprise", "unlimited"]),
            required: false,
            help: "The account's subscription, which decides how many requests it may make.",
        },
    ],
    min_interval: Duration::from_secs(10),
};

impl Connector for HubSpot {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn connect(&self, settings: &Settings, context: ConnectContext) -> Result<Arc<dyn Connection>, Error> {
        Ok(Arc::new(HubSpotConnection { client: Client::new(settings, context)?, objects: Objects::default() }))
    }
}

/// One HubSpot account.
struct HubSpotConnection {
    client: Client,
    objects: Objects,
}

#[async_trait]
impl Connection for HubSpotConnection {
    async fn check(&self) -> Result<Account, Error> {
        let details = match self.client.call(ACCOUNT_DETAILS).await.map_err(Error::from) {
            Ok(answer) => answer.body,
            // Some tokens may not read the account; each may ask about itself.
            Err(Error { class: Class::Forbidden { .. }, .. }) => self.client.introspect().await?,
            Err(error) => return Err(error),
        };
        let id = ["portalId", "hubId"].iter().find_map(|key| values::plain_text(details.get(key)?));
        let id =
            id.ok_or_else(|| Error::new(Class::Transient, "HubSpot does not say which account the token is of"))?;
        let kind = details.get("accountType").and_then(|kind| kind.as_str());
        let title = match kind {
            Some(kind) => format!("HubSpot account {id} ({})", kind.to_lowercase().replace('_', " ")),
            None => format!("HubSpot account {id}"),
        };
        Ok(Account { id, title })
    }

    async fn server_time(&self) -> Result<Timestamp, Error> {
        let answer = self.client.call(ACCOUNT_DETAILS).await?;
        answer.server_time.ok_or_else(|| Error::new(Class::Transient, "HubSpot's answer carries no date"))
    }

    fn objects(&self) -> Option<Vec<String>> {
        Some(objects::names().map(str::to_owned).collect())
    }

    async fn discover(&self, object: &str) -> Result<ObjectSchema, Error> {
        Ok(self.objects.discover(&self.client, object).await?.schema.clone())
    }

    fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }

    fn page_size(&self) -> usize {
        search::LONGEST_PAGE
    }

    fn ids_are_numbers(&self) -> bool {
        true
    }

    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error> {
        poll::poll(self, request).await
    }

    async fn get(&self, object: &str, id: &RecordId, fields: &[String]) -> Result<Option<Record>, Error> {
        find::get(self, object, id, fields).await
    }

    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error> {
        find::find(self, find).await
    }

    fn repeat(&self, write: &Write) -> Repeat {
        write::repeat(self, write)
    }

    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        write::write(self, write).await
    }
}

const ACCOUNT_DETAILS: Call<'static> = Call::read(Method::Get, &["account-info", "v3", "details"]);
