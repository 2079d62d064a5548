use std::collections::BTreeSet;

use super::*;

mod read;

fn mappings() -> Vec<&'static Mapping> {
    Document::ALL.into_iter().flat_map(|document| document.mapping().with_all_below()).collect()
}

#[test]
fn every_key_is_told_of_in_sentences() {
    let mut n_keys = 0;
    for mapping in mappings() {
        let is_sentence = |doc: &str| {
            doc.ends_with('.') && doc.starts_with(|first: char| first.is_uppercase() || first == '`') && doc.len() < 320
        };
        assert!(is_sentence(mapping.doc), "{}: {}", mapping.what, mapping.doc);
        let mut names = BTreeSet::new();
        for key in mapping.keys {
            assert!(is_sentence(key.doc), "{}: {}: {}", mapping.what, key.name, key.doc);
            assert!(names.insert(key.name), "{}: {} stands twice", mapping.what, key.name);
            assert!(
                !(key.required && key.default.is_some()),
                "{}: {}: required, with a default",
                mapping.what,
                key.name
            );
            n_keys += 1;
        }
    }
    assert!(n_keys > 150, "{n_keys}");
}

#[test]
fn a_verb_stands_first_and_tells_the_step() {
    let declared: Vec<&str> = STEP.kinds.iter().map(|kind| kind.mapping.keys[0].name).collect();
    let verbs: Vec<&str> = StepVerb::ALL.into_iter().map(StepVerb::word).collect();
    assert_eq!(declared, verbs);
    assert!(STEP.kinds.iter().all(|kind| kind.told_by == [kind.mapping.keys[0].name]));
    assert!(TRIGGER.kinds.iter().all(|kind| kind.told_by[0] == kind.mapping.keys[0].name));
    let of_kind = |kind: TriggerKind| TRIGGER.kinds.iter().find(|known| std::ptr::eq(known.mapping, kind.mapping()));
    assert!(TriggerKind::ALL.into_iter().all(|kind| of_kind(kind).is_some_and(|of| of.told_by[0] == kind.word())));
}
