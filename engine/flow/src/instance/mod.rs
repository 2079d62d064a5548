//! Templates and their instances.
//!
//! A flow with `inputs` is a template: it makes no runs, and is checked with its defaults, its other inputs unknown. An
//! instance names a template and fills its inputs in; the two become one tree, which is read and checked as a flow of
//! its own, so that an instance runs exactly as the same flow would that somebody wrote by hand.

mod declare;
mod fill;
mod source;
mod value;

use std::collections::BTreeMap;

use sdk::FlowId;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, SourceFile, Span, did_you_mean, did_you_mean_name, shown};

use self::fill::{Filling, Fillings};
use crate::codes;
use crate::definition::{At, FilledInput, FlowDefinition};
use crate::language::{FLOW, INSTANCE};
use crate::model::InputType;
use crate::parse::flow;
use crate::parse::reader::Reader;

pub(crate) use source::Source;

/// A template as it is written.
#[derive(Clone, Debug)]
pub(crate) struct TemplateDefinition {
    file: SourceFile,
    id: At<FlowId>,
    version: Option<At<u32>>,
    map: Map,
    inputs: Vec<TemplateInput>,
    /// Whether reading found no mistake.
    sound: bool,
}

/// An instance as it is written.
#[derive(Clone, Debug)]
pub(crate) struct InstanceDefinition {
    file: SourceFile,
    /// The template's id and version.
    from: Option<At<(String, u32)>>,
    map: Map,
    sound: bool,
}

/// One value that instances fill in.
#[derive(Clone, Debug)]
pub(crate) struct TemplateInput {
    name: At<String>,
    input_type: InputType,
    /// Where its type stands.
    type_span: Span,
    options: Vec<String>,
    required: bool,
    default: Option<Node>,
}

/// Reads a template: a flow with `inputs`. `None` where not even its id can be read.
pub(crate) fn read_template(file: &SourceFile, map: &Map, diagnostics: &mut Diagnostics) -> Option<TemplateDefinition> {
    let mut reader = Reader::new(diagnostics);
    let id = map.get("flow").and_then(|entry| reader.id(entry));
    let version = match map.get("version") {
        // What is wrong with it is said where the flow is read.
        Some(entry) => version(entry),
        None => {
            let first = map.get("inputs").map(|entry| entry.key.span).unwrap_or_default();
            let diagnostic =
                Diagnostic::error(codes::MISSING_KEY, "a flow with `inputs` is a template, and needs `version`")
                    .help("add `version: 1`; flows that are made of it name it");
            reader.report(diagnostic, first);
            None
        }
    };
    let inputs = map.get("inputs").map(|entry| declare::inputs(&mut reader, entry)).unwrap_or_default();
    let id = id?;
    let id = At { value: FlowId::new(id.value), span: id.span };
    let sound = !diagnostics.has_errors();
    Some(TemplateDefinition { file: file.clone(), id, version, map: without_inputs(map), inputs, sound })
}

/// Reads an instance: a flow with `from`. `None` where not even its id can be read.
pub(crate) fn read_instance(file: &SourceFile, map: &Map, diagnostics: &mut Diagnostics) -> Option<InstanceDefinition> {
    let mut reader = Reader::new(diagnostics);
    for entry in &map.entries {
        let key = entry.key.text.as_str();
        if FLOW.knows(key) && !INSTANCE.knows(key) {
            let diagnostic = Diagnostic::error(codes::MISPLACED_KEY, format!("`{key}` comes from the template"))
                .help("an instance says what differs by `inputs` and `bind`; for another flow, copy the template and leave `from` out");
            reader.report(diagnostic, entry.key.span);
        } else if !INSTANCE.knows(key) {
            reader.unknown_key(key, entry.key.span, &INSTANCE);
        }
    }
    let id = map.get("flow").and_then(|entry| reader.id(entry));
    let from = map.get("from").and_then(|entry| from(&mut reader, entry));
    if let Some(entry) = map.get("inputs") {
        reader.map(entry);
    }
    id?;
    let sound = !diagnostics.has_errors();
    Some(InstanceDefinition { file: file.clone(), from, map: map.clone(), sound })
}

