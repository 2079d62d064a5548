//! What the arguments of functions may be, by the words that the tables use.

use super::super::compare::Kind;
use super::super::compare::Kind::{Boolean, Date, Function, List, Map, Moment, Nothing, Number, Range, Text};

pub(super) const ANY: &[Kind] = &[Nothing, Boolean, Number, Text, Date, Moment, List, Map, Range, Function];
/// What a run can keep.
pub(super) const VALUE: &[Kind] = &[Nothing, Boolean, Number, Text, Date, Moment, List, Map];
/// What can be a part of a text.
pub(in crate::expr) const PART: &[Kind] = &[Nothing, Boolean, Number, Text, Date, Moment];
/// What has an order.
pub(super) const ORDERED: &[Kind] = &[Number, Text, Date, Moment];
/// What can be the name of an entry.
pub(super) const NAME: &[Kind] = &[Nothing, Boolean, Number, Text];
pub(super) const BOOLEAN: &[Kind] = &[Boolean];
pub(in crate::expr) const NUMBER: &[Kind] = &[Number];
pub(in crate::expr) const TEXT: &[Kind] = &[Text];
pub(super) const TEXT_OR_NUMBER: &[Kind] = &[Text, Number];
pub(super) const TEXT_OR_NOTHING: &[Kind] = &[Text, Nothing];
/// A date, or a moment, which has one.
pub(super) const DAY: &[Kind] = &[Date, Moment];
pub(super) const MOMENT: &[Kind] = &[Moment];
pub(in crate::expr) const LIST: &[Kind] = &[List];
pub(super) const MAP: &[Kind] = &[Map];
pub(super) const LIST_OR_MAP: &[Kind] = &[List, Map];
pub(super) const RANGE: &[Kind] = &[Range];
pub(super) const FUNCTION: &[Kind] = &[Function];
