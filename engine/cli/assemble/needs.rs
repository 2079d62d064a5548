//! The rights that flows need at their services, and what is missing of them.

use flow::FlowDefinition;
use sdk::{Ability, ConnectionName, Connector, Offer};
use text::{Diagnostic, Span};

use super::understood::Understood;
use crate::codes;
use crate::schema::granted::Granted;

/// A right that a flow needs at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What for, such as `read contacts`.
    pub what: String,
    /// Any one of these scopes.
    pub any_of: Vec<String>,
    /// The place in the flow.
    pub span: Span,
}

/// What a flow needs at a connection.
pub fn of(definition: &FlowDefinition, connection: &ConnectionName, connector: &dyn Connector) -> Vec<Need> {
    let (offers, actions) = (connector.offers(), connector.actions());
    let mut needs = Vec::new();
    for place in definition.access_places().iter().filter(|place| place.value.connection == *connection) {
        let object = &place.value.object;
        let offer = offers.iter().find(|offer| offer.object.as_ref() == Some(object));
        let scopes = offer.into_iter().flat_map(|offer| scopes_of(offer, place.value.ability));
        needs.extend(scopes.map(|(what, any_of)| Need { what: format!("{what} {object}"), any_of, span: place.span }));
    }
    for place in definition.action_places().iter().filter(|place| place.value.connection == *connection) {
        let action = actions.iter().find(|action| action.name == place.value.object);
        if let Some(action) = action.filter(|action| !action.scopes.is_empty()) {
            needs.push(Need { what: format!("do {}", action.name), any_of: action.scopes.clone(), span: place.span });
        }
    }
    needs
}

/// What doing this with an object asks for.
fn scopes_of(offer: &Offer, ability: Ability) -> Vec<(&'static str, Vec<String>)> {
    let scopes = &offer.scopes;
    let work = match ability {
        Ability::PollNew | Ability::PollNewOrUpdated | Ability::PollArchived | Ability::PollBy | Ability::Find => {
            vec![("read", scopes.read.clone())]
        }
        // It looks before it writes.
        Ability::Upsert => vec![("read", scopes.read.clone()), ("write", scopes.write.clone())],
        Ability::Create | Ability::Update | Ability::Delete => vec![("write", scopes.write.clone())],
    };
    let fields = ("know the fields of", scopes.fields.clone());
    [fields].into_iter().chain(work).filter(|(_, any_of)| !any_of.is_empty()).collect()
}

/// Flows that need what was not granted: each such right at the first place of a flow that needs it.
pub fn missing(understood: &Understood, granted: &Granted) -> Vec<Diagnostic> {
    let connection = &granted.connection;
    let Some(definition) = understood.connections.iter().find(|one| one.name.value == *connection) else {
        return Vec::new();
    };
    let Ok(connector) = understood.connectors.of_connection(definition) else { return Vec::new() };
    let mut missing = Vec::new();
    for flow in understood.definitions.iter().filter(|flow| flow.is_enabled()) {
        let mut told: Vec<Vec<String>> = Vec::new();
        for need in of(flow, connection, &*connector) {
            if need.any_of.iter().any(|scope| granted.scopes.contains(scope)) || told.contains(&need.any_of) {
                continue;
            }
            let scopes = need.any_of.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" or ");
            let message = format!("the credentials of `{connection}` may not {}", need.what);
            let help = format!(
                "grant {scopes} to them, then `millrace schema pull {connection}`, which keeps what is granted"
            );
            let (file, span) = flow.label(need.span);
            let diagnostic = Diagnostic::error(codes::MISSING_SCOPE, message).at(&file, span, "").help(help);
            // What a template's flows lack is said of the template once.
            if !missing.contains(&diagnostic) {
                missing.push(diagnostic);
            }
            told.push(need.any_of);
        }
    }
    missing
}
