//! What a manifest says, once there is nothing left to doubt in it.
//!
//! Everything here is data: templates are read, references are checked for where they stand, names are found.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::{Applied, Class, Cost, FieldType, IdOrder, Method};
use serde_json::Value as Json;

use super::limits::Limit;
use super::pattern::Pattern;
use super::template::{Root, Template};

mod action;
mod auth;

pub(super) use action::{Action, ResultOf};
pub(super) use auth::{Auth, AuthKind, ClientIn, Grant, OAuth2};

/// A whole manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) title: String,
    /// What messages call the service.
    pub(super) service: String,
    pub(super) base_url: Template,
    pub(super) min_interval: Duration,
    pub(super) ids: IdOrder,
    pub(super) config: Vec<Setting>,
    pub(super) auth: Vec<Auth>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) check: Vec<Check>,
    pub(super) vars: Vec<Var>,
    pub(super) limits: Vec<Limit>,
    pub(super) errors: Errors,
    /// Sorted by name.
    pub(super) resources: Vec<Resource>,
    /// Sorted by name.
    pub(super) actions: Vec<Action>,
}

/// One key under `config`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) kind: SettingKind,
    pub(super) required: bool,
    pub(super) help: String,
}

#[derive(Debug, PartialEq)]
pub(super) enum SettingKind {
    Text,
    Secret,
    /// One part of a host's name: letters, digits and hyphens.
    HostLabel,
    Choice(Vec<String>),
}

/// One way to ask who we are; the next is asked where this one is forbidden.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) request: Request,
    pub(super) id: FirstOf,
    pub(super) title: FirstOf,
    /// What we were granted, where this answer says so.
    pub(super) scopes: Option<Template>,
}

/// A value that is learned by one call, before the first request that needs it.
#[derive(Debug)]
pub(super) struct Var {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) value: Template,
}

/// The first of these that is something.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstOf(pub(super) Vec<Template>);

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) segments: Vec<Template>,
    pub(super) query: Vec<(String, Template)>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<Content>,
    /// Against which budgets it counts.
    pub(super) costs: Vec<Cost>,
}

/// What a request carries.
#[derive(Debug)]
pub(super) enum Content {
    Json(Shape),
    /// `a[b]=c`, as browsers send forms.
    Form(Shape),
}

/// JSON with references in it. Keys whose value is missing are left out.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Fixed(Json),
    Text(Template),
    List(Vec<Shape>),
    Map(Vec<(String, Shape)>),
}

impl Request {
    /// Whether anything in it begins with this root.
    pub(super) fn uses(&self, root: Root) -> bool {
        self.templates().into_iter().flat_map(Template::references).any(|reference| reference.root == root)
    }

    /// Every text with references in it.
    pub(super) fn templates(&self) -> Vec<&Template> {
        let pairs = self.query.iter().chain(&self.headers).map(|(_, template)| template);
        let mut templates: Vec<&Template> = self.segments.iter().chain(pairs).collect();
        match &self.body {
            Some(Content::Json(shape) | Content::Form(shape)) => shape.add_templates(&mut templates),
            None => {}
        }
        templates
    }
}

impl Shape {
    fn add_templates<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template) => templates.push(template),
            Self::List(items) => items.iter().for_each(|item| item.add_templates(templates)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.add_templates(templates)),
        }
    }
}

/// How refusals are read.
#[derive(Debug, Default)]
pub(super) struct Errors {
    /// What the service says.
    pub(super) message: FirstOf,
    /// Where it says which fields it refuses, and why; the first place that names one counts.
    pub(super) details: Vec<Detail>,
    /// Where it says who holds a value that must be unique.
    pub(super) holder: Holder,
    /// The first that fits decides.
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug)]
pub(super) struct Detail {
    pub(super) items: Template,
    pub(super) field: Template,
    pub(super) code: Option<Template>,
    pub(super) message: Option<Template>,
}

#[derive(Debug, Default)]
pub(super) struct Holder {
    pub(super) texts: Vec<Template>,
    pub(super) patterns: Vec<HolderPattern>,
}

#[derive(Debug)]
pub(super) struct HolderPattern {
    pub(super) pattern: Pattern,
    /// Which field it speaks of, where its text does not say.
    pub(super) field: Option<String>,
}

#[derive(Debug)]
pub(super) struct Rule {
    /// From one status to another.
    pub(super) statuses: Vec<(u16, u16)>,
    pub(super) conditions: Conditions,
    pub(super) when: Option<When>,
    /// Scopes are read from the answer.
    pub(super) class: Class,
    pub(super) scopes: Vec<Template>,
    /// How long to wait, where the answer does not say.
    pub(super) wait: Option<Duration>,
    /// The budget that is used up.
    pub(super) limit: Option<String>,
    pub(super) applied: Option<Applied>,
    pub(super) says: Option<String>,
}

/// What a rule can ask of a refusal besides its status and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// It names who holds a unique value.
    Held,
    /// It says how long to wait.
    ToldToWait,
}