/// The templates and instances as definitions, with what is wrong between them.
pub(crate) fn assemble(
    templates: &[TemplateDefinition],
    instances: &[InstanceDefinition],
    flows: &[FlowDefinition],
) -> (Vec<FlowDefinition>, Vec<Diagnostic>) {
    let (mut definitions, mut diagnostics) = (Vec::new(), Vec::new());
    let mut take = |(definition, told): (Option<FlowDefinition>, Vec<Diagnostic>)| {
        definitions.extend(definition);
        for diagnostic in told {
            // A template's own mistakes are told once, however many instances it has.
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
    };
    templates.iter().for_each(|template| take(as_flow(template)));
    for instance in instances {
        take(match template_of(instance, templates, flows) {
            Ok(template) => woven(template, instance),
            Err(told) => (Some(unmade(instance)), told),
        });
    }
    (definitions, diagnostics)
}

/// The template as a flow that makes no runs, so that it is checked: with its defaults, and with its other inputs
/// unknown.
fn as_flow(template: &TemplateDefinition) -> (Option<FlowDefinition>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::new(&template.file);
    let filling = |input: &TemplateInput| input.default.clone().map_or(Filling::Unknown, Filling::Value);
    let fillings = fillings(template, filling);
    let (map, mistakes) = fill::fill(&template.map, &fillings);
    for (diagnostic, span) in mistakes {
        diagnostics.push(diagnostics.at(diagnostic, span, ""));
    }
    let of_callers = of_callers(&template.map);
    for input in template.inputs.iter().filter(|input| of_callers.contains(&input.name.value)) {
        let message = format!("`{}` is an input of the template and of its trigger", input.name.value);
        let diagnostic = Diagnostic::error(codes::BAD_INPUT, message)
            .help("both are read as `inputs`: give one of them another name");
        diagnostics.push(diagnostics.at(diagnostic, input.name.span, ""));
    }
    let source = Source::of_file(&template.file);
    let definition = flow::read(&template.file, source, &map, &mut diagnostics);
    let sound = template.sound && !diagnostics.has_errors();
    let inputs = template.inputs.iter().map(|input| FilledInput {
        name: input.name.value.clone(),
        value: input.default.clone(),
        may_be_unset: !input.required && input.default.is_none(),
    });
    let definition = definition.map(|definition| FlowDefinition {
        template: Some(template.version.as_ref().map_or(0, |version| version.value)),
        inputs: inputs.collect(),
        sound,
        ..definition
    });
    (definition, diagnostics.into_vec())
}

/// The template with an instance's inputs, as the instance's flow.
fn woven(template: &TemplateDefinition, instance: &InstanceDefinition) -> (Option<FlowDefinition>, Vec<Diagnostic>) {
    let source = Source::woven(&template.file, &instance.file);
    let mut diagnostics = Diagnostics::new(&source.text);
    let mut own = instance.map.clone();
    shift_map(&mut own, source.begin_of_instance());

    let values = filled_in(template, &own, &mut diagnostics);
    let fillings = fillings(template, |input| match values.get(&input.name.value) {
        Some(Some(value)) => Filling::Value(value.clone()),
        Some(None) => Filling::Unknown,
        None => Filling::Nothing,
    });
    let (mut map, mistakes) = fill::fill(&template.map, &fillings);
    // That the template asks for what it does not declare was told with the template.
    for (diagnostic, span) in mistakes.into_iter().filter(|(mistake, _)| mistake.code != codes::UNKNOWN_NAME) {
        diagnostics.push(diagnostics.at(diagnostic, span, ""));
    }
    // What only templates have was told of, and is not taken.
    map.entries.retain(|entry| own.get(&entry.key.text).is_none() || !INSTANCE.knows(&entry.key.text));
    // Which flow it is made of, and what is filled in, have been used up.
    let is_left = |key: &str| INSTANCE.knows(key) && !["from", "inputs"].contains(&key);
    map.entries.extend(own.entries.into_iter().filter(|entry| is_left(&entry.key.text)));

    let definition = flow::read(&instance.file, source.clone(), &map, &mut diagnostics);
    let sound = template.sound && instance.sound && !diagnostics.has_errors();
    let inputs = template.inputs.iter().map(|input| FilledInput {
        name: input.name.value.clone(),
        value: values.get(&input.name.value).cloned().flatten(),
        may_be_unset: !values.contains_key(&input.name.value),
    });
    let definition = definition.map(|definition| FlowDefinition { inputs: inputs.collect(), sound, ..definition });
    let diagnostics = diagnostics.into_vec().into_iter().map(|diagnostic| source.told(diagnostic));
    (definition, diagnostics.collect())
}

/// The values of the inputs, each with its place: what the instance says, else the default; no value where it was
/// reported, and no entry for an optional one that nobody filled in.
fn filled_in(
    template: &TemplateDefinition,
    own: &Map,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Option<Node>> {
    let given = match own.get("inputs").map(|entry| &entry.value.kind) {
        Some(Kind::Map(map)) => map.entries.as_slice(),
        Some(_) | None => &[],
    };
    let mut values = BTreeMap::new();
    for input in &template.inputs {
        let name = &input.name.value;
        match given.iter().find(|entry| entry.key.text == *name && entry.value.kind != Kind::Null) {
            Some(entry) => {
                let mistake = value::mistake(input, &entry.value);
                values.insert(name.clone(), mistake.is_none().then(|| entry.value.clone()));
                if let Some((diagnostic, span)) = mistake {
                    let diagnostic = diagnostics.at(diagnostic, span, "");
                    diagnostics.push(diagnostics.at(diagnostic, input.type_span, "the template says so here"));
                }
            }
            None if input.required => {
                values.insert(name.clone(), None);
                missing_input(template, input, given, own, diagnostics);
            }
            None => values.extend(input.default.clone().map(|default| (name.clone(), Some(default)))),
        }
    }
    let known = || template.inputs.iter().map(|input| input.name.value.as_str());
    for entry in given.iter().filter(|entry| !known().any(|name| name == entry.key.text)) {
        let message = format!("the template `{}` has no input `{}`", template.id.value, shown(&entry.key.text));
        let list = known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::error(codes::UNKNOWN_TEMPLATE_INPUT, message)
            .help(format!("its inputs are {list}"))
            .did_you_mean(entry.key.span, did_you_mean_name(&entry.key.text, known()));
        diagnostics.push(diagnostics.at(diagnostic, entry.key.span, ""));
    }
    values
}

fn missing_input(
    template: &TemplateDefinition,
    input: &TemplateInput,
    given: &[Entry],
    own: &Map,
    diagnostics: &mut Diagnostics,
) {
    let name = &input.name.value;
    let known = || template.inputs.iter().map(|input| input.name.value.as_str());
    let is_meant = |entry: &Entry| {
        !known().any(|known| known == entry.key.text)
            && did_you_mean(&entry.key.text, known()).is_some_and(|meant| meant.word == name)
    };
    let are_meant =
        |entry: &Entry| did_you_mean(&entry.key.text, INSTANCE.known()).is_some_and(|meant| meant.word == "inputs");
    // What was probably meant is pointed at.
    if given.iter().any(is_meant) || (own.get("inputs").is_none() && own.entries.iter().any(are_meant)) {
        return;
    }
    let place = own.get("inputs").or(own.get("from")).map(|entry| entry.key.span).unwrap_or_default();
    let message = format!("the template `{}` needs the input `{name}`", template.id.value);
    let help = format!("add `{name}` under `inputs`");
    let diagnostic = Diagnostic::error(codes::MISSING_TEMPLATE_INPUT, message).help(help);
    let diagnostic = diagnostics.at(diagnostic, place, "");
    diagnostics.push(diagnostics.at(diagnostic, input.name.span, "the template asks for it here"));
}

/// An instance of a template that there is not: its id is known, so that calls of it are not told a second time.
fn unmade(instance: &InstanceDefinition) -> FlowDefinition {
    let source = Source::of_file(&instance.file);
    let mut unheard = Diagnostics::new(&instance.file);
    let own = ["flow", "was", "enabled"];
    let entries = instance.map.entries.iter().filter(|entry| own.contains(&entry.key.text.as_str()));
    let map = Map { entries: entries.cloned().collect() };
    let definition = flow::read(&instance.file, source, &map, &mut unheard);
    definition.expect("the id of an instance was read before")
}

/// The template that an instance names, or why there is none; nothing more is said where that was reported.
fn template_of<'t>(
    instance: &InstanceDefinition,
    templates: &'t [TemplateDefinition],
    flows: &[FlowDefinition],
) -> Result<&'t TemplateDefinition, Vec<Diagnostic>> {
    let Some(At { value: (id, version), span }) = &instance.from else { return Err(Vec::new()) };
    let of_id = || templates.iter().filter(|template| template.id.value.as_str() == id);
    let version_of = |template: &TemplateDefinition| template.version.as_ref().map(|version| version.value);
    if let Some(template) = of_id().find(|template| version_of(template) == Some(*version)) {
        return Ok(template);
    }
    // Of a template without a version it is said that it needs one.
    if of_id().next().is_some() && of_id().all(|template| version_of(template).is_none()) {
        return Err(Vec::new());
    }
    let versions: Vec<String> =
        of_id().filter_map(|template| Some(format!("`{id}@{}`", version_of(template)?))).collect();
    let flow = flows.iter().find(|flow| flow.id().as_str() == id);
    let diagnostic = if !versions.is_empty() {
        let message = format!("the template `{}` has no version {version}", shown(id));
        let fix = versions.last().map(|last| last.trim_matches('`').to_owned()).unwrap_or_default();
        Diagnostic::error(codes::UNKNOWN_TEMPLATE, message)
            .help(format!("there is {}", versions.join(", ")))
            .offer(*span, fix)
    } else if let Some(flow) = flow {
        let message = format!("`{}` is a flow, and no template: it has no `inputs`", shown(id));
        Diagnostic::error(codes::UNKNOWN_TEMPLATE, message)
            .at(&instance.file.path, *span, "")
            .at(&flow.file.path, flow.id.span, "the flow")
            .help("give it `inputs` and a `version`, or leave `from` out")
    } else {
        let known: Vec<String> = templates
            .iter()
            .filter_map(|template| Some(format!("{}@{}", template.id.value, version_of(template)?)))
            .collect();
        let written = format!("{id}@{version}");
        let list = known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
        let help = match list.is_empty() {
            true => "a template is a flow of the project with `inputs` and a `version`; there is none".to_owned(),
            false => format!("there is {list}"),
        };
        let meant = did_you_mean_name(&written, known.iter().map(String::as_str));
        Diagnostic::error(codes::UNKNOWN_TEMPLATE, format!("there is no template `{}`", shown(id)))
            .help(help)
            .did_you_mean(*span, meant)
    };
    let is_placed = !diagnostic.labels.is_empty();
    Err(vec![if is_placed { diagnostic } else { diagnostic.at(&instance.file.path, *span, "") }])
}

