//! The fields of the stand-in's objects, and which values they take.

use serde_json::{Value as Json, json};

/// The objects there are.
pub(super) const OBJECTS: [&str; 2] = ["organizations", "persons"];

/// A field that the account added, labelled "Favourite colour": one of two options.
pub const FAVOURITE_COLOUR: &str = "9dc80c50d78a15643bfc4ca79d76156a73a1ca0e";

/// Definitions, as the service lists them.
pub(super) fn of(object: &str) -> Vec<Json> {
    let field = |key: &str, name: &str, kind: &str, custom: bool| json!({ "key": key, "name": name, "field_type": kind, "edit_flag": custom, "bulk_edit_allowed": true });
    let kept = |key: &str, name: &str, kind: &str| json!({ "key": key, "name": name, "field_type": kind, "edit_flag": false, "bulk_edit_allowed": false });
    let mut all = vec![
        kept("id", "ID", "int"),
        field("name", "Name", "varchar", false),
        kept("add_time", "Created", "date"),
        kept("update_time", "Updated", "date"),
    ];
    if object == "persons" {
        all.push(field("email", "Email", "varchar", false));
        all.push(field("phone", "Phone", "phone", false));
        let mut colour = field(FAVOURITE_COLOUR, "Favourite colour", "enum", true);
        colour["options"] = json!([{ "id": 27, "label": "Red" }, { "id": 28, "label": "Green" }]);
        all.push(colour);
        all.push(field("b1e9f0a2c3d4e5f60718293a4b5c6d7e8f901234", "Score", "double", true));
    }
    all
}

/// Whether the service would take these fields.
pub(super) fn judge(object: &str, body: &Json) -> Result<(), (u16, String)> {
    let known =
        |key: &str, custom: bool| of(object).iter().any(|field| field["key"] == key && field["edit_flag"] == custom);
    for (key, value) in body.as_object().into_iter().flatten() {
        let is_list = value.as_array().is_some_and(|items| items.iter().all(|item| item["value"].is_string()));
        let is_right = match key.as_str() {
            "emails" | "phones" => is_list && object == "persons",
            "email" | "phone" | "id" | "add_time" | "update_time" => false,
            "custom_fields" => value.as_object().is_some_and(|custom| custom.keys().all(|key| known(key, true))),
            other => known(other, false),
        };
        if !is_right {
            return Err((400, format!("Parameter '{key}' is not allowed here")));
        }
    }
    let colour = &body["custom_fields"][FAVOURITE_COLOUR];
    if !colour.is_null() && colour != 27 && colour != 28 {
        return Err((400, format!("custom_fields.{FAVOURITE_COLOUR} must be one of its options")));
    }
    Ok(())
}
