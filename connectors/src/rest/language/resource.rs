//! One kind of record: how it is read, searched, polled and written.

use text::grammar::{Key, Mapping, Naming, Shape, key};

use super::fields::FIELDS;
use super::request::{PAGE, REFERENCES, requesting};
use super::{SEVERAL_TEXTS, WHOLE, flag, words};

pub(in crate::rest) static RESOURCE: Mapping = Mapping::new(
    "a resource",
    "One kind of record.",
    &[
        TITLE,
        key("id", REFERENCES, "Where a record keeps its id.").required(),
        key("fields", Shape::Map(&FIELDS), "Which fields it has.").required(),
        key("stamps", Shape::Map(&STAMPS), "The fields that tell when it was created and changed."),
        key("get", Shape::Map(&GET), "How one record is read."),
        key("search", Shape::Map(&SEARCH), "How records are searched for."),
        key(
            "find",
            Shape::OneOf(&[Shape::Map(&FIND), Shape::ListOf(&Shape::Map(&FIND))]),
            "How records are looked up that have a certain value.",
        ),
        key("list", Shape::Map(&LIST), "How all records are read."),
        key(
            "poll",
            Shape::OneOf(&[Shape::Map(&POLL), Shape::ListOf(&Shape::Map(&POLL))]),
            "How new and changed records are found.",
        ),
        key("write", Shape::Map(&WRITE), "How records are written."),
        key("scopes", Shape::Map(&SCOPES), "What a token must be granted."),
    ],
);

/// A resource that is made of a template.
pub(in crate::rest) static USED: Mapping = Mapping::new(
    "a resource that uses a template",
    "One kind of record, made of a template.",
    &[
        key("use", Shape::Text, "The template's name.").required(),
        TITLE,
        key("with", Shape::MapOf(Naming::Text, &Shape::Value), "Its parameters."),
    ],
);

pub(in crate::rest) static SCOPES: Mapping = Mapping::new(
    "`scopes`",
    "What a token must be granted; of each list, any one suffices.",
    &[
        key("fields", SEVERAL_TEXTS, "To learn which fields there are."),
        key("read", SEVERAL_TEXTS, "To read records."),
        key("write", SEVERAL_TEXTS, "To write them."),
        key("instead", SEVERAL_TEXTS, "What suffices for any of it."),
    ],
);

pub(in crate::rest) static STAMPS: Mapping = Mapping::new(
    "`stamps`",
    "The fields that tell when a record was created and changed.",
    &[
        key("modified", Shape::Map(&STAMP), "When it was changed last."),
        key("created", Shape::Map(&STAMP), "When it was created."),
    ],
);

pub(in crate::rest) static STAMP: Mapping = Mapping::new(
    "a stamp",
    "A field that holds a moment.",
    &[key("field", Shape::Text, "The field.").required(), key("beside", REFERENCES, "Where a record says it besides.")],
);

pub(in crate::rest) static GET: Mapping = Mapping::new(
    "`get`",
    "The request that reads one record; `${key.value}` stands for its id.",
    requesting![
        key("record", REFERENCES, "Where the record stands in the answer.").default("the whole answer"),
        key("by", Shape::Word(words::GET_BY.words), "What it can be read by.").default("`id`"),
    ],
);

pub(in crate::rest) static FIND: Mapping = Mapping::new(
    "`find`",
    "The request that looks up the records with a certain value.",
    requesting![
        key("by", SEVERAL_TEXTS, "The fields that it looks in.").required(),
        key("items", REFERENCES, "The records that were found, in the answer.").required(),
        key("id", REFERENCES, "In an item, the record's id.").required(),
        key(
            "value",
            REFERENCES,
            "In an item, the value that was looked for, where the service finds more than was asked for."
        ),
    ],
);

pub(in crate::rest) static LIST: Mapping = Mapping::new(
    "`list`",
    "The request that reads all records, page by page.",
    requesting![
        key("items", REFERENCES, "The records, in the answer.").required(),
        PAGE_KEY,
        key("order", Shape::Word(words::LIST_ORDERS.words), "In which order they come.").default("`none`"),
    ],
);

pub(in crate::rest) static SEARCH: Mapping = Mapping::new(
    "`search`",
    "A request that takes tests and an order.",
    requesting![
        key("items", REFERENCES, "The records that were found, in the answer.").required(),
        key("page_size", WHOLE, "The most records that one page holds.").required(),
        key("id_field", Shape::Text, "The field by which ids are sorted and compared.").required(),
        key("groups", Shape::Map(&GROUPS), "How tests are joined, and how many there may be."),
        key("longest_value", WHOLE, "How long a value may be that is searched for.").default("`200`"),
        key("moments", Shape::Word(words::MOMENTS.words), "How moments are written in a search.").default("`rfc3339`"),
        flag("lower_in", "Whether texts among several are asked for in lower case."),
        key("tests", Shape::Map(&TESTS), "How each test is written; what it does not have is tested by us.").required(),
    ],
);

