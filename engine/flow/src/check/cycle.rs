//! Flows that call each other in a circle: each would wait for the next one's end, and none would ever end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sdk::FlowId;
use text::Diagnostic;

use super::DefinedIds;
use crate::codes;
use crate::definition::{At, FlowDefinition};

/// One call: who calls, and the place that names who is called.
#[derive(Clone, Copy)]
struct Call<'a> {
    caller: &'a FlowDefinition,
    callee: &'a At<FlowId>,
}

/// Reports every circle once, and gives the ids of all flows in one.
pub(super) fn report<'a>(
    definitions: &'a [FlowDefinition],
    ids: &DefinedIds<'a>,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeSet<FlowId> {
    let mut in_circle = BTreeSet::new();
    for definition in definitions {
        if in_circle.contains(definition.id()) {
            continue;
        }
        let circle = shortest_circle(definition, ids);
        if circle.is_empty() {
            continue;
        }
        in_circle.extend(circle.iter().map(|call| call.caller.id().clone()));
        diagnostics.push(told(&circle));
    }
    in_circle
}

/// The fewest calls that lead from a flow back to it; none where none do.
fn shortest_circle<'a>(start: &'a FlowDefinition, ids: &DefinedIds<'a>) -> Vec<Call<'a>> {
    let mut called_by: BTreeMap<&FlowId, Call<'a>> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(caller) = queue.pop_front() {
        for callee in caller.calls() {
            let call = Call { caller, callee };
            if callee.value == *start.id() {
                return path_to(call, start, &called_by);
            }
            let Some(definition) = ids.get(&callee.value) else { continue };
            if !called_by.contains_key(&callee.value) {
                called_by.insert(&callee.value, call);
                queue.push_back(definition);
            }
        }
    }
    Vec::new()
}

fn path_to<'a>(last: Call<'a>, start: &FlowDefinition, called_by: &BTreeMap<&FlowId, Call<'a>>) -> Vec<Call<'a>> {
    let mut path = vec![last];
    while let Some(first) = path.last()
        && first.caller.id() != start.id()
        && let Some(earlier) = called_by.get(first.caller.id())
    {
        path.push(*earlier);
    }
    path.reverse();
    path
}

fn told(circle: &[Call<'_>]) -> Diagnostic {
    let message = match circle {
        [call] => format!("the flow `{}` calls itself", call.callee.value),
        [first, ..] => {
            let called = circle.iter().map(|call| format!("`{}`", call.callee.value));
            let way: Vec<String> = [format!("`{}`", first.caller.id())].into_iter().chain(called).collect();
            format!("these flows call each other in a circle: {}", way.join(" -> "))
        }
        [] => String::new(),
    };
    let help = match circle {
        [_] => "it would wait for a run that waits for another, without end; to repeat steps, use `each`",
        _ => {
            "each waits for the end of the one that it calls; put what several need into a flow that calls none of them"
        }
    };
    let diagnostic = Diagnostic::error(codes::FLOW_CYCLE, message).help(help);
    circle.iter().fold(diagnostic, |diagnostic, call| {
        let label = format!("`{}` calls `{}`", call.caller.id(), call.callee.value);
        let (path, span) = call.caller.source.label(call.callee.span);
        diagnostic.at(&path, span, label)
    })
}
