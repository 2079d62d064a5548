//! The calls that the bare loop makes: those of the engine's HubSpot connector.

use serde_json::{Value as Json, json};

use super::text;
use crate::site::TOKEN;

/// Rows of a page.
pub const PAGE: usize = 200;
const FIELDS: [&str; 6] = ["email", "firstname", "lastname", "phone", "city", "lifecyclestage"];

/// The two accounts.
pub struct Service {
    client: reqwest::Client,
    crm: String,
    copy: String,
}

impl Service {
    pub fn new(crm: &str, copy: &str) -> anyhow::Result<Self> {
        // A client cannot be built before somebody has said who encrypts, also where nothing is encrypted.
        connectors::http::HttpTransport::open(&sdk::Settings::default())?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client, crm: crm.to_owned(), copy: copy.to_owned() })
    }

    /// The contacts of ids above this one.
    pub async fn search(&self, after: &str) -> anyhow::Result<Vec<Json>> {
        let body = json!({
            "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": after}]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": FIELDS,
            "limit": PAGE,
        });
        let asked = self.client.post(format!("{}/crm/v3/objects/contacts/search", self.crm));
        let answer = asked.bearer_auth(TOKEN).json(&body).send().await?.error_for_status()?;
        let mut page: Json = answer.json().await?;
        match page["results"].take() {
            Json::Array(records) => Ok(records),
            other => anyhow::bail!("a page without results: {other}"),
        }
    }

    /// Updates the contact of this address, or makes it; answers its id.
    pub async fn upsert(&self, email: &str, properties: &Json) -> anyhow::Result<String> {
        let contacts = format!("{}/crm/v3/objects/contacts", self.copy);
        let update = self.client.patch(format!("{contacts}/{email}")).query(&[("idProperty", "email")]);
        let mut answer = update.bearer_auth(TOKEN).json(properties).send().await?;
        if answer.status() == 404 {
            answer = self.client.post(&contacts).bearer_auth(TOKEN).json(properties).send().await?;
        }
        let written: Json = answer.error_for_status()?.json().await?;
        Ok(text(&written, "/id"))
    }
}
