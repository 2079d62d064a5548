//! A sync document: two objects that are kept alike.

use super::words::{CONFLICTS, DELETED, POLICIES, SYNC_OF, WAYS};
use super::{Mapping, Naming, Notation, Shape, Standing, key};

/// A sync.
pub static SYNC: Mapping = Mapping::new(
    "a sync",
    "Keeps records of two objects alike, field by field. What it writes is never taken for a change of that side.",
    &[
        key("sync", Shape::Noted(Notation::Id), "The sync's id, which what is known of paired records belongs to.")
            .required()
            .standing(Standing::Checked),
        key("description", Shape::Text, "One sentence for people."),
        key("enabled", Shape::Boolean, "`false` keeps the sync from running; it is still checked.").default("`true`"),
        key(
            "connections",
            Shape::MapOf(Naming::Id, &Shape::Noted(Notation::Connector)),
            "The connections that it uses, each with the connector it must be of, such as `{app: postgres, crm: hubspot}`.",
        ),
        key(
            "between",
            Shape::ListOf(&Shape::Noted(Notation::Object)),
            "The two objects, the left one first, such as `[app.members, crm.contacts]`.",
        )
        .required(),
        key("every", Shape::Noted(Notation::Duration), "How often it looks at both, such as `8h`.").required(),
        key(
            "fields",
            Shape::ListOf(&Shape::OneOf(&[Shape::Text, Shape::Map(&SYNC_FIELD)])),
            "The fields that are kept alike: `left <-> right` both ways, `left -> right` and `left <- right` one way.",
        )
        .required(),
        key("to_right", Shape::Map(&DIRECTION), "How records get to the right; needed where any field goes there."),
        key("to_left", Shape::Map(&DIRECTION), "How records get to the left; needed where any field goes there."),
        key("conflict", Shape::Word(CONFLICTS.words), "Which side holds where both have changed since the last time.")
            .default("`newest`"),
        key("deleted", Shape::Word(DELETED.words), "What becomes of a record whose counterpart is gone.")
            .default("`ignore`"),
    ],
);

/// The long form of a line of a sync's `fields`.
pub static SYNC_FIELD: Mapping = Mapping::new(
    "a line of `fields`",
    "Two fields that are kept alike.",
    &[
        key("left", Shape::Noted(Notation::Field), "The field of the left object.").required(),
        key("right", Shape::Noted(Notation::Field), "The field of the right object.").required(),
        key("way", Shape::Word(WAYS.words), "Which of them follows the other.").default("`both`"),
        key("policy", Shape::Word(POLICIES.words), "When the field that follows is written.").default("`overwrite`"),
    ],
);

/// How records get to one side.
pub static DIRECTION: Mapping = Mapping::new(
    "a direction of a sync",
    "How records of one side get to the other.",
    &[
        key(
            "match",
            Shape::Noted(Notation::Field),
            "The field by which a record is found there; where it is not unique, a record with several candidates is skipped and told.",
        )
        .required(),
        key("create", Shape::Boolean, "Whether a record that is not found there is created.").default("`false`"),
        key("of", Shape::Word(SYNC_OF.words), "Which records go.").default("`all`"),
        key("skip_if", Shape::Question, "Asked of each record that would go: where it is true, it does not; it is counted."),
    ],
);
