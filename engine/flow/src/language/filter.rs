//! Filters: which records are meant, as data.

use super::{Mapping, Naming, Others, Shape, key};

/// A filter, wherever one stands.
pub static FILTER: Mapping = Mapping {
    what: "a filter",
    doc: "Which records are meant: fields with the values they must have, all of which must hold. What a service can \
          decide itself is sent along, and every record is checked again here. An option is written by its value or its \
          label, as in `set` and in comparisons; in `let` and `lookup`, by its value, which records hold.",
    keys: &[
        key("all", Shape::ListOf(&Shape::Map(&FILTER)), "Filters that must all hold."),
        key("any", Shape::ListOf(&Shape::Map(&FILTER)), "Filters of which one must hold."),
    ],
    others: Some(Others { naming: Naming::Field, shape: Shape::OneOf(&[SCALAR, Shape::Map(&COMPARISONS)]) }),
};

/// What a field is compared with, beyond equality.
pub static COMPARISONS: Mapping = Mapping::new(
    "a comparison",
    "How a field is compared. Several comparisons of one field must all hold.",
    &[
        key("eq", Shape::Value, "Equal to this; `{stage: won}` is short for `{stage: {eq: won}}`."),
        key("not", Shape::Value, "Not equal to this. An empty field is not equal to any value."),
        key("gt", Shape::Value, "Greater, or later, than this."),
        key("gte", Shape::Value, "Greater than this, or equal."),
        key("lt", Shape::Value, "Less, or earlier, than this."),
        key("lte", Shape::Value, "Less than this, or equal."),
        key("between", Shape::ListOf(&Shape::Value), "From the first to the second of these two, both included."),
        key("in", Shape::OneOf(&[Shape::ListOf(&Shape::Value), Shape::Text]), "One of these values."),
        key("contains", Shape::Value, "Has this in it: a part of a text, or an item of a list."),
        key("exists", Shape::Boolean, "`true`: the field has a value. `false`: it is empty."),
    ],
);

/// A value that is no list and no map; nothing asks for an empty field.
const SCALAR: Shape = Shape::OneOf(&[Shape::Nothing, Shape::Boolean, Shape::Number, Shape::Text]);
