//! The account about itself, and its owners: read-only, and the same in every account of a size.

use sdk::Timestamp;
use serde_json::{Value, json};

use super::HubSpot;
use super::auth::missing_scopes_of_account;
use super::call::Call;
use super::envelope::{Answer, Problem};
use super::limits::UTC_OFFSET_MILLIS;

/// A person or queue that records can be assigned to. Assigning takes the `id`, never the `user_id`.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) id: &'static str,
    user_id: u64,
    email: &'static str,
    first_name: &'static str,
    last_name: &'static str,
    archived: bool,
}

pub(super) const OWNERS: [Owner; 4] = [
    Owner::person("118205471", 51_770_213, "mara.lind@sandbox.example", "Mara", "Lind"),
    Owner::person("118205472", 51_770_388, "jonas.weiss@sandbox.example", "Jonas", "Weiß"),
    Owner::person("118205480", 51_771_002, "aiko.tanaka@sandbox.example", "Aiko", "Tanaka"),
    Owner { archived: true, ..Owner::person("118205466", 51_769_950, "old.hand@sandbox.example", "Old", "Hand") },
];

impl Owner {
    const fn person(
        id: &'static str,
        user_id: u64,
        email: &'static str,
        first_name: &'static str,
        last_name: &'static str,
    ) -> Self {
        Self { id, user_id, email, first_name, last_name, archived: false }
    }

    fn body(&self) -> Value {
        json!({
            "id": self.id,
            "email": self.email,
            "type": "PERSON",
            "firstName": self.first_name,
            "lastName": self.last_name,
            "userId": (!self.archived).then_some(self.user_id),
            "userIdIncludingInactive": self.user_id,
            "createdAt": "2024-01-15T09:30:00.000Z",
            "updatedAt": "2025-06-02T14:05:11.482Z",
            "archived": self.archived,
        })
    }
}

impl HubSpot {
    /// The owners a record may be assigned to.
    pub(super) fn owner_ids(&self) -> Vec<String> {
        OWNERS.iter().filter(|owner| !owner.archived).map(|owner| owner.id.to_owned()).collect()
    }

    /// `GET /owners`
    pub(super) fn list_owners(&self, token: &str, call: &Call) -> Result<Answer, Problem> {
        self.authorize_owners(token)?;
        // The largest page is not recorded for owners; 500 is the specification's.
        let limit = call.limit(100, 500)?;
        let archived = call.flag("archived")?;
        let after = call.parameter("after").filter(|after| !after.is_empty());
        let mut owners: Vec<&Owner> = OWNERS.iter().filter(|owner| owner.archived == archived).collect();
        if let Some(email) = call.parameter("email") {
            owners.retain(|owner| owner.email.eq_ignore_ascii_case(email));
        }
        if let Some(after) = after {
            owners.retain(|owner| owner.id > after);
        }
        let page: Vec<Value> = owners.iter().take(limit).map(|owner| owner.body()).collect();
        let mut body = json!({"results": page});
        if let Some(last) = owners.get(limit - 1).filter(|_| owners.len() > limit) {
            body["paging"] = json!({"next": {"after": last.id}});
        }
        Ok(Answer::ok(body))
    }

    /// `GET /owners/{id}`
    pub(super) fn get_owner(&self, token: &str, id: &str, call: &Call) -> Result<Answer, Problem> {
        self.authorize_owners(token)?;
        let archived = call.flag("archived")?;
        let by_user = match call.parameter("idProperty") {
            None | Some("id") => false,
            Some("userId") => true,
            Some(other) => return Err(Problem::validation(format!("'{other}' is not an idProperty of owners"))),
        };
        OWNERS
            .iter()
            .filter(|owner| owner.archived == archived)
            .find(|owner| if by_user { owner.user_id.to_string() == id } else { owner.id == id })
            .map(|owner| Answer::ok(owner.body()))
            .ok_or_else(Problem::resource_not_found)
    }

    /// `GET /account-info/v3/details`
    pub(super) fn account_details(&self) -> Answer {
        Answer::ok(json!({
            "portalId": self.options.portal_id,
            "accountType": "STANDARD",
            "timeZone": "US/Eastern",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "-05:00",
            "utcOffsetMilliseconds": UTC_OFFSET_MILLIS,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }))
    }

    /// `GET /account-info/v3/api-usage/daily/private-apps`
    pub(super) fn daily_usage(&self, now: Timestamp) -> Answer {
        let resets_at = (self.limits.day + 1) * 86_400_000 - UTC_OFFSET_MILLIS;
        Answer::ok(json!({"results": [{
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.options.tier.daily(),
            "currentUsage": self.limits.used_today,
            "collectedAt": self.server_time(now).to_string(),
            "fetchStatus": "SUCCESS",
            "resetsAt": Timestamp::from_millis(resets_at).to_string(),
        }]}))
    }

    fn authorize_owners(&self, token: &str) -> Result<(), Problem> {
        let scopes = ["crm.objects.owners.read"];
        if self.has_scope(token, &scopes) { Ok(()) } else { Err(missing_scopes_of_account(&scopes)) }
    }
}
