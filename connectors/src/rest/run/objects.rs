//! The fields of each resource as the account has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use sdk::{Class, Error, Field, FieldOption, FieldType, ObjectSchema};
use serde_json::Value as Json;

use super::RestConnection;
use super::failure::Purpose;
use super::listing::Pages;
use crate::rest::manifest::{Conditions, Discover, FieldSource, OptionsOf, Resource, StaticField};
use crate::rest::template::{Root, Scope, Template};

/// A resource as it was discovered.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) schema: ObjectSchema,
    /// What the service calls fields that flows call otherwise.
    keys: BTreeMap<String, String>,
    /// Fields that the account added, where the service keeps them apart.
    custom: BTreeSet<String>,
    /// Fields that search compares by rules of its own.
    unsearchable: BTreeSet<String>,
}

impl Object {
    /// The field of this name; a name the object does not have is a mistake of the author's.
    pub(super) fn field(&self, name: &str) -> Result<&Field, Error> {
        self.schema
            .fields
            .get(name)
            .ok_or_else(|| Error::new(Class::Invalid, format!("{} have no field `{name}`", self.schema.name)))
    }

    /// What the service calls a field.
    pub(super) fn key<'a>(&'a self, name: &'a str) -> &'a str {
        self.keys.get(name).map_or(name, String::as_str)
    }

    /// Whether the account added it.
    pub(super) fn is_custom(&self, name: &str) -> bool {
        self.custom.contains(name)
    }

    /// Whether search finds this field's exact values.
    pub(super) fn is_searchable(&self, name: &str) -> bool {
        !self.unsearchable.contains(name)
    }

    /// Whether the service keeps its values unique.
    pub(super) fn is_unique(&self, name: &str) -> bool {
        self.schema.fields.get(name).is_some_and(|field| field.unique)
    }
}

/// What was discovered so far, by which later values are typed.
#[derive(Default)]
pub(super) struct Objects(Mutex<BTreeMap<String, Arc<Object>>>);

impl Objects {
    /// What is known without asking.
    pub(super) fn peek(&self, name: &str) -> Option<Arc<Object>> {
        self.known().get(name).map(Arc::clone)
    }

    /// Takes these fields for an object's, for estimates: what the service calls them is not known.
    pub(super) fn assume(&self, schema: &ObjectSchema) {
        let object = Object {
            schema: schema.clone(),
            keys: BTreeMap::new(),
            custom: BTreeSet::new(),
            unsearchable: BTreeSet::new(),
        };
        self.keep(&schema.name, &Arc::new(object));
    }

