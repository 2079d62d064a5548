//! Where what stands at a cursor is defined.

use text::Span;

use super::thing::{self, Thing};
use super::{Cursor, Definition, Surroundings};

/// Where the thing at the cursor is defined, and where it stands; `None` for what the language itself brings.
pub fn leads_to(cursor: Cursor<'_>, around: &Surroundings<'_>) -> Option<(Span, Definition)> {
    let outline = text::outline(cursor.file)?;
    let (span, thing) = thing::find(&outline, cursor, around)?;
    let definition = match thing {
        Thing::Connection(name) => Definition::Connection(name),
        Thing::Object(object) => {
            Definition::Object { connection: object.connection, object: object.object, field: None }
        }
        Thing::Field(object, field) => {
            Definition::Object { connection: object.connection, object: object.object, field: Some(field) }
        }
        Thing::Action(action) => Definition::Connection(action.connection),
        Thing::Flow(id) => Definition::Flow(id),
        Thing::Name(name) => Definition::Here(name.made_at?),
        Thing::Key(..)
        | Thing::Word(_)
        | Thing::Connector(_)
        | Thing::Choice(..)
        | Thing::Member(_)
        | Thing::Function(_)
        | Thing::Setting(_) => return None,
    };
    Some((span, definition))
}