fn fillings(template: &TemplateDefinition, filling: impl Fn(&TemplateInput) -> Filling) -> Fillings {
    Fillings {
        by_name: template.inputs.iter().map(|input| (input.name.value.clone(), filling(input))).collect(),
        of_callers: of_callers(&template.map),
    }
}

/// The names of a manual trigger's inputs, which callers give to each run.
fn of_callers(map: &Map) -> Vec<String> {
    let below = |node: &Node, key: &str| match &node.kind {
        Kind::Map(map) => map.get(key).map(|entry| entry.value.clone()),
        _ => None,
    };
    let trigger = map.get("trigger").map(|entry| &entry.value);
    let inputs = trigger.and_then(|node| below(node, "manual")).and_then(|node| below(&node, "inputs"));
    match inputs.map(|node| node.kind) {
        Some(Kind::Map(map)) => map.entries.into_iter().map(|entry| entry.key.text).collect(),
        Some(_) | None => Vec::new(),
    }
}

fn without_inputs(map: &Map) -> Map {
    Map { entries: map.entries.iter().filter(|entry| entry.key.text != "inputs").cloned().collect() }
}

fn version(entry: &Entry) -> Option<At<u32>> {
    let Kind::Int(number) = entry.value.kind else { return None };
    let value = u32::try_from(number).ok().filter(|number| *number > 0)?;
    Some(At { value, span: entry.value.span })
}

