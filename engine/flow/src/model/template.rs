//! What templates leave to those who make flows of them.

/// What an input of a template holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A duration.
    Duration,
    /// One of the input's own options.
    Choice,
    /// The name of a field.
    Field,
    /// An option of a field.
    Option,
    /// Which fields become which.
    Mapping,
    /// Which records count.
    Filter,
    /// The rules of a route.
    Rules,
    /// An owner of records.
    Owner,
    /// A list that a service keeps.
    List,
    /// Names and values.
    Object,
}
