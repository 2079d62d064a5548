//! How an object of today differs from the one that was pulled.

use sdk::{Field, FieldType, ObjectSchema};

use crate::tables::field_type;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The field; none where it is the object as a whole.
    pub field: Option<String>,
    /// What is different.
    pub what: What,
}

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A new field.
    Added(FieldType),
    /// A field that is no longer there; perhaps it goes by this name now, for a new one has its label.
    Gone {
        /// The new field's name.
        perhaps: Option<String>,
    },
    /// People call it otherwise.
    Label {
        /// As it was.
        from: String,
        /// As it is.
        to: String,
    },
    /// It holds something else.
    Type {
        /// As it was.
        from: FieldType,
        /// As it is.
        to: FieldType,
    },
    /// It takes more values.
    OptionsAdded(Vec<String>),
    /// It no longer takes these values.
    OptionsRemoved(Vec<String>),
    /// Whether writes to it are refused.
    ReadOnly(bool),
    /// Whether its values are kept unique.
    Unique(bool),
    /// Whether a create must set it.
    Required(bool),
    /// Of which groups of fields a create must set one.
    RequiredOneOf,
    /// Which fields are unique together.
    UniqueTogether,
    /// By which fields records are stamped.
    Stamps,
}

impl What {
    /// A word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Gone { .. } => "gone",
            Self::Label { .. } => "label",
            Self::Type { .. } => "type",
            Self::OptionsAdded(_) => "options_added",
            Self::OptionsRemoved(_) => "options_removed",
            Self::ReadOnly(_) => "read_only",
            Self::Unique(_) => "unique",
            Self::Required(_) => "required",
            Self::RequiredOneOf => "required_one_of",
            Self::UniqueTogether => "unique_together",
            Self::Stamps => "stamps",
        }
    }

    /// What happened, after the field's name.
    pub fn told(&self) -> String {
        let list = |values: &[String]| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Added(of) => format!("is new: {}", field_type(*of)),
            Self::Gone { perhaps: None } => "is gone".to_owned(),
            Self::Gone { perhaps: Some(name) } => format!("is gone; `{name}` is new and has its label"),
            Self::Label { from, to } => format!("is called \"{to}\" now, not \"{from}\""),
            Self::Type { from, to } => format!("is {} now, not {}", field_type(*to), field_type(*from)),
            Self::OptionsAdded(values) => format!("takes {} as well", list(values)),
            Self::OptionsRemoved(values) => format!("no longer takes {}", list(values)),
            Self::ReadOnly(true) => "is read only now".to_owned(),
            Self::ReadOnly(false) => "can be written now".to_owned(),
            Self::Unique(true) => "is unique now".to_owned(),
            Self::Unique(false) => "is no longer unique".to_owned(),
            Self::Required(true) => "must be set by creates now".to_owned(),
            Self::Required(false) => "need not be set by creates any more".to_owned(),
            Self::RequiredOneOf => "creates must set other fields now".to_owned(),
            Self::UniqueTogether => "other fields are unique together now".to_owned(),
            Self::Stamps => "records are stamped by other fields now".to_owned(),
        }
    }

    /// What that means for flows that use the field; nothing where it means nothing to them.
    pub fn consequence(&self) -> Option<&'static str> {
        match self {
            Self::Gone { .. } => Some("reads of it find nothing, and writes that set it are refused"),
            Self::Type { .. } => Some("its values come, and are taken, as another type"),
            Self::OptionsRemoved(_) => Some("writes of these values are refused, and no record has them"),
            Self::ReadOnly(true) => Some("writes that set it are refused"),
            Self::Unique(false) | Self::UniqueTogether => {
                Some("matching by it may find several records, and looks for them first")
            }
            Self::Required(true) | Self::RequiredOneOf => Some("creates without it are refused"),
            Self::Stamps => Some("polls go by another stamp, and begin anew"),
            Self::Added(_)
            | Self::Label { .. }
            | Self::OptionsAdded(_)
            | Self::ReadOnly(false)
            | Self::Unique(true)
            | Self::Required(false) => None,
        }
    }

    /// Whether it concerns every place that uses the field; else only those of which `check` says so.
    pub fn hits_every_use(&self) -> bool {
        match self {
            Self::Gone { .. } | Self::Type { .. } | Self::OptionsRemoved(_) => true,
            Self::Added(_)
            | Self::Label { .. }
            | Self::OptionsAdded(_)
            | Self::ReadOnly(_)
            | Self::Unique(_)
            | Self::Required(_)
            | Self::RequiredOneOf
            | Self::UniqueTogether
            | Self::Stamps => false,
        }
    }
}