/// Tests of an answer, all of which must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(pub(super) Vec<(Template, Condition)>);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// One of these scalars, compared as text.
    Is(Vec<String>),
    /// Text with this text in it.
    Contains(String),
    /// Something, or nothing: missing, null, empty text or an empty list.
    Exists(bool),
}

/// One kind of record.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) name: String,
    /// What people call one of it.
    pub(super) title: String,
    pub(super) id: Template,
    pub(super) fields: FieldsOf,
    pub(super) stamps: Stamps,
    pub(super) get: Option<Get>,
    pub(super) search: Option<Search>,
    pub(super) finds: Vec<FindBy>,
    pub(super) list: Option<ListOf>,
    pub(super) polls: Vec<Poll>,
    pub(super) write: Writes,
    pub(super) scopes: sdk::Scopes,
}

/// Where fields are known from, and how values are written.
#[derive(Debug)]
pub(super) struct FieldsOf {
    pub(super) source: FieldSource,
    /// Where a record keeps its fields.
    pub(super) at: Option<Template>,
    /// Where it keeps those that the account added, when read; and under which key they are written.
    pub(super) custom_at: Option<Template>,
    pub(super) custom_key: Option<String>,
    /// Fields that are read and written in a form of the service's own.
    pub(super) shaped: BTreeMap<String, Shaped>,
    pub(super) values: ValueForm,
    /// What stands between the items of a list that is written as text.
    pub(super) separator: char,
    pub(super) required: Vec<String>,
    pub(super) required_one_of: Vec<Vec<String>>,
    /// Unique in every account, whether or not its definition says so.
    pub(super) unique: Vec<String>,
}

/// One field in a form of its own, such as one address out of a list of them.
#[derive(Debug)]
pub(super) struct Shaped {
    /// Where its value stands in a record.
    pub(super) read: Template,
    /// What is sent to set it.
    pub(super) write: Shape,
    /// What is sent to clear it.
    pub(super) clear: Shape,
}

#[derive(Debug)]
pub(super) enum FieldSource {
    Discover(Box<Discover>),
    /// Always these.
    Static(Vec<StaticField>),
}

#[derive(Clone, Debug)]
pub(super) struct StaticField {
    pub(super) name: String,
    pub(super) field_type: FieldType,
    pub(super) read_only: bool,
}

/// How a service writes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueForm {
    /// Each as text, and empty text for nothing.
    Text,
    /// As JSON has them, dates and moments as text.
    Json,
}

/// How fields are discovered.
#[derive(Debug)]
pub(super) struct Discover {
    pub(super) request: Request,
    pub(super) items: Template,
    pub(super) page: Paging,
    /// What the service calls it in records.
    pub(super) key: Template,
    /// What flows call a field that the account added, where the service's own name for it is unreadable.
    pub(super) custom_name: Option<Template>,
    pub(super) label: Option<Template>,
    /// What it is for.
    pub(super) description: Option<Template>,
    /// What the service shows it together with.
    pub(super) group: Option<Template>,
    /// The first that fits; else any.
    pub(super) types: Vec<(Conditions, FieldType)>,
    pub(super) options: Option<OptionsOf>,
    /// Any of these.
    pub(super) read_only: Vec<Conditions>,
    pub(super) unique: Vec<Conditions>,
    /// Whether the account added it.
    pub(super) custom: Vec<Conditions>,
    /// Whether search compares it by rules of its own.
    pub(super) unsearchable: Vec<Conditions>,
    /// Whether it is none of the record's fields at all.
    pub(super) leave_out: Vec<Conditions>,
}

#[derive(Debug)]
pub(super) struct OptionsOf {
    pub(super) items: Template,
    pub(super) value: Template,
    pub(super) label: Option<Template>,
}

/// The stamps of records.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    pub(super) modified: Option<Stamp>,
    pub(super) created: Option<Stamp>,
}

#[derive(Debug)]
pub(super) struct Stamp {
    /// The field.
    pub(super) field: String,
    /// Where a record says it besides.
    pub(super) beside: Option<Template>,
}

/// Reading one record.
#[derive(Debug)]
pub(super) struct Get {
    pub(super) request: Request,
    /// Where the record stands in the answer.
    pub(super) record: Template,
    /// Whether unique fields are keys too.
    pub(super) by_unique: bool,
}

/// A request that takes tests and an order.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) request: Request,
    pub(super) items: Template,
    /// The most rows one page holds.
    pub(super) page_size: usize,
    /// The field by which ids are sorted and compared.
    pub(super) id_field: String,
    /// What joins the tests of one group.
    pub(super) group: Shape,
    pub(super) most_groups: usize,
    pub(super) most_in_group: usize,
    /// Of all tests together, each group counting as one more.
    pub(super) most_tests: usize,
    pub(super) longest_value: usize,
    pub(super) moments: MomentForm,
    /// Whether texts among several are asked for in lower case.
    pub(super) lower_in: bool,
    pub(super) tests: BTreeMap<TestKind, Shape>,
}

/// How a search takes dates and moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MomentForm {
    UnixMillis,
    UnixSeconds,
    Rfc3339,
}