pub(in crate::rest) static GROUPS: Mapping = Mapping::new(
    "`groups`",
    "Groups of tests: all of one group must hold, of any group.",
    &[
        key("as", Shape::Value, "How the tests of a group are joined.").default("a list of them"),
        key("most", WHOLE, "How many groups there may be.").default("`1`"),
        key("most_tests_each", WHOLE, "How many tests one may have.").default("`5`"),
        key("most_tests", WHOLE, "How many there may be in all; each group counts as one more.").default("`20`"),
    ],
);

pub(in crate::rest) static TESTS: Mapping = Mapping::new(
    "`tests`",
    "How each test of a field is written.",
    &[
        key("eq", Shape::Value, "Equal to `${test.value}`."),
        key("gt", Shape::Value, "Greater than it."),
        key("gte", Shape::Value, "Greater or equal."),
        key("lt", Shape::Value, "Less than it."),
        key("lte", Shape::Value, "Less or equal."),
        key("between", Shape::Value, "Between two values, both included."),
        key("in", Shape::Value, "One of several values."),
        key("exists", Shape::Value, "The field has a value."),
        key("empty", Shape::Value, "It has none."),
    ],
);

pub(in crate::rest) static POLL: Mapping = Mapping::new(
    "a poll",
    "A way to find new and changed records.",
    requesting![
        key("serves", Shape::OneOf(&[SERVES, Shape::ListOf(&SERVES)]), "Which changes it can find.").required(),
        key("mode", Shape::Word(words::MODES.words), "How it reads.").required(),
        key(
            "by",
            Shape::Word(words::POLL_BY.words),
            "By the resource's search or list, in place of a request of its own."
        ),
        key("items", REFERENCES, "The records, in the answer."),
        PAGE_KEY,
        key("order", Shape::Word(words::ORDERS.words), "In which order they come; of no matter to a snapshot.")
            .default("`oldest_first` for a cursor, else `newest_first`"),
        key("record", REFERENCES, "The record in an item.").default("the item itself"),
        key("stamp", REFERENCES, "Where an item keeps its stamp; there is none in a snapshot."),
        key("stamp_form", Shape::Word(words::MOMENTS.words), "How the stamp is written.").default("`rfc3339`"),
    ],
);

pub(in crate::rest) static WRITE: Mapping = Mapping::new(
    "`write`",
    "How records are written. What is not here, flows cannot do.",
    &[
        key("create", Shape::Map(&CREATE), "The request that creates a record."),
        key("update", Shape::Map(&UPDATE), "The request that changes one."),
        key("delete", Shape::Map(&DELETE), "The request that removes one."),
        key(
            "upsert",
            Shape::OneOf(&[UPSERT_SHAPE, Shape::ListOf(&UPSERT_SHAPE)]),
            "Ways to change what is found, or create it. The first that serves the key is used.",
        ),
    ],
);

pub(in crate::rest) static CREATE: Mapping =
    Mapping::new("`create`", "The request that creates a record.", requesting![CREATED_ID, RETRY, IDEMPOTENCY]);
pub(in crate::rest) static UPDATE: Mapping = Mapping::new(
    "`update`",
    "The request that changes the record of `${key.value}`.",
    requesting![WRITTEN_ID, RETRY, IDEMPOTENCY],
);
pub(in crate::rest) static DELETE: Mapping = Mapping::new(
    "`delete`",
    "The request that removes the record of `${key.value}`.",
    requesting![WRITTEN_ID, RETRY, IDEMPOTENCY],
);

/// A way to upsert by other requests.
pub(in crate::rest) static UPSERT: Mapping = Mapping::new("this way to upsert", UPSERT_DOC, &[UPSERT_BY, UPSERT_DO]);
/// A way to upsert that is a request of its own.
pub(in crate::rest) static NATIVE_UPSERT: Mapping =
    Mapping::new("this way to upsert", UPSERT_DOC, requesting![CREATED_ID, RETRY, IDEMPOTENCY, UPSERT_BY, UPSERT_DO]);

const UPSERT_DOC: &str = "A way to change the record that is found, or to create it.";
const UPSERT_BY: Key = key(
    "by",
    SEVERAL_TEXTS,
    "Which keys it takes: `unique`, one field that is unique; `any`, any fields; or these fields.",
)
.required();
const UPSERT_DO: Key = key("do", Shape::Word(words::UPSERTS.words), "How it is done.").required();
static UPSERT_SHAPE: Shape = Shape::OneOf(&[Shape::Map(&UPSERT), Shape::Map(&NATIVE_UPSERT)]);

const SERVES: Shape = Shape::Word(words::SERVES.words);
const TITLE: Key = key("title", Shape::Text, "What people call one of it.").default("its name");
static PAGE_KEY: Key = key("page", Shape::Map(&PAGE), "How the next page is found.").default("there is only one");
const CREATED_ID: Key = key("id", REFERENCES, "In the answer, the id of the record that was written.").required();
const WRITTEN_ID: Key = key("id", REFERENCES, "In the answer, the id of the record that was written.");
pub(super) const RETRY: Key =
    key("retry", Shape::Word(words::RETRIES.words), "What a second try of the same request does.").required();
pub(super) const IDEMPOTENCY: Key =
    key("idempotency", Shape::Text, "The header that carries the key by which the service knows a second try.");
