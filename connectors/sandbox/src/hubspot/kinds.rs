//! The objects this account has, and where they differ: names, type ids, stamps, defaults, what a new record needs.
//!
//! The one difference that hurts: contacts keep their modification stamp in `lastmodifieddate`, everything else in
//! `hs_lastmodifieddate`, and contacts have a property of that name too, which is never filled.

use super::envelope::Problem;

/// One standard object.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) type_id: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    /// As messages spell it.
    pub(super) upper: &'static str,
    /// As the conflict message spells it.
    pub(super) title: &'static str,
    pub(super) created: &'static str,
    pub(super) modified: &'static str,
    /// What GET, list and search return when nothing is asked for.
    pub(super) defaults: &'static [&'static str],
    pub(super) required: Required,
    /// Where the `query` of a search looks.
    pub(super) searched: &'static [&'static str],
    pub(super) scopes: Scopes,
}

/// What a create must say.
#[derive(Debug)]
pub(super) enum Required {
    AnyOf(&'static [&'static str]),
    AllOf(&'static [&'static str]),
}

/// The scopes that open an object; of each list any one suffices.
#[derive(Debug)]
pub(super) struct Scopes {
    pub(super) read: &'static [&'static str],
    pub(super) write: &'static [&'static str],
    pub(super) schema_read: &'static [&'static str],
    pub(super) schema_write: &'static [&'static str],
}

/// In the order of their type ids, which is the order of everything that goes through all objects.
pub(super) static KINDS: [Kind; 5] = [
    Kind {
        type_id: "0-1",
        plural: "contacts",
        singular: "contact",
        upper: "CONTACT",
        title: "Contact",
        created: "createdate",
        modified: "lastmodifieddate",
        defaults: &["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
        required: Required::AnyOf(&["email", "firstname", "lastname"]),
        searched: &["firstname", "lastname", "email", "phone", "hs_additional_emails", "company", "hs_object_id"],
        scopes: Scopes {
            read: &["crm.objects.contacts.read"],
            write: &["crm.objects.contacts.write"],
            schema_read: &["crm.schemas.contacts.read"],
            schema_write: &["crm.schemas.contacts.write"],
        },
    },
    Kind {
        type_id: "0-2",
        plural: "companies",
        singular: "company",
        upper: "COMPANY",
        title: "Company",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        defaults: &["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
        required: Required::AnyOf(&["name", "domain"]),
        searched: &["name", "domain", "website", "phone", "hs_object_id"],
        scopes: Scopes {
            read: &["crm.objects.companies.read"],
            write: &["crm.objects.companies.write"],
            schema_read: &["crm.schemas.companies.read"],
            schema_write: &["crm.schemas.companies.write"],
        },
    },
    Kind {
        type_id: "0-3",
        plural: "deals",
        singular: "deal",
        upper: "DEAL",
        title: "Deal",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        defaults: &[
            "amount",
            "closedate",
            "createdate",
            "dealname",
            "dealstage",
            "hs_lastmodifieddate",
            "hs_object_id",
            "pipeline",
        ],
        required: Required::AllOf(&["dealname", "dealstage", "pipeline"]),
        searched: &["dealname", "pipeline", "dealstage", "description", "dealtype", "hs_object_id"],
        scopes: Scopes {
            read: &["crm.objects.deals.read"],
            write: &["crm.objects.deals.write"],
            schema_read: &["crm.schemas.deals.read"],
            schema_write: &["crm.schemas.deals.write"],
        },
    },
    Kind {
        type_id: "0-5",
        plural: "tickets",
        singular: "ticket",
        upper: "TICKET",
        title: "Ticket",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        defaults: &[
            "content",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
        ],
        required: Required::AllOf(&["subject", "hs_pipeline", "hs_pipeline_stage"]),
        searched: &["subject", "content", "hs_pipeline_stage", "hs_ticket_category", "hs_object_id"],
        scopes: Scopes {
            read: &["tickets", "crm.objects.tickets.read"],
            write: &["tickets", "crm.objects.tickets.write"],
            schema_read: &["tickets", "crm.schemas.tickets.read"],
            schema_write: &["tickets", "crm.schemas.tickets.write"],
        },
    },
    // Notes have no scopes of their own: whoever may see contacts may see what was noted of them.
    Kind {
        type_id: "0-46",
        plural: "notes",
        singular: "note",
        upper: "NOTE",
        title: "Note",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        defaults: &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
        required: Required::AllOf(&["hs_timestamp"]),
        searched: &["hs_note_body", "hs_object_id"],
        scopes: Scopes {
            read: &["crm.objects.contacts.read"],
            write: &["crm.objects.contacts.write"],
            schema_read: &["crm.schemas.contacts.read", "crm.objects.contacts.read"],
            schema_write: &["crm.schemas.contacts.write"],
        },
    },
];

/// Where an object's kind and table stand. The position in [`KINDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object(pub(super) usize);

impl Object {
    /// Every object, in order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..KINDS.len()).map(Self)
    }

    pub(super) fn kind(self) -> &'static Kind {
        &KINDS[self.0]
    }

    /// Plural, singular, in any case, or the type id.
    pub(super) fn named(name: &str) -> Option<Self> {
        KINDS
            .iter()
            .position(|kind| {
                kind.type_id == name
                    || kind.plural.eq_ignore_ascii_case(name)
                    || kind.singular.eq_ignore_ascii_case(name)
            })
            .map(Self)
    }

    /// The object of a path segment, or the refusal of an unknown one.
    pub(super) fn of_segment(segment: &str) -> Result<Self, Problem> {
        Self::named(segment).ok_or_else(|| Problem::validation(format!("Unable to infer object type from: {segment}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_a_type_goes_by_plural_singular_any_case_or_id() {
        for name in ["contacts", "contact", "Contacts", "CONTACT", "0-1"] {
            assert_eq!(Object::named(name), Some(Object(0)), "{name}");
        }
        let refusal = Object::of_segment("cars").expect_err("cars are no standard object");
        assert_eq!((refusal.status, refusal.message.as_str()), (400, "Unable to infer object type from: cars"));
    }
}
