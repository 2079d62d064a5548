//! What may stand at a cursor within an expression.

use std::collections::BTreeSet;

use sdk::Field;

use super::super::expression::Around;
use super::super::names::{self, Meaning, Name};
use super::super::{Kind, Proposal, describe};
use super::values::options;
use super::{Asked, MARK, of_member, proposal};
use crate::expr::helpers::{self, Helper};

impl Asked<'_> {
    pub(super) fn in_expression(&self, here: &Around) -> Vec<Proposal> {
        let names = names::seen(self.place);
        if let Some(compared) = &here.compared {
            let field = self.field_at(&names, compared);
            return field.into_iter().flat_map(|field| options(field, &|value| value.to_owned())).collect();
        }
        if here.in_text {
            return Vec::new();
        }
        let call = |helper: &Helper, is_method: bool| function(helper, is_method, here.is_called);
        let Some((root, path)) = here.path.split_first() else {
            let mut list: Vec<Proposal> = names.iter().rev().map(of_name).collect();
            let mut known = BTreeSet::new();
            list.retain(|proposal| known.insert(proposal.label.clone()));
            list.extend(helpers::all().filter(|helper| !is_method(helper)).map(|helper| call(helper, false)));
            return list;
        };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let name = names::find(&names, root);
        let members = name.map(|name| self.around.members(&name.means, &path)).unwrap_or_default();
        let mut list: Vec<Proposal> = members.iter().map(|member| of_member(member, member.text.clone())).collect();
        // A record, an input's map or a failure has parts and nothing that could be called.
        if list.is_empty() || matches!(name.map(|name| &name.means), Some(Meaning::Value)) {
            list.extend(helpers::all().filter(|helper| is_method(helper)).map(|helper| call(helper, true)));
        }
        list
    }

    /// Variables of the environment: those that the file names already.
    pub(super) fn of_environment(&self, here: &Around) -> Vec<Proposal> {
        match here.path.as_slice() {
            [] if !here.in_text => vec![proposal(Kind::Name, "env", "env.", "variables of the environment", "")],
            [root] if root == "env" => {
                let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
                let text = self.file.text.replace(MARK, "");
                let typed = self.file.slice(here.word).replace(MARK, "");
                let names = text.split("env.").skip(1);
                let names = names.map(|rest| &rest[..rest.find(|next| !is_part(next)).unwrap_or(rest.len())]);
                let names: BTreeSet<&str> = names.filter(|name| !name.is_empty() && *name != typed).collect();
                names.into_iter().map(|name| proposal(Kind::Name, name, name, "named in this file", "")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The field that a path ends at.
    fn field_at(&self, names: &[Name<'_>], path: &[String]) -> Option<&Field> {
        let [root, name] = path else { return None };
        let Meaning::Record(Some(object)) = &names::find(names, root)?.means else { return None };
        self.around.schema(object)?.fields.get(name)
    }
}

/// Whether a function is written behind a dot.
fn is_method(helper: &Helper) -> bool {
    helper.signature.split('(').next().is_some_and(|before| before.contains('.'))
}

fn of_name(name: &Name<'_>) -> Proposal {
    proposal(Kind::Name, &name.text, &name.text, &describe::in_short(&name.means), "")
}

fn function(helper: &Helper, is_method: bool, is_called: bool) -> Proposal {
    let takes_nothing = helper.signature.ends_with("()");
    let brackets = match (is_called, is_method && takes_nothing) {
        (true, _) => "",
        (false, true) => "()",
        (false, false) => "(",
    };
    let insert = format!("{}{brackets}", helper.name);
    proposal(Kind::Function, helper.name, &insert, helper.signature, &describe::helper(helper))
}
