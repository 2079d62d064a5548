//! What the maps of a document hold, declared once: parser, JSON Schemas, references and editors all read it here.
//!
//! A [`Mapping`] is one kind of map with its [`Key`]s, a [`Shape`] is what stands behind a key. All of it is constant
//! data. What only a look at other places can tell, such as whether a field exists, is for checks to find.

mod json_schema;

pub use json_schema::json_schema;

/// One kind of map: the keys that it takes, in the order in which they are best written.
#[derive(Debug)]
pub struct Mapping {
    /// What messages call it: `a step`.
    pub what: &'static str,
    /// What it is for, for the reference and for an editor's hover.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// What stands behind keys of the author's own, where it takes such.
    pub others: Option<Others>,
}

/// Keys of the author's own.
#[derive(Clone, Copy, Debug)]
pub struct Others {
    /// What they are.
    pub naming: Naming,
    /// What stands behind them.
    pub shape: Shape,
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// How it is written.
    pub name: &'static str,
    /// What stands behind it.
    pub shape: Shape,
    /// Whether the map is incomplete without it.
    pub required: bool,
    /// What holds where it is left out, in words.
    pub default: Option<&'static str>,
    /// One or two sentences for the reference and for an editor's hover.
    pub doc: &'static str,
    /// How much of it this version does.
    pub standing: Standing,
}

/// How much of a word of the language this version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is checked, and does what it says.
    Run,
    /// It is checked; what needs it is not run.
    Checked,
}

/// What keys of an author's own are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Names that expressions use: `[a-z][a-z0-9_]*`.
    Name,
    /// Ids: `[a-z][a-z0-9-]*`.
    Id,
    /// Fields of an object.
    Field,
    /// Inputs that what is called declares.
    Input,
    /// Settings that a connector declares.
    Setting,
    /// Any text.
    Text,
    /// Text in which a reference such as `${body.code}` stands.
    Reference,
}

/// What may stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Nothing at all: the key alone says it.
    Nothing,
    /// `true` or `false`.
    Boolean,
    /// A whole number from 1 to this one.
    Count(i64),
    /// A whole or fractional number.
    Number,
    /// Text as it stands, without expressions.
    Text,
    /// Text in one of the small notations.
    Noted(Notation),
    /// One of these words.
    Word(&'static [Word]),
    /// A bare expression that is true or false.
    Question,
    /// Any value; text in it may hold expressions between `${` and `}`.
    Value,
    /// A map of this kind.
    Map(&'static Mapping),
    /// A map that one of its keys tells the kind of.
    Kinds(&'static Kinds),
    /// A map of names of the author's own.
    MapOf(Naming, &'static Shape),
    /// A list.
    ListOf(&'static Shape),
    /// One of several shapes.
    OneOf(&'static [Shape]),
}

/// Text that is written in a certain way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `15s`, `1h30m`.
    Duration,
    /// The id of a flow or a connection.
    Id,
    /// The id of a flow of the project.
    Flow,
    /// The id of a sync of the project.
    Sync,
    /// A name that expressions use.
    Name,
    /// The name of a step.
    StepName,
    /// The name of a connector: `hubspot`.
    Connector,
    /// A connection's object: `crm.contacts`.
    Object,
    /// A connection's action: `crm.associate`.
    Action,
    /// A field of the object at hand.
    Field,
    /// A cron expression: `0 8 * * MON-FRI`.
    Cron,
    /// A moment: `2026-01-02T10:00:00Z`.
    Moment,
    /// A name of the tz database: `Europe/Berlin`.
    TimeZone,
    /// A number of bytes: `500MB`.
    Size,
    /// A part of a whole: `50%`.
    Share,
    /// An address and a port of this machine: `127.0.0.1:8080`.
    Address,
    /// A mail address, or an address that is told by HTTP; plain, or a variable or file that holds it.
    Recipient,
    /// A setting's value: plain, or a variable or file that holds it.
    Setting,
    /// A path of HTTP, in which references may stand.
    Path,
    /// A status of HTTP: `404`, `5xx`.
    Status,
    /// Text in which references such as `${body.id}` may stand.
    References,
}

/// One word of a list to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// How it is written.
    pub word: &'static str,
    /// What it means, in one sentence.
    pub doc: &'static str,
}

/// Words to choose from, with what the parser makes of each. Made by [`words!`](crate::words).
#[derive(Clone, Copy, Debug)]
pub struct Words<T: 'static> {
    /// The words.
    pub words: &'static [Word],
    /// What they mean to the parser; as many as there are words.
    pub values: &'static [T],
}

/// Maps of which one key tells the kind.
#[derive(Debug)]
pub struct Kinds {
    /// What messages call such a map: `a step`.
    pub what: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The kinds. The first that is told by a key of the map is its kind.
    pub kinds: &'static [KindOfMap],
}

/// One kind of map.
#[derive(Clone, Copy, Debug)]
pub struct KindOfMap {
    /// The keys that tell it; any of them suffices.
    pub told_by: &'static [&'static str],
    /// The whole map.
    pub mapping: &'static Mapping,
    /// How much of it this version does.
    pub standing: Standing,
    /// The name whose references may stand in place of any value in it: `inputs`, in a template.
    pub stand_in: Option<&'static str>,
}

impl KindOfMap {
    /// A kind that this version runs.
    pub const fn new(told_by: &'static [&'static str], mapping: &'static Mapping) -> Self {
        Self { told_by, mapping, standing: Standing::Run, stand_in: None }
    }

    /// The same, of which this version does so much.
    pub const fn standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// The same, where references to this name may stand in place of any value.
    pub const fn stand_in(mut self, name: &'static str) -> Self {
        self.stand_in = Some(name);
        self
    }
}

