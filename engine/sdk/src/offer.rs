//! What a connector offers, for people who choose and for those who grant rights.

/// One kind of object, and what flows can do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name in flows; `None` stands for all objects whose names are the account's own, such as a database's tables.
    pub object: Option<String>,
    /// What people call one of it.
    pub title: String,
    /// What flows can do with it, in the order of [`Ability`].
    pub abilities: Vec<Ability>,
    /// Those of its polls that compare everything with what was seen, because nothing stamps its records.
    pub compared: Vec<Ability>,
    /// What our credentials must be granted.
    pub scopes: Scopes,
}

/// Something that flows can do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// `on: new`.
    PollNew,
    /// `on: new_or_updated`.
    PollNewOrUpdated,
    /// `on: archived`.
    PollArchived,
    /// A poll by a field that the author names (`by`).
    PollBy,
    /// A look-up.
    Find,
    /// A write that makes a record.
    Create,
    /// A write that changes one.
    Update,
    /// A write that does either.
    Upsert,
    /// A write that removes one.
    Delete,
}

/// The rights that an object asks for at a service that has scopes. Of each list any one suffices; none is needed where
/// a list is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// To learn which fields there are, which everything begins with.
    pub fields: Vec<String>,
    /// To poll and to look up.
    pub read: Vec<String>,
    /// To write.
    pub write: Vec<String>,
}

impl Ability {
    /// As it stands in flows.
    pub fn word(self) -> &'static str {
        match self {
            Self::PollNew => "new",
            Self::PollNewOrUpdated => "new_or_updated",
            Self::PollArchived => "archived",
            Self::PollBy => "by",
            Self::Find => "find",
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        }
    }

    /// Whether it begins a flow; else it is a step.
    pub fn is_trigger(self) -> bool {
        match self {
            Self::PollNew | Self::PollNewOrUpdated | Self::PollArchived | Self::PollBy => true,
            Self::Find | Self::Create | Self::Update | Self::Upsert | Self::Delete => false,
        }
    }
}

impl Offer {
    /// Tables of a database: any name, polled by a column that the author names, with every verb.
    pub fn tables() -> Self {
        use Ability::{Create, Delete, Find, PollBy, Update, Upsert};
        Self {
            object: None,
            title: "Table".to_owned(),
            abilities: vec![PollBy, Find, Create, Update, Upsert, Delete],
            compared: Vec::new(),
            scopes: Scopes::default(),
        }
    }
}