/// `customers-to-warehouse@1`.
fn from(reader: &mut Reader<'_>, entry: &Entry) -> Option<At<(String, u32)>> {
    let wanted = "a template and its version, such as `customers-to-warehouse@1`";
    let text = reader.fixed_text(&entry.value, entry.key.span, "from", wanted)?;
    let parts = text.value.split_once('@').and_then(|(id, version)| {
        let is_number = version.bytes().all(|byte| byte.is_ascii_digit());
        let version: u32 = version.parse().ok().filter(|version| is_number && *version > 0)?;
        crate::parse::is_id(id).then(|| (id.to_owned(), version))
    });
    match parts {
        Some(value) => Some(At { value, span: text.span }),
        None => {
            let message = format!("`{}` does not name a template and its version", shown(&text.value));
            let help = match crate::parse::is_id(&text.value) {
                true => format!("add the version, such as `{}@1`", text.value),
                false => "write it as `customers-to-warehouse@1`".to_owned(),
            };
            reader.report(Diagnostic::error(codes::WRONG_VALUE, message).help(help), text.span);
            None
        }
    }
}

/// Moves all places of a tree behind another text.
fn shift_map(map: &mut Map, by: usize) {
    for entry in &mut map.entries {
        shift_span(&mut entry.key.span, by);
        shift_node(&mut entry.value, by);
    }
}

fn shift_node(node: &mut Node, by: usize) {
    shift_span(&mut node.span, by);
    match &mut node.kind {
        Kind::List(items) => items.iter_mut().for_each(|item| shift_node(item, by)),
        Kind::Map(map) => shift_map(map, by),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Broken => {}
    }
}

fn shift_span(span: &mut Span, by: usize) {
    *span = Span::new(span.start + by, span.end + by);
}
