//! The properties endpoints: what an object's records may hold, and how an account's people extend it.

use std::sync::Arc;

use sdk::Timestamp;
use serde_json::{Map, Value, json};

use super::HubSpot;
use super::call::Call;
use super::definitions::{Property, PropertyOption, PropertyType};
use super::envelope::{Answer, Problem};
use super::kinds::Object;
use super::values::only_members;

const MOST_UNIQUE: usize = 10;

/// Which widgets a type may have.
const FIELD_TYPES: [(PropertyType, &[&str]); 7] = [
    (PropertyType::Bool, &["booleancheckbox", "calculation_equation", "radio", "select"]),
    (PropertyType::Date, &["date", "calculation_equation"]),
    (PropertyType::Datetime, &["date", "calculation_equation"]),
    (PropertyType::Enumeration, &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"]),
    (PropertyType::Number, &["number", "calculation_equation"]),
    (PropertyType::String, &["text", "textarea", "html", "phonenumber", "file", "calculation_equation"]),
    (PropertyType::PhoneNumber, &["phonenumber"]),
];

impl HubSpot {
    /// `GET /properties/{object}`: unpaged.
    pub(super) fn list_properties(&self, object: Object, call: &Call) -> Result<Answer, Problem> {
        let archived = call.flag("archived")?;
        // Everything here is non-sensitive; asking for the sensitive ones finds none.
        let sensitive = call.parameter("dataSensitivity").is_some_and(|level| level != "non_sensitive");
        let definitions = &self.table(object).definitions;
        let shown = definitions.properties.values().filter(|it| it.archived == archived && !sensitive);
        let results: Vec<Value> = shown.map(Property::body).collect();
        Ok(Answer::ok(json!({"results": results})))
    }

    /// `GET /properties/{object}/{name}`
    pub(super) fn get_property(&self, object: Object, name: &str, call: &Call) -> Result<Answer, Problem> {
        let archived = call.flag("archived")?;
        let property = self.table(object).definitions.properties.get(name).filter(|it| it.archived == archived);
        property.map(|property| Answer::ok(property.body())).ok_or_else(|| no_such_property(name))
    }

    /// `POST /properties/{object}`: creating an archived name restores it.
    pub(super) fn post_property(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let property = self.new_property(object, &call.json()?, now)?;
        let stamp = property.created_at;
        self.newest_stamp = self.newest_stamp.max(stamp);
        let table = self.table_mut(object);
        let body = match table.definitions.properties.get_mut(&property.name) {
            Some(archived) => {
                archived.archived = false;
                archived.updated_at = stamp;
                let body = archived.body();
                table.hold_all();
                body
            }
            None => {
                let body = property.body();
                table.definitions.properties.insert(property.name.clone(), property);
                body
            }
        };
        Ok(Answer::created(body))
    }

    /// `PATCH /properties/{object}/{name}`: options given replace the list, options not given stay.
    pub(super) fn patch_property(
        &mut self,
        object: Object,
        name: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let body = call.json()?;
        let members = ["label", "type", "fieldType", "groupName", "description", "options", "hidden", "formField"];
        only_members(&body, &members)?;
        let property = self.table(object).definitions.get(name).ok_or_else(|| no_such_property(name))?;
        if property.built_in {
            return Err(Problem::validation(format!("The definition of '{name}' is read only")));
        }
        let mut changed = property.clone();
        changed.label = text(&body, "label")?.unwrap_or(changed.label);
        changed.description = text(&body, "description")?.unwrap_or(changed.description);
        changed.group = text(&body, "groupName")?.unwrap_or(changed.group);
        if let Some(data_type) = text(&body, "type")? {
            changed.data_type = property_type(&data_type)?;
        }
        changed.field_type = text(&body, "fieldType")?.unwrap_or(changed.field_type);
        if body.contains_key("options") {
            changed.options = options(&body)?;
        }
        changed.hidden = flag(&body, "hidden")?.unwrap_or(changed.hidden);
        changed.form_field = flag(&body, "formField")?.unwrap_or(changed.form_field);
        self.check_definition(object, &changed)?;
        changed.updated_at = self.stamp(now);
        let answer = changed.body();
        self.table_mut(object).definitions.properties.insert(changed.name.clone(), changed);
        Ok(Answer::ok(answer))
    }

    /// `DELETE /properties/{object}/{name}`: archived, and 404 from then on.
    pub(super) fn delete_property(&mut self, object: Object, name: &str, now: Timestamp) -> Result<Answer, Problem> {
        let property = self.table(object).definitions.get(name).ok_or_else(|| no_such_property(name))?;
        if property.built_in {
            return Err(Problem::validation(format!("'{name}' cannot be archived")));
        }
        let stamp = self.stamp(now);
        if let Some(property) = self.table_mut(object).definitions.properties.get_mut(name) {
            property.archived = true;
            property.updated_at = stamp;
        }
        Ok(Answer::no_content())
    }

    /// `GET /properties/{object}/groups`
    pub(super) fn list_groups(&self, object: Object) -> Answer {
        let groups = &self.table(object).definitions.groups;
        let body = |(name, label): (&String, &String)| json!({"name": name, "label": label, "displayOrder": -1, "archived": false});
        Answer::ok(json!({"results": groups.iter().map(body).collect::<Vec<_>>()}))
    }

    /// `POST /properties/{object}/groups`
    pub(super) fn post_group(&mut self, object: Object, call: &Call) -> Result<Answer, Problem> {
        let body = call.json()?;
        only_members(&body, &["name", "label", "displayOrder"])?;
        let name = text(&body, "name")?.ok_or_else(|| needs("name"))?;
        let label = text(&body, "label")?.ok_or_else(|| needs("label"))?;
        let groups = &mut self.table_mut(object).definitions.groups;
        if groups.contains_key(&name) {
            // The status of this refusal is not recorded; it is taken to be that of a property.
            let message = format!("A property group named '{name}' already exists.");
            return Err(Problem::new(409, "OBJECT_ALREADY_EXISTS", message));
        }
        groups.insert(name.clone(), label.clone());
        Ok(Answer::created(json!({"name": name, "label": label, "displayOrder": -1, "archived": false})))
    }

    /// Reads a definition and checks it whole.
    fn new_property(&self, object: Object, body: &Map<String, Value>, now: Timestamp) -> Result<Property, Problem> {
        let members = [
            "name",
            "label",
            "type",
            "fieldType",
            "groupName",
            "description",
            "options",
            "hasUniqueValue",
            "hidden",
            "formField",
            "displayOrder",
            "externalOptions",
            "dataSensitivity",
        ];
        only_members(body, &members)?;
        let required = |name: &'static str| text(body, name)?.filter(|it| !it.is_empty()).ok_or_else(|| needs(name));
        let name = required("name")?;
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(fits) {
            return Err(Problem::validation(format!(
                "'{name}' is not a property name: lower-case letters, digits and underscores, beginning with a letter"
            )));
        }
        let stamp = self.server_time(now);
        let property = Property {
            name: Arc::from(name.as_str()),
            label: required("label")?,
            data_type: property_type(&required("type")?)?,
            field_type: required("fieldType")?,
            group: required("groupName")?,
            description: text(body, "description")?.unwrap_or_default(),
            options: options(body)?,
            read_only: false,
            calculated: false,
            unique: flag(body, "hasUniqueValue")?.unwrap_or(false),
            built_in: false,
            external_options: false,
            hidden: flag(body, "hidden")?.unwrap_or(false),
            form_field: flag(body, "formField")?.unwrap_or(false),
            archived: false,
            created_at: stamp,
            updated_at: stamp,
        };
        self.check_definition(object, &property)?;
        let definitions = &self.table(object).definitions;
        if definitions.get(&name).is_some() {
            let mut problem =
                Problem::new(409, "OBJECT_ALREADY_EXISTS", format!("A property named '{name}' already exists."));
            problem.more.sub_category = Some("Properties.PROPERTY_WITH_NAME_EXISTS");
            return Err(problem);
        }
        let n_unique = definitions.properties.values().filter(|it| it.unique && !it.archived).count();
        if property.unique && n_unique >= MOST_UNIQUE {
            return Err(Problem::validation(format!("An object has at most {MOST_UNIQUE} unique properties")));
        }
        Ok(property)
    }

    fn check_definition(&self, object: Object, property: &Property) -> Result<(), Problem> {
        if !self.table(object).definitions.groups.contains_key(&property.group) {
            let message = format!("Property group '{}' does not exist", property.group);
            return Err(Problem::new(400, "GROUP_DOES_NOT_EXIST", message));
        }
        let fits = |(data_type, fields): &(PropertyType, &[&str])| {
            *data_type == property.data_type && fields.contains(&property.field_type.as_str())
        };
        if !FIELD_TYPES.iter().any(fits) {
            return Err(Problem::validation(format!(
                "fieldType '{}' does not go with type '{}'",
                property.field_type,
                property.data_type.as_str()
            )));
        }
        let mut values: Vec<&str> = property.options.iter().map(|option| option.value.as_str()).collect();
        values.sort_unstable();
        if property.data_type == PropertyType::Bool && values != ["false", "true"] {
            let message = "A bool property needs exactly the options true and false";
            return Err(Problem::new(400, "INVALID_BOOLEAN_OPTION", message));
        }
        Ok(())
    }
}

fn property_type(text: &str) -> Result<PropertyType, Problem> {
    PropertyType::parse(text).ok_or_else(|| Problem::validation(format!("Invalid input JSON: '{text}' is not a type")))
}

fn options(body: &Map<String, Value>) -> Result<Vec<PropertyOption>, Problem> {
    let Some(value) = body.get("options") else { return Ok(Vec::new()) };
    let list = value.as_array().ok_or_else(|| Problem::validation("Invalid input JSON: 'options' must be a list"))?;
    list.iter()
        .map(|option| {
            let member = |name: &'static str| option.get(name).and_then(Value::as_str).ok_or_else(|| needs(name));
            Ok(PropertyOption { label: member("label")?.to_owned(), value: member("value")?.to_owned() })
        })
        .collect()
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::validation(format!("Invalid input JSON: '{name}' must be a string"))),
    }
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, Problem> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Problem::validation(format!("Invalid input JSON: '{name}' must be true or false"))),
    }
}

fn needs(name: &str) -> Problem {
    Problem::validation(format!("Invalid input JSON: some required fields were not set: [{name}]"))
}

fn no_such_property(name: &str) -> Problem {
    Problem::new(404, "OBJECT_NOT_FOUND", format!("Property '{name}' does not exist"))
}
