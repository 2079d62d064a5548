//! The canonical layout of a project's documents: their keys stand in the order in which the language declares them.

use text::{AsWritten, Declared, Diagnostic, Kind, LayoutError, Map, SourceFile};

use crate::language::{CONNECTIONS, FLOW, INSTANCE, SETTINGS, SYNC, TEST};
use crate::parse;

/// The file's text in canonical layout. Keys of documents that are not of this language stay where they are.
pub fn lay_out(file: &SourceFile) -> Result<String, LayoutError> {
    let root = text::parse_yaml(file).root.map(|root| root.kind);
    let laid_out = match root {
        Some(Kind::Map(map)) => match declared(file, &map) {
            Some(order) => text::lay_out(file, &order),
            None => text::lay_out(file, &AsWritten),
        },
        Some(_) | None => text::lay_out(file, &AsWritten),
    };
    laid_out.map_err(|error| match error {
        LayoutError::Mistakes(mistakes) => LayoutError::Mistakes(explained(file, mistakes)),
        LayoutError::NotTheSame => LayoutError::NotTheSame,
    })
}

/// Which kind of document it is, by what it says; only `millrace.yaml` is known by its name.
fn declared(file: &SourceFile, map: &Map) -> Option<Declared> {
    let is_connection = |kind: &Kind| matches!(kind, Kind::Map(map) if map.get("connector").is_some());
    if map.get("flow").is_some() {
        Some(Declared(if map.get("from").is_some() { &INSTANCE } else { &FLOW }))
    } else if map.get("sync").is_some() {
        Some(Declared(&SYNC))
    } else if map.get("test").is_some() {
        Some(Declared(&TEST))
    } else if file.path.ends_with("millrace.yaml") {
        Some(Declared(&SETTINGS))
    } else if map.entries.iter().any(|entry| is_connection(&entry.value.kind)) {
        Some(Declared(&CONNECTIONS))
    } else {
        None
    }
}

/// The mistakes as they are best told of flows.
fn explained(file: &SourceFile, mistakes: Vec<Diagnostic>) -> Vec<Diagnostic> {
    mistakes.into_iter().map(|mistake| parse::explain(file, mistake)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn laid(path: &str, text: &str) -> String {
        lay_out(&SourceFile::new(path, text)).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn the_verb_comes_first_and_keys_stand_as_the_reference_lists_them() {
        let text = "steps:\n- as: found\n  # by its address\n  filter: {email: 'x', any: [{stage: won}]}\n  retry: {max: 1m, attempts: 3}\n  find: crm.contacts\n- else:\n  - set: {z: 1, a: 2}\n    create: w.log\n  then: [{skip: x}]\n  if: found != ()\ntrigger: {every: {max: 5m, min: 15s}, poll: crm.contacts}\nflow: a\n";
        assert_eq!(
            laid("flows/a.yaml", text),
            "flow: a\ntrigger: {poll: crm.contacts, every: {min: 15s, max: 5m}}\nsteps:\n  - find: crm.contacts\n    # by its address\n    filter: {email: x, any: [{stage: won}]}\n    as: found\n    retry: {attempts: 3, max: 1m}\n  - if: found != ()\n    then: [{skip: x}]\n    else:\n      - create: w.log\n        set: {z: 1, a: 2}\n"
        );
    }

    #[test]
    fn every_kind_of_document_has_its_order() {
        assert_eq!(
            laid("connections.yaml", "crm:\n  token: ${ env.T }\n  title: 'CRM'\n  connector: hubspot\n"),
            "crm:\n  connector: hubspot\n  title: CRM\n  token: ${ env.T }\n"
        );
        assert_eq!(laid("millrace.yaml", "data: d\ntimezone: UTC\n"), "timezone: UTC\ndata: d\n");
        assert_eq!(
            laid("flows/s.yaml", "every: 8h\nsync: s\nto_right: {create: true, match: email}\nbetween: [a.b, c.d]\n"),
            "sync: s\nbetween: [a.b, c.d]\nevery: 8h\nto_right: {match: email, create: true}\n"
        );
        assert_eq!(
            laid("flows/a.test.yaml", "cases:\n  - expect: [{set: {b: 1, a: 2}, upsert: w.x}]\n    name: x\ntest: a\n"),
            "test: a\ncases:\n  - name: x\n    expect: [{upsert: w.x, set: {b: 1, a: 2}}]\n"
        );
        assert_eq!(laid("connectors/x.yaml", "title: X\nconnector: x\n"), "title: X\nconnector: x\n");
    }

    #[test]
    fn names_lose_their_quotes_and_expressions_get_their_spaces() {
        assert_eq!(
            laid(
                "flows/a.yaml",
                "flow: \"a\"\ntrigger: {poll: \"crm.contacts\", every: \"1m\"}\nsteps:\n  - upsert: 'w.people'\n    match: \"b\"\n    set: {b: \"${record.id}\", c: \"crm.contacts\", d: \"1m\"}\n    as: \"x\"\n  - let: {e: \"$${not}\"}\n"
            ),
            "flow: a\ntrigger: {poll: crm.contacts, every: 1m}\nsteps:\n  - upsert: w.people\n    match: b\n    set: {b: \"${ record.id }\", c: \"crm.contacts\", d: \"1m\"}\n    as: x\n  - let: {e: \"$${not}\"}\n"
        );
    }

    #[test]
    fn mistakes_are_told_as_check_tells_them() {
        let file = SourceFile::new("flows/a.yaml", "flow: a\nwhen: !record.vip\n");
        let Err(LayoutError::Mistakes(mistakes)) = lay_out(&file) else { panic!("it has a mistake") };
        assert_eq!(mistakes, parse(&[file]).diagnostics[..mistakes.len()]);
    }
}
