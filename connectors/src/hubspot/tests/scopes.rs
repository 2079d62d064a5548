//! Which rights objects ask for, and which ones our token has.

use std::sync::{Arc, Mutex};

use sandbox::hubspot::{AccessToken, DEFAULT_TOKEN, HubSpot as Account, Options, SandboxTransport};
use sdk::{Ability, ConnectContext, Connector as _, Offer, Secret, SettingValue, Settings, SystemClock};

use crate::hubspot::HubSpot;

fn offer(object: &str) -> Offer {
    let offers = HubSpot.offers().into_iter();
    offers.into_iter().find(|offer| offer.object.as_deref() == Some(object)).expect("the manifest has it")
}

#[test]
fn objects_name_their_abilities_and_scopes() {
    let contacts = offer("contacts");
    let words: Vec<_> = contacts.abilities.iter().map(|ability| ability.word()).collect();
    assert_eq!(words, ["new", "new_or_updated", "archived", "by", "find", "create", "update", "upsert", "delete"]);
    assert!(contacts.abilities.is_sorted() && Ability::PollBy.is_trigger() && !Ability::Find.is_trigger());
    assert_eq!(contacts.scopes.write, ["crm.objects.contacts.write"]);
    assert_eq!(offer("tickets").scopes.fields, ["crm.schemas.tickets.read", "tickets"]);
}

#[tokio::test]
async fn a_token_tells_its_scopes() {
    let granted = vec!["crm.objects.contacts.read".to_owned()];
    let token = AccessToken { token: DEFAULT_TOKEN.to_owned(), scopes: Some(granted.clone()) };
    let account = Account::new(Options { tokens: vec![token], ..Options::default() });
    let transport = SandboxTransport::new(Arc::new(Mutex::new(account)), Arc::new(SystemClock));
    let mut settings = Settings::default();
    settings.0.insert("token".to_owned(), SettingValue::Secret(Secret::new(DEFAULT_TOKEN.to_owned())));
    let context =
        ConnectContext { transport: Arc::new(transport), clock: Arc::new(SystemClock), folder: std::env::temp_dir() };
    let connection = HubSpot.connect(&settings, context).expect("the settings are right");
    assert_eq!(connection.scopes().await.expect("the sandbox tells"), Some(granted));
}