/// Every difference, by field, those of the object as a whole last.
pub fn between(before: &ObjectSchema, now: &ObjectSchema) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut add = |field: &str, what: What| changes.push(Change { field: Some(field.to_owned()), what });
    for (name, was) in &before.fields {
        match now.fields.get(name) {
            None => {
                let perhaps = now.fields.values().find(|new| {
                    !before.fields.contains_key(&new.name) && !new.label.is_empty() && new.label == was.label
                });
                add(name, What::Gone { perhaps: perhaps.map(|new| new.name.clone()) });
            }
            Some(is) => of_field(was, is).into_iter().for_each(|what| add(name, what)),
        }
    }
    let new = now.fields.values().filter(|field| !before.fields.contains_key(&field.name));
    new.for_each(|field| add(&field.name, What::Added(field.field_type)));
    changes.sort_by(|left, right| left.field.cmp(&right.field));
    let stamps = |schema: &ObjectSchema| (schema.modified_field.clone(), schema.created_field.clone());
    let of_object = [
        (before.required_one_of != now.required_one_of, What::RequiredOneOf),
        (before.unique_together != now.unique_together, What::UniqueTogether),
        (stamps(before) != stamps(now), What::Stamps),
    ];
    changes.extend(of_object.into_iter().filter_map(|(is_so, what)| is_so.then_some(Change { field: None, what })));
    changes
}

fn of_field(was: &Field, is: &Field) -> Vec<What> {
    let mut changes = Vec::new();
    if was.label != is.label {
        changes.push(What::Label { from: was.label.clone(), to: is.label.clone() });
    }
    if was.field_type != is.field_type {
        changes.push(What::Type { from: was.field_type, to: is.field_type });
    }
    let missing_in = |these: &Field, those: &Field| -> Vec<String> {
        let values = those.options.iter().map(|option| option.value.clone());
        values.filter(|value| !these.options.iter().any(|option| option.value == *value)).collect()
    };
    let (added, removed) = (missing_in(was, is), missing_in(is, was));
    changes.extend((!added.is_empty()).then_some(What::OptionsAdded(added)));
    changes.extend((!removed.is_empty()).then_some(What::OptionsRemoved(removed)));
    let flags = [
        (was.read_only, is.read_only, What::ReadOnly(is.read_only)),
        (was.unique, is.unique, What::Unique(is.unique)),
        (was.required, is.required, What::Required(is.required)),
    ];
    changes.extend(flags.into_iter().filter(|(was, is, _)| was != is).map(|(_, _, what)| what));
    changes
}

#[cfg(test)]
mod tests {
    use sdk::FieldOption;

    use super::*;

    fn field(name: &str, field_type: FieldType) -> Field {
        let options = Vec::new();
        let (label, name) = (format!("The {name}"), name.to_owned());
        Field {
            name,
            label,
            description: None,
            group: None,
            field_type,
            options,
            read_only: false,
            unique: false,
            required: false,
        }
    }

    fn object(fields: Vec<Field>) -> ObjectSchema {
        ObjectSchema {
            name: "contacts".to_owned(),
            fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            required_one_of: Vec::new(),
            unique_together: Vec::new(),
            modified_field: Some("changed".to_owned()),
            created_field: None,
        }
    }

    #[test]
    fn every_difference_is_told_once() {
        let options = |values: &[&str]| {
            let option = |value: &&str| FieldOption { value: (*value).to_owned(), label: String::new() };
            values.iter().map(option).collect::<Vec<_>>()
        };
        let before = object(vec![
            field("a", FieldType::Text),
            field("b", FieldType::Text),
            Field { options: options(&["x", "y"]), ..field("c", FieldType::Choice) },
            Field { label: "Region".to_owned(), unique: true, ..field("d", FieldType::Text) },
            field("e", FieldType::Text),
        ]);
        let mut now = object(vec![
            field("a", FieldType::Number),
            Field { label: "B".to_owned(), read_only: true, ..field("b", FieldType::Text) },
            Field { options: options(&["y", "z"]), ..field("c", FieldType::Choice) },
            Field { label: "Region".to_owned(), ..field("d2", FieldType::Text) },
            Field { required: true, ..field("e", FieldType::Text) },
        ]);
        now.created_field = Some("made".to_owned());
        now.required_one_of = vec![vec!["a".to_owned()]];
        let told: Vec<String> = between(&before, &now)
            .iter()
            .map(|change| format!("{} {}", change.field.as_deref().unwrap_or("-"), change.what.told()))
            .collect();
        assert_eq!(
            told,
            [
                "a is number now, not text",
                "b is called \"B\" now, not \"The b\"",
                "b is read only now",
                "c takes `z` as well",
                "c no longer takes `x`",
                "d is gone; `d2` is new and has its label",
                "d2 is new: text",
                "e must be set by creates now",
                "- creates must set other fields now",
                "- records are stamped by other fields now",
            ]
        );
        assert_eq!(between(&now, &now), []);
    }
}