/// What a search can be asked of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TestKind {
    Eq,
    Gt,
    Gte,
    Lt,
    Lte,
    Between,
    In,
    Exists,
    Empty,
}

/// One way to poll.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) serves: Vec<Serves>,
    pub(super) source: PollSource,
}

/// Which stamp a poll can go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    New,
    NewOrUpdated,
    /// The moment at which a record was archived.
    Archived,
    /// Any field that is a date or a moment.
    AnyStamp,
}

#[derive(Debug)]
pub(super) enum PollSource {
    /// The resource's search, sorted by the stamp; one stamp's rows are drained by id.
    Search,
    /// A list in the order of the stamp, page by page.
    List(Box<Listing>),
    /// All records, which nothing stamps, each time.
    Snapshot(Box<Whole>),
}

/// How all records are read.
#[derive(Debug)]
pub(super) enum Whole {
    /// By the resource's search, by rising id.
    Search,
    /// By the resource's list.
    List,
    /// By a list of the poll's own.
    Own {
        list: Box<ListOf>,
        /// The record in an item; the item itself where it is not said.
        record: Option<Template>,
    },
}

/// A list that is read page by page.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) request: Request,
    pub(super) items: Template,
    pub(super) page: Paging,
    pub(super) order: Order,
    /// The record in an item; the item itself where it is not said.
    pub(super) record: Option<Template>,
    /// Where the stamp stands, in the item.
    pub(super) stamp: Template,
    pub(super) stamp_form: MomentForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
    /// It has to be read whole, each time.
    None,
}

/// How the next page is found.
#[derive(Debug, Default)]
pub(super) enum Paging {
    /// There is none.
    #[default]
    None,
    /// `page.token`, of the answer.
    Token(Template),
    /// The whole address of the next page, of the answer.
    Link(Template),
    /// `page.token`, of the last item, as long as the answer says that there is more.
    LastItem { next: Template, more: Template },
    /// `page.number`, from 1, until a page is empty.
    Number,
    /// `page.offset`, until a page is empty.
    Offset,
}

/// The writes that a service has.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) create: Option<WriteOf>,
    pub(super) update: Option<WriteOf>,
    pub(super) delete: Option<WriteOf>,
    /// The first that serves the key.
    pub(super) upsert: Vec<Upsert>,
}

/// One write.
#[derive(Debug)]
pub(super) struct WriteOf {
    pub(super) request: Request,
    /// The id of the record that was written.
    pub(super) id: Option<Template>,
    pub(super) retry: Retry,
    /// The header that carries the effect's id.
    pub(super) idempotency: Option<String>,
}

/// What a second try of the same write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// The service knows it by its key.
    Idempotent,
    /// It leaves the same record in the same state.
    Safe,
    /// It may make a second record.
    Unsafe,
}

/// One way to update what is found, or make it.
#[derive(Debug)]
pub(super) struct Upsert {
    pub(super) by: UpsertKey,
    pub(super) how: UpsertHow,
}

/// Which keys it takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum UpsertKey {
    /// One field that is unique.
    Unique,
    /// One of these fields.
    Fields(Vec<String>),
    /// Any fields.
    Any,
}

#[derive(Debug)]
pub(super) enum UpsertHow {
    /// The service does it in one request.
    Native(Box<WriteOf>),
    /// The update takes the key in place of an id; not found, the record is created; held by another, that one is
    /// updated.
    UpdateByKey,
    /// By the resource's search.
    Search,
    /// By one of the resource's finds.
    Find,
}

/// Looking for the records that have a value.
#[derive(Debug)]
pub(super) struct FindBy {
    /// The fields that it looks in.
    pub(super) by: Vec<String>,
    pub(super) request: Request,
    pub(super) items: Template,
    pub(super) id: Template,
    /// The values that an item has, where the service finds more than was asked for.
    pub(super) value: Option<Template>,
}

/// Reading every record.
#[derive(Debug)]
pub(super) struct ListOf {
    /// Whether it is in the order of the ids.
    pub(super) by_id: bool,
    pub(super) request: Request,
    pub(super) items: Template,
    pub(super) page: Paging,
}

impl Resource {
    /// The way in which this is polled.
    pub(super) fn poll(&self, serves: Serves) -> Option<&PollSource> {
        self.polls.iter().find(|poll| poll.serves.contains(&serves)).map(|poll| &poll.source)
    }

    /// The request for one page of a poll.
    pub(super) fn page_of<'a>(&'a self, source: &'a PollSource) -> Option<&'a Request> {
        let search = || self.search.as_ref().map(|search| &search.request);
        match source {
            PollSource::Search => search(),
            PollSource::List(listing) => Some(&listing.request),
            PollSource::Snapshot(whole) => match &**whole {
                Whole::Search => search(),
                Whole::List => self.list.as_ref().map(|list| &list.request),
                Whole::Own { list, .. } => Some(&list.request),
            },
        }
    }
}

impl Manifest {
    /// The resource of this name.
    pub(super) fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }

    /// The action of this name.
    pub(super) fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.schema.name == name)
    }
}
