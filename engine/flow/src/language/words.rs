//! The words that some keys choose from.

use sdk::{Ambiguous, FieldType};
use text::grammar::Word;
use text::words;

use crate::model::{
    Accepts, Conflict, Deleted, HmacAlgorithm, HmacEncoding, InputType, Missed, On, OnError, OnMissing, Period, Policy,
    Side, SyncOf, Way,
};
use crate::project::{Notice, VisibleTo};

words! {
    /// Which changes a poll goes by.
    pub const CHANGES: On = {
        "new" => On::New, "Once for each record that is created.";
        "new_or_updated" => On::NewOrUpdated, "Once for each new record, and again for each later version of it.";
        "archived" => On::Archived, "Once for each record that is archived.";
    };

    /// What the deliveries of a webhook are written in.
    pub const ACCEPTS: Accepts = {
        "json" => Accepts::Json, "JSON.";
        "form" => Accepts::Form, "The fields of a form, as browsers send them.";
    };

    /// How a signature is computed.
    pub const ALGORITHMS: HmacAlgorithm = {
        "sha256" => HmacAlgorithm::Sha256, "HMAC with SHA-256.";
        "sha512" => HmacAlgorithm::Sha512, "HMAC with SHA-512.";
    };

    /// How a signature is written.
    pub const ENCODINGS: HmacEncoding = {
        "hex" => HmacEncoding::Hex, "Two hexadecimal digits for each byte.";
        "base64" => HmacEncoding::Base64, "Base64.";
    };

    /// The time over which something is counted.
    pub const PERIODS: Period = {
        "hour" => Period::Hour, "An hour.";
        "day" => Period::Day, "A day.";
        "workday" => Period::Workday, "A day from Monday to Friday.";
        "week" => Period::Week, "A week.";
    };

    /// What becomes of times that passed while nothing ran.
    pub const MISSED: Missed = {
        "run_once" => Missed::RunOnce, "One start makes up for all that were missed.";
        "skip" => Missed::Skip, "They are left out; the next time comes as usual.";
    };

    /// What an input of a `manual` trigger can hold.
    pub const INPUT_TYPES: FieldType = {
        "text" => FieldType::Text, "Text.";
        "number" => FieldType::Number, "A whole or fractional number.";
        "boolean" => FieldType::Boolean, "`true` or `false`.";
        "date" => FieldType::Date, "A calendar day, such as `2026-01-31`.";
        "moment" => FieldType::Moment, "A moment, such as `2026-01-31T08:00:00Z`.";
        "choice" => FieldType::Choice, "One of the input's `options`.";
    };

    /// What an input of a template can hold.
    pub const TEMPLATE_INPUT_TYPES: InputType = {
        "text" => InputType::Text, "Text.";
        "number" => InputType::Number, "A whole or fractional number.";
        "boolean" => InputType::Boolean, "`true` or `false`.";
        "duration" => InputType::Duration, "A duration, such as `15m`.";
        "choice" => InputType::Choice, "One of the input's `options`.";
        "field" => InputType::Field, "The name of a field, such as `email`.";
        "option" => InputType::Option, "One option of a field.";
        "mapping" => InputType::Mapping, "A `mapping` of fields, such as `{name: displayName}`.";
        "filter" => InputType::Filter, "A `filter`, such as `{stage: won}`.";
        "rules" => InputType::Rules, "The rules of a `route`, the first that holds first.";
        "owner" => InputType::Owner, "An owner of records, by e-mail address or id.";
        "list" => InputType::List, "A list that the service keeps, by its id.";
        "object" => InputType::Object, "A map of names and values.";
    };

    /// Which of two fields follows the other.
    pub const WAYS: Way = {
        "both" => Way::Both, "Each follows the other.";
        "right" => Way::Right, "The right one follows the left one.";
        "left" => Way::Left, "The left one follows the right one.";
    };

    /// A side of a sync.
    pub const SIDES: Side = {
        "left" => Side::Left, "The first object of its `between`.";
        "right" => Side::Right, "The second.";
    };

    /// Which records of a sync go to the other side.
    pub const SYNC_OF: SyncOf = {
        "all" => SyncOf::All, "Every one.";
        "enrolled" => SyncOf::Enrolled, "Those that a flow enrolled, or that somebody chose.";
    };

    /// Which side of a sync holds where both have changed.
    pub const CONFLICTS: Conflict = {
        "newest" => Conflict::Newest, "The one that changed last.";
        "left" => Conflict::Left, "The left one.";
        "right" => Conflict::Right, "The right one.";
        "report" => Conflict::Report, "Neither: nothing is written, and somebody is told.";
    };

    /// What becomes of a record of a sync whose counterpart is gone.
    pub const DELETED: Deleted = {
        "ignore" => Deleted::Ignore, "It stays.";
        "report" => Deleted::Report, "It stays, and somebody is told.";
        "propagate" => Deleted::Propagate, "It is removed as well.";
    };

    /// Who may use a connection.
    pub const VISIBLE_TO: VisibleTo = {
        "me" => VisibleTo::Me, "Its owner alone.";
        "role" => VisibleTo::Role, "Those who have its owner's role.";
        "all" => VisibleTo::All, "Everybody.";
    };

    /// What somebody is told of.
    pub const NOTICES: Notice = {
        "failed" => Notice::Failed, "A run gave up; it is kept, to be looked at and retried.";
        "unknown" => Notice::Unknown, "A run cannot know whether a write was applied; a person must look.";
        "blocked" => Notice::Blocked, "A flow stands still, because a service refuses its connection.";
        "held" => Notice::Held, "A brake stopped a flow.";
        "late" => Notice::Late, "A flow does less than its `expect` says.";
        "reported" => Notice::Reported, "A sync found what its `conflict` or `deleted` says is reported.";
    };

    /// How a run ends.
    pub const ENDS: &'static str = {
        "succeeded" => "succeeded", "It did all that it had to do.";
        "skipped" => "skipped", "It found that there is nothing to do.";
        "failed" => "failed", "It gave up, and is kept with its reason.";
    };

    /// How a service refuses.
    pub const CLASSES: &'static str = {
        "transient" => "transient", "It is down, or too slow; it is asked again.";
        "rate_limited" => "rate_limited", "It wants fewer requests; it is asked again later.";
        "quota_exhausted" => "quota_exhausted", "What may be asked in a day has been used up.";
        "auth" => "auth", "It refuses our credentials.";
        "forbidden" => "forbidden", "Our credentials lack a right.";
        "not_found" => "not_found", "What is named does not exist.";
        "conflict" => "conflict", "It exists already, or is held by another.";
        "invalid" => "invalid", "It refuses the content.";
        "permanent" => "permanent", "It refuses for a reason that no repetition cures.";
    };

    /// What is done where several records are found and one is wanted.
    pub const AMBIGUOUS: Ambiguous = {
        "fail" => Ambiguous::Fail, "The step fails and names the candidates.";
        "skip" => Ambiguous::Skip, "The run ends as skipped, and names the candidates.";
        "first" => Ambiguous::First, "The first that the service gives is taken.";
        "oldest" => Ambiguous::Oldest, "The one that was created first is taken.";
    };

    /// What a step's failure means for its run.
    pub const ON_ERROR: OnError = {
        "fail" => OnError::Fail, "The run fails and is kept, to be looked at and retried.";
        "continue" => OnError::Continue, "The failure is kept as `errors.<name>`, and the run goes on.";
    };

    /// What a look-up does where nothing is found.
    pub const MISSING: OnMissing = {
        "continue" => OnMissing::Continue, "The result is empty, and the run goes on.";
        "skip" => OnMissing::Skip, "The run ends as skipped.";
        "fail" => OnMissing::Fail, "The run fails as `not_found`.";
    };

    /// When a mapped field is written.
    pub const POLICIES: Policy = {
        "overwrite" => Policy::Overwrite, "Always, also with nothing.";
        "fill_if_empty" => Policy::FillIfEmpty, "Where the target's field is empty; it is looked up first.";
        "never_blank" => Policy::NeverBlank, "Where the source has a value, so that nothing is ever cleared.";
    };

    /// Types that a mapped value can be made.
    pub const MAPPED_TYPES: FieldType = {
        "text" => FieldType::Text, "Text.";
        "number" => FieldType::Number, "A number.";
        "date" => FieldType::Date, "A calendar day.";
        "moment" => FieldType::Moment, "A moment.";
    };
}

/// The names that expressions see, beside those that steps make.
pub const NAMES: &[Word] = &[
    Word::new(
        "record",
        "The record that the run is about: its fields, and `record.id`. In a flow whose runs have one.",
    ),
    Word::new("inputs", "What whoever asked for the run gave, in a flow with `manual`."),
    Word::new("body", "What a service delivered, in a flow with `webhook`."),
    Word::new("now", "The moment at which the run was stored. It is the same on every attempt."),
    Word::new("run", "The run: `run.id`."),
    Word::new("flow", "The flow: `flow.id`."),
    Word::new(
        "errors",
        "`errors.<step>` is the failure of a step with `on_error: continue`: its `class` and `message`.",
    ),
    Word::new("failure", "In `on_failure`, what the run failed of: `step`, `class`, `message` and `attempt`."),
    Word::new("item", "In an `each`, the item at hand, unless `item` gives it another name."),
];