    fn keep(&self, name: &str, object: &Arc<Object>) {
        self.known().insert(name.to_owned(), Arc::clone(object));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Object>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RestConnection {
    /// Asks the service, and keeps what it says.
    pub(super) async fn discovered(&self, name: &str) -> Result<Arc<Object>, Error> {
        let resource = self.resource(name)?;
        let object = match &resource.fields.source {
            FieldSource::Discover(discover) => {
                let items = self.definitions(discover).await?;
                object(resource, items.iter().filter_map(|item| defined(resource, discover, item)))
            }
            FieldSource::Static(fields) => unchanging(resource, fields),
        };
        let object = Arc::new(object);
        self.objects.keep(name, &object);
        Ok(object)
    }

    /// The object with all of these fields: as kept, or asked anew where it is not known or lacks one that may have
    /// been added since.
    pub(super) async fn with_fields<'a>(
        &self,
        name: &str,
        fields: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Arc<Object>, Error> {
        let missing = |object: &Object| fields.clone().find_map(|field| object.field(field).err());
        if let Some(object) = self.objects.peek(name)
            && missing(&object).is_none()
        {
            return Ok(object);
        }
        let object = self.discovered(name).await?;
        match missing(&object) {
            Some(error) => Err(error),
            None => Ok(object),
        }
    }

    async fn definitions(&self, discover: &Discover) -> Result<Vec<Json>, Error> {
        let mut pages = Pages::new(&discover.page);
        let mut all = Vec::new();
        loop {
            let scope = Scope::default().with(Root::Page, pages.scope());
            let answer = self.client.call(&discover.request, scope, Purpose::Read, &[]).await?;
            let scope = Scope::default().with(Root::Body, &answer.body);
            let items = discover.items.list(&scope).ok_or_else(|| {
                self.odd_answer(&format!("lists no fields: it has no `{}`", discover.items.last_name()))
            })?;
            all.extend(items.iter().cloned());
            if !self.turned(&mut pages, &answer, &items)? {
                return Ok(all);
            }
        }
    }
}

/// A field as the service defines it.
struct Defined {
    key: String,
    field: Field,
    custom: bool,
    searchable: bool,
}

/// What the manifest itself says of a resource's fields, where every account has the same.
pub(in crate::rest) fn declared(resource: &Resource) -> Option<ObjectSchema> {
    match &resource.fields.source {
        FieldSource::Discover(_) => None,
        FieldSource::Static(fields) => Some(unchanging(resource, fields).schema),
    }
}

fn unchanging(resource: &Resource, fields: &[StaticField]) -> Object {
    let defined = |known: &StaticField| {
        let field = Field {
            name: known.name.clone(),
            label: known.name.clone(),
            description: None,
            group: None,
            field_type: known.field_type,
            options: Vec::new(),
            read_only: known.read_only,
            unique: false,
            required: false,
        };
        Defined { key: known.name.clone(), field, custom: false, searchable: true }
    };
    object(resource, fields.iter().map(defined))
}

fn object(resource: &Resource, defined: impl Iterator<Item = Defined>) -> Object {
    let mut defined: Vec<Defined> = defined.collect();
    distinguish(&mut defined);
    let mut object = Object {
        schema: ObjectSchema {
            name: resource.name.clone(),
            fields: BTreeMap::new(),
            required_one_of: resource.fields.required_one_of.clone(),
            unique_together: Vec::new(),
            modified_field: resource.stamps.modified.as_ref().map(|stamp| stamp.field.clone()),
            created_field: resource.stamps.created.as_ref().map(|stamp| stamp.field.clone()),
        },
        keys: BTreeMap::new(),
        custom: BTreeSet::new(),
        unsearchable: BTreeSet::new(),
    };
    for Defined { key, mut field, custom, searchable } in defined {
        field.unique |= resource.fields.unique.contains(&field.name);
        field.required |= resource.fields.required.contains(&field.name);
        let name = field.name.clone();
        if custom {
            object.custom.insert(name.clone());
        }
        if !searchable {
            object.unsearchable.insert(name.clone());
        }
        if key != name {
            object.keys.insert(name.clone(), key);
        }
        object.schema.fields.insert(name, field);
    }
    object
}

/// Gives fields that would be called the same a part of their key as well. None keeps the short name: which one it
/// meant could change without anybody noticing.
fn distinguish(defined: &mut [Defined]) {
    let mut n_called: BTreeMap<String, usize> = BTreeMap::new();
    for one in defined.iter() {
        *n_called.entry(one.field.name.clone()).or_default() += 1;
    }
    for one in defined.iter_mut() {
        let is_renamed = one.field.name != one.key;
        if is_renamed && n_called.get(&one.field.name).is_some_and(|n| *n > 1) {
            let part: String = one.key.chars().take(8).collect();
            one.field.name = format!("{}_{part}", one.field.name);
        }
    }
}

fn defined(resource: &Resource, discover: &Discover, item: &Json) -> Option<Defined> {
    let scope = Scope::default().with(Root::Item, item);
    let any = |conditions: &[Conditions]| conditions.iter().any(|conditions| conditions.hold(&scope));
    let key = discover.key.text(&scope).filter(|key| !key.is_empty())?;
    if any(&discover.leave_out) {
        return None;
    }
    let custom = any(&discover.custom);
    let told = |template: &Option<Template>| template.as_ref()?.text(&scope).filter(|text| !text.is_empty());
    let readable = discover.custom_name.as_ref().filter(|_| custom).and_then(|name| name.text(&scope));
    let name = readable.filter(|name| !name.is_empty()).unwrap_or_else(|| key.clone());
    let fitting = discover.types.iter().find(|(conditions, _)| conditions.hold(&scope));
    let field_type = fitting.map_or(FieldType::Any, |(_, field_type)| *field_type);
    let options = match field_type {
        FieldType::Choice | FieldType::Choices => {
            discover.options.as_ref().map(|of| options(of, &scope)).unwrap_or_default()
        }
        FieldType::Text
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::Moment
        | FieldType::Any => Vec::new(),
    };
    let field = Field {
        label: told(&discover.label).unwrap_or_else(|| name.clone()),
        description: told(&discover.description),
        group: told(&discover.group),
        name,
        field_type,
        options,
        read_only: any(&discover.read_only),
        unique: any(&discover.unique),
        required: resource.fields.required.contains(&key),
    };
    Some(Defined { key, field, custom, searchable: !any(&discover.unsearchable) })
}

fn options(of: &OptionsOf, scope: &Scope<'_>) -> Vec<FieldOption> {
    let items = of.items.list(scope).unwrap_or_default();
    let option = |item: &Json| {
        let scope = Scope::default().with(Root::Option, item);
        let value = of.value.text(&scope)?;
        let label = of.label.as_ref().and_then(|label| label.text(&scope)).unwrap_or_else(|| value.clone());
        Some(FieldOption { value, label })
    };
    items.iter().filter_map(option).collect()
}