impl Mapping {
    /// A map with these keys and no others.
    pub const fn new(what: &'static str, doc: &'static str, keys: &'static [Key]) -> Self {
        Self { what, doc, keys, others: None }
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The keys that a check accepts, in order.
    pub fn known(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }

    /// This map, and every map that may stand somewhere in it, each once and in the order of a first reading.
    pub fn with_all_below(&'static self) -> Vec<&'static Mapping> {
        let mut found = vec![self];
        let mut at = 0;
        while let Some(mapping) = found.get(at).copied() {
            let others = mapping.others.iter().map(|others| others.shape);
            for shape in mapping.keys.iter().map(|key| key.shape).chain(others) {
                shape.each_mapping(&mut |below| {
                    if !found.iter().any(|known| std::ptr::eq(*known, below)) {
                        found.push(below);
                    }
                });
            }
            at += 1;
        }
        found
    }

    /// Whether a check accepts the key.
    pub fn knows(&self, name: &str) -> bool {
        self.known().any(|known| known == name)
    }
}

impl Shape {
    /// Hands over the maps that it has in it, without those in them.
    fn each_mapping(self, found: &mut dyn FnMut(&'static Mapping)) {
        match self {
            Self::Map(mapping) => found(mapping),
            Self::Kinds(kinds) => kinds.kinds.iter().for_each(|kind| found(kind.mapping)),
            Self::MapOf(_, inner) | Self::ListOf(inner) => inner.each_mapping(found),
            Self::OneOf(shapes) => shapes.iter().for_each(|shape| shape.each_mapping(found)),
            Self::Nothing
            | Self::Boolean
            | Self::Count(_)
            | Self::Number
            | Self::Text
            | Self::Noted(_)
            | Self::Word(_)
            | Self::Question
            | Self::Value => {}
        }
    }
}

/// A key that may be left out, and that this version runs.
pub const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: false, default: None, doc, standing: Standing::Run }
}

impl Key {
    /// The same, where the map is incomplete without it.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same, with what holds where it is left out.
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The same, of which this version does so much.
    pub const fn standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }
}

impl Word {
    /// A word, and what it means.
    pub const fn new(word: &'static str, doc: &'static str) -> Self {
        Self { word, doc }
    }
}

impl<T: Copy + PartialEq> Words<T> {
    /// What the word means to the parser.
    pub fn value(&self, word: &str) -> Option<T> {
        self.pairs().find(|(known, _)| *known == word).map(|(_, value)| value)
    }

    /// How the value is written.
    pub fn word(&self, value: T) -> Option<&'static str> {
        self.pairs().find(|(_, known)| *known == value).map(|(word, _)| word)
    }

    /// The words with what they mean, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, T)> + use<T> {
        self.words.iter().zip(self.values).map(|(word, value)| (word.word, *value))
    }
}

/// Words to choose from: how each is written, what the parser makes of it, and what it means.
///
/// ```
/// millrace_text::words! {
///     /// Whether it is loud.
///     pub const VOLUME: bool = {
///         "loud" => true, "Everybody hears it.";
///         "quiet" => false, "Nobody does.";
///     };
/// }
/// assert_eq!(VOLUME.value("quiet"), Some(false));
/// ```
#[macro_export]
macro_rules! words {
    ($($(#[$attribute:meta])* $visibility:vis const $constant:ident: $type:ty = {
        $($word:literal => $value:expr, $doc:literal;)*
    };)*) => {
        $(
            $(#[$attribute])*
            $visibility const $constant: $crate::grammar::Words<$type> = $crate::grammar::Words {
                words: &[$($crate::grammar::Word::new($word, $doc)),*],
                values: &[$($value),*],
            };
        )*
    };
}
