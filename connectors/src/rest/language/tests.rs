use std::collections::BTreeSet;

use super::*;

#[test]
fn every_key_is_told_of_in_sentences() {
    for mapping in manifest().with_all_below() {
        let is_sentence = |doc: &str| {
            doc.ends_with('.') && doc.starts_with(|first: char| first.is_uppercase() || first == '`') && doc.len() < 320
        };
        assert!(is_sentence(mapping.doc), "{}: {}", mapping.what, mapping.doc);
        let mut names = BTreeSet::new();
        for key in mapping.keys {
            assert!(is_sentence(key.doc), "{}: {}: {}", mapping.what, key.name, key.doc);
            assert!(names.insert(key.name), "{}: {} stands twice", mapping.what, key.name);
        }
    }
}

#[test]
fn a_search_is_asked_what_it_declares() {
    let keys: Vec<&str> = TESTS.known().collect();
    let words: Vec<&str> = words::TEST_KINDS.words.iter().map(|word| word.word).collect();
    assert_eq!(keys, words);
}
