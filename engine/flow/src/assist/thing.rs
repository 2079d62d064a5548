//! What stands at a cursor: a word of the language, or the name of something that is defined elsewhere.

use sdk::{ConnectionName, Field, FlowId, Setting};
use text::Span;

use super::about::Template;
use super::expression;
use super::members::Member;
use super::names::{self, Meaning, Name, Object};
use super::place::{self, Holds, Place, Slot, Stop};
use super::propose::{is_comparison, pairs, target};
use super::{Cursor, Surroundings, about};
use crate::expr::helpers::{self, Helper};
use crate::language::{Document, Key, MAPPED, Mapping, Naming, Notation, Shape, Word};

/// What stands at a cursor.
#[derive(Clone, Debug)]
pub(super) enum Thing<'a> {
    /// A key of the language, and the map that it tells the kind of, if it does.
    Key(&'static Key, Option<&'static Mapping>),
    /// A word that a key chooses from.
    Word(&'static Word),
    /// A connection.
    Connection(ConnectionName),
    /// A connector.
    Connector(String),
    /// An object.
    Object(Object),
    /// An action.
    Action(Object),
    /// A flow.
    Flow(FlowId),
    /// A field of an object.
    Field(Object, String),
    /// One of a field's options.
    Choice(&'a Field, String),
    /// A name that expressions see.
    Name(Name<'a>),
    /// A part of a value.
    Member(Member<'a>),
    /// A function, in each of its forms.
    Function(Vec<&'static Helper>),
    /// A setting of a connector.
    Setting(&'static Setting),
}

/// What stands at the cursor, and where. `outline` is the document's.
pub(super) fn find<'a>(
    outline: &'a text::Node,
    cursor: Cursor<'_>,
    around: &Surroundings<'a>,
) -> Option<(Span, Thing<'a>)> {
    let place = place::find(outline, cursor)?;
    match place.slot {
        Slot::Key { span, holds, .. } => Some((span, key(&place, cursor.file.slice(span), holds, around)?)),
        Slot::Value { node, shapes } => {
            if let Some(range) = expression::range(cursor.file, &place, cursor.offset) {
                if matches!(cursor.document, Document::Connections | Document::Settings) {
                    return None;
                }
                return in_expression(&place, cursor, &range, around);
            }
            if let Some(named) = pairs::named(&place, &cursor.file.text, cursor.offset) {
                return Some((named.span, Thing::Field(named.object, cursor.file.slice(named.span).to_owned())));
            }
            let quote = usize::from(cursor.file.slice(node.span).starts_with(['"', '\'']));
            let text = node.as_text()?;
            let begin = node.span.start + quote;
            shapes.each().into_iter().find_map(|shape| match shape {
                Shape::Word(words) => {
                    words.iter().find(|word| word.word == text).map(|word| (node.span, Thing::Word(word)))
                }
                Shape::Noted(notation) => noted(&place, notation, text, begin, cursor.offset, around)
                    .map(|(span, thing)| (span.unwrap_or(node.span), thing)),
                Shape::Text if is_mapped(&place) => {
                    Some((node.span, Thing::Field(source_of_mapping(&place)?, text.to_owned())))
                }
                Shape::Text if place.entries().next().is_some_and(|entry| entry.key.text == "from") => {
                    Some((node.span, Thing::Flow(about::template_id(text)?)))
                }
                Shape::Value | Shape::Text => {
                    let name = place.entries().map(|entry| entry.key.text.as_str()).find(|key| !is_comparison(key))?;
                    let field = around.schema(&target(&place, around)?)?.fields.get(name)?;
                    let is_option = field.options.iter().any(|option| option.value == text);
                    is_option.then(|| (node.span, Thing::Choice(field, text.to_owned())))
                }
                Shape::Nothing
                | Shape::Boolean
                | Shape::Count(_)
                | Shape::Number
                | Shape::Question
                | Shape::Map(_)
                | Shape::Kinds(_)
                | Shape::MapOf(..)
                | Shape::ListOf(_)
                | Shape::OneOf(_) => None,
            })
        }
    }
}

fn key<'a>(place: &Place<'a>, written: &str, holds: Holds, around: &Surroundings<'a>) -> Option<Thing<'a>> {
    let name = written.trim_matches(['"', '\'']);
    let declared = match holds {
        Holds::Keys(mapping) => mapping.key(name).map(|key| {
            let tells = mapping.keys.first().is_some_and(|first| first.name == name);
            (key, tells.then_some(mapping))
        }),
        Holds::Kinds(kinds) => kinds.kinds.iter().find_map(|kind| Some((kind.mapping.key(name)?, Some(kind.mapping)))),
        Holds::Names(..) | Holds::Anything => None,
    };
    if let Some((key, mapping)) = declared {
        return Some(Thing::Key(key, mapping));
    }
    let (naming, shape) = match holds {
        Holds::Keys(mapping) => mapping.others.map(|others| (others.naming, others.shape))?,
        Holds::Names(naming, shape) => (naming, *shape),
        Holds::Kinds(_) | Holds::Anything => return None,
    };
    match naming {
        Naming::Field => Some(Thing::Field(target(place, around)?, name.to_owned())),
        Naming::Setting => {
            let connector = entry(place, "connector")?;
            (around.settings)(&connector).iter().find(|setting| setting.name == name).map(Thing::Setting)
        }
        Naming::Id if matches!(shape, Shape::Noted(Notation::Connector)) => {
            Some(Thing::Connection(ConnectionName::new(name)))
        }
        Naming::Input if place.root.get("from").is_some() => {
            let template = Template::of(place.root, around)?;
            let (_, declared) = template.inputs().find(|(input, _)| *input == name)?;
            Some(Thing::Member(super::members::input(name, declared)))
        }
        Naming::Input => {
            let action = Object::read(&entry(place, "do")?)?;
            let input = around.action(&action)?.input(name)?;
            let kind = super::members::kind_of(input.field_type);
            Some(Thing::Member(super::members::part(name, kind, &input.help)))
        }
        Naming::Id | Naming::Name | Naming::Text | Naming::Reference => None,
    }
}

fn noted<'a>(
    place: &Place<'a>,
    notation: Notation,
    text: &str,
    begin: usize,
    offset: usize,
    around: &Surroundings<'a>,
) -> Option<(Option<Span>, Thing<'a>)> {
    match notation {
        Notation::Object | Notation::Action => {
            let object = Object::read(text)?;
            let dot = begin + object.connection.as_str().len();
            if offset <= dot {
                return Some((Some(Span::new(begin, dot)), Thing::Connection(object.connection)));
            }
            let span = Span::new(dot + 1, begin + text.len());
            let thing = if notation == Notation::Object { Thing::Object(object) } else { Thing::Action(object) };
            Some((Some(span), thing))
        }
        Notation::Flow | Notation::Sync => Some((None, Thing::Flow(FlowId::new(text)))),
        Notation::Connector => Some((None, Thing::Connector(text.to_owned()))),
        Notation::Field => Some((None, Thing::Field(target(place, around)?, text.to_owned()))),
        Notation::Setting => {
            let name = &place.entries().next()?.key.text;
            let connector = entry(place, "connector")?;
            let setting = (around.settings)(&connector).iter().find(|setting| setting.name == name)?;
            Some((None, Thing::Setting(setting)))
        }
        Notation::Duration
        | Notation::Id
        | Notation::Name
        | Notation::StepName
        | Notation::Cron
        | Notation::Moment
        | Notation::TimeZone
        | Notation::Size
        | Notation::Address
        | Notation::Recipient
        | Notation::Share
        | Notation::Path
        | Notation::Status
        | Notation::References => None,
    }
}

fn in_expression<'a>(
    place: &Place<'a>,
    cursor: Cursor<'_>,
    range: &std::ops::Range<usize>,
    around: &Surroundings<'a>,
) -> Option<(Span, Thing<'a>)> {
    let here = expression::around(cursor.file, range, cursor.offset);
    let names = names::seen(place);
    let word = cursor.file.slice(here.word);
    if let Some([root, field]) = here.compared.as_deref() {
        let Meaning::Record(Some(object)) = &names::find(&names, root)?.means else { return None };
        let field = around.schema(object)?.fields.get(field)?;
        let is_option = field.options.iter().any(|option| option.value == word);
        return is_option.then(|| (here.word, Thing::Choice(field, word.to_owned())));
    }
    if here.in_text || word.is_empty() {
        return None;
    }
    let functions = || {
        let found: Vec<_> = helpers::all().filter(|helper| helper.name == word).collect();
        (!found.is_empty()).then_some(Thing::Function(found))
    };
    if here.is_called {
        return Some((here.word, functions()?));
    }
    let Some((root, path)) = here.path.split_first() else {
        return Some((here.word, Thing::Name(names::find(&names, word)?.clone())));
    };
    let name = names::find(&names, root)?;
    if let (Meaning::Record(Some(object)), []) = (&name.means, path)
        && !["id", "meta"].contains(&word)
    {
        return Some((here.word, Thing::Field(object.clone(), word.to_owned())));
    }
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let member = around.members(&name.means, &path).into_iter().find(|member| member.text == word)?;
    Some((here.word, Thing::Member(member)))
}

/// Whether the place names a field of what is mapped.
pub(super) fn is_mapped(place: &Place<'_>) -> bool {
    let mut entries = place.entries();
    match (entries.next(), entries.next()) {
        (Some(entry), _) if entry.key.text == "from" => place.trail.iter().any(
            |stop| matches!(stop, Stop::Map { holds: Holds::Keys(mapping), .. } if std::ptr::eq(*mapping, &MAPPED)),
        ),
        (Some(_), Some(outer)) => outer.key.text == "mapping",
        (Some(_) | None, _) => false,
    }
}

/// The object whose fields a `mapping` takes.
pub(super) fn source_of_mapping(place: &Place<'_>) -> Option<Object> {
    if let Meaning::Record(object) = mapped(place)?.means { object } else { None }
}

/// What a `mapping` takes its fields from.
pub(super) fn mapped<'a>(place: &Place<'a>) -> Option<Name<'a>> {
    let source = entry(place, "source");
    let named = source.as_deref().and_then(|text| Some(text.trim().strip_prefix("${")?.strip_suffix('}')?.trim()));
    names::find(&names::seen(place), named.unwrap_or("record")).cloned()
}

/// The text behind this key in the innermost map that has one.
pub(super) fn entry(place: &Place<'_>, key: &str) -> Option<String> {
    place.trail.iter().rev().find_map(|stop| match stop {
        Stop::Map { map, .. } => map.get(key)?.value.as_text().map(str::to_owned),
        Stop::List { .. } => None,
    })
}
